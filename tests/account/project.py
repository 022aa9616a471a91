"""The project of a run on AWS."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.account import app
from tests.account.asking import asking
from tests.support.real.instant import get
from tests.support.real.shell import Shell
from tests.support.real.story import Asked

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
    """The `Place` of a run: see `story.py`."""

    shell: Shell
    site: Site
    layers: tuple[str, ...] = ("os/debian-12", "foundation/nodejs", "immutable/hello")

    @property
    def word(self) -> str:
        """Of the reason of a target's health."""
        return "Target."

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
    app.write(shell)
    project = Project(shell=shell, site=site)
    project.released("1.0.0")
    return project
