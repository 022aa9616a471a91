"""The app of a run: it comes by a playbook, so that no repository has to be reached from an account.

A release is another by its settings alone: the app tells its VERSION from them, and refuses to start by them.
"""

from __future__ import annotations

from tests.support.real.shell import Shell

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


def write(shell: Shell) -> None:
    """Write the project of `phoenix init`, with the app in a playbook `hello.yml`, into the shell's directory."""
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
