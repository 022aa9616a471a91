"""A project whose service lives on an emulated AWS with real machines: what `phoenix` needs for the whole way there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulators.aws import Emulator
from tests.emulators.aws.world import World
from tests.support.real.hello import Hello
from tests.support.real.instant import get
from tests.support.real.shell import Shell

PROJECT = """\
version: 1
project: hello
state: .phoenix
clouds:
  local: {{kind: local}}
  aws: {{kind: aws, region: {region}, subnets: [{subnets}], tags: {{team: web}}, builder: {{type: t3.small}}}}
repositories:
  main:
    distribution: bookworm
    root: .phoenix/aptly
    url: {{local: "http://127.0.0.1:{port}", aws: "http://10.0.2.2:{port}"}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml, tests: ["node --version", "id nodejs"]}}
services:
  web-tier:
    image: foundation/nodejs
    packages: [hello]
    settings: {{GREETING: Hello}}
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
class Shop:
    """The project, the account it is in, and where its listener takes requests."""

    shell: Shell
    emulator: Emulator
    world: World
    address: str

    @property
    def hello(self) -> Hello:
        """The app, in whatever versions a test needs."""
        return Hello(self.shell)

    def roll(self, version: str, code: int = 0) -> dict[str, Any]:
        """Roll to that version of the app."""
        return self.shell.run("roll", "web-tier", "--package", f"hello={version}", code=code)

    def shares(self) -> dict[str, int]:
        """The groups that get traffic, with their shares, as `status` tells."""
        groups = self.shell.run("status", "web-tier")["services"][0]["groups"]
        return {group["name"]: group["share"] for group in groups if group["share"]}

    def groups(self) -> list[str]:
        """The groups that stand."""
        return [group["name"] for group in self.shell.run("group", "list")["groups"]]

    def answer(self) -> str:
        """What a client is told now."""
        return get(f"http://{self.address}")[1]


def opened(shell: Shell, emulator: Emulator, port: int) -> Shop:
    """The project of `phoenix init` in the shell's directory, with its service in the emulated account."""
    world = emulator.world()
    shell.run("init", str(shell.directory), project=False)
    text = PROJECT.format(
        region=world.region,
        subnets=", ".join(world.subnets),
        firewall=world.security_group,
        listener=world.listener,
        port=port,
    )
    spec: Path = shell.directory / "phoenix.yaml"
    assert re.search(r"^services:", spec.read_text(), re.MULTILINE)
    spec.write_text(text)
    return Shop(shell=shell, emulator=emulator, world=world, address=emulator.serve(world.listener))
