"""The project of a run: its app comes by a playbook, so that no repository has to be reached from the account.

A release is another by its settings alone: the app tells its VERSION from them, and refuses to start by them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.account.asking import asking
from tests.support.real.aws_story import Asked
from tests.support.real.instant import get
from tests.support.real.shell import Shell

TAG = "phoenix-test-aws"
"""On everything that a run makes, with its name."""
PROJECT = """\
version: 1
project: {run}
state: .phoenix
state_is_shared: true
clouds:
  aws: {{kind: aws, region: {region}, subnets: [{subnets}], tags: {{{tag}: {run}}}, builder: {{type: t3.small}}}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml, tests: ["node --version"]}}
  immutable:
    hello: {{foundation: nodejs, playbook: hello.yml, tests: ["systemctl is-enabled hello.path"]}}
services:
  {run}:
    image: immutable/hello
    settings: {{GREETING: Hello, VERSION: "{version}", BREAK: "{broken}"}}
    port: 8080
    health: {{path: /healthz, interval: 5s, healthy_after: 5s, deadline: 2m}}
    drain: 5s
    environments:
      prod:
        cloud: aws
        size: 2
        machine: {{type: t3.small, firewall: [{firewall}]}}
        load_balancer: {{listener: "{listener}", rule: default}}
        strategy: {{kind: blue-green, keep: 0s}}
"""
PLAYBOOK = """\
---
- name: Hello, without a package
  hosts: all
  become: true
  gather_facts: false
  tasks:
    - name: Make a directory for the app
      ansible.builtin.file: {path: /usr/lib/hello, state: directory, mode: "0755"}
    - name: Bring the app
      ansible.builtin.copy: {src: files/hello/server.js, dest: /usr/lib/hello/server.js, mode: "0644"}
    - name: Bring its units
      ansible.builtin.copy: {src: "files/hello/{{ item }}", dest: "/etc/systemd/system/{{ item }}", mode: "0644"}
      loop: [hello.service, hello.path]
    - name: Start it with every boot, when its settings are there
      ansible.builtin.systemd_service: {name: hello.path, enabled: true}
"""
PATH = """\
[Unit]
Description=starts hello when the machine has its settings

[Path]
PathExists=/etc/phoenix/settings.env

[Install]
WantedBy=multi-user.target
"""
SERVICE = """\
[Unit]
Description=hello: greets, and says its version and machine
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
User=nodejs
EnvironmentFile=-/etc/phoenix/settings.env
ExecStartPre=+/bin/sh -c 'until grep -q ^VERSION= /etc/phoenix/settings.env; do sleep 0.1; done'
ExecStart=/usr/bin/node /usr/lib/hello/server.js
Restart=on-failure
RestartSec=1
TimeoutStopSec=35
"""
"""The file is there for a moment before it is written: the first line waits for that."""
FROM_SETTINGS = {
    "const version = readVersion();\n": """const version = process.env.VERSION || readVersion();
if (process.env.BREAK) {
  console.error("refusing to start: this version is broken");
  process.exit(1);
}
""",
}
"""What is replaced in the app of `phoenix init` by what."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a run made for its service, and where that is."""

    run: str
    region: str
    subnets: tuple[str, ...]
    firewall: str
    listener: str
    address: str
    """HOST or HOST:PORT at which the listener takes requests."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The `Place` of a run: see `aws_story.py`."""

    shell: Shell
    site: Site
    layers: tuple[str, ...] = ("os/debian-12", "foundation/nodejs", "immutable/hello")

    @property
    def service(self) -> str:
        """Named as the run, so that its groups meet no other service's."""
        return self.site.run

    def released(self, version: str, *, broken: bool = False) -> tuple[str, ...]:
        """Write the settings of that version; a roll needs no option."""
        site = self.site
        text = PROJECT.format(
            tag=TAG,
            run=site.run,
            region=site.region,
            subnets=", ".join(site.subnets),
            firewall=site.firewall,
            listener=site.listener,
            version=version,
            broken="yes" if broken else "",
        )
        (self.shell.directory / "phoenix.yaml").write_text(text)
        return ()

    def answer(self) -> str:
        """What a client is told now."""
        return get(f"http://{self.site.address}")[1]

    def asking(self, out: Path) -> AbstractContextManager[Callable[[], Asked]]:
        """Clients at the balancer, in a process of their own."""
        return asking(f"http://{self.site.address}/")


def made(shell: Shell, site: Site) -> Project:
    """Write the project, with the app in its playbook, into the shell's directory."""
    shell.run("init", str(shell.directory), project=False)
    source = (shell.directory / "hello" / "server.js").read_text()
    for there, instead in FROM_SETTINGS.items():
        assert source.count(there) == 1, there
        source = source.replace(there, instead)
    playbooks = shell.directory / "playbooks"
    files = playbooks / "files" / "hello"
    files.mkdir(parents=True)
    (files / "server.js").write_text(source)
    (files / "hello.service").write_text(SERVICE)
    (files / "hello.path").write_text(PATH)
    (playbooks / "hello.yml").write_text(PLAYBOOK)
    project = Project(shell=shell, site=site)
    project.released("1.0.0")
    return project
