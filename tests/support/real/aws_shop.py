"""A project whose service lives on an emulated AWS with real machines: what `phoenix` needs for the whole way there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.demo import load
from tests.emulators.aws import Emulator
from tests.emulators.aws.world import World
from tests.support.real.aws_story import Asked
from tests.support.real.hello import Hello
from tests.support.real.instant import get
from tests.support.real.shell import Shell

PROJECT = """\
version: 1
project: hello
state: .phoenix
state_is_shared: true
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
    health: {{path: /healthz, interval: 5s, healthy_after: 5s, deadline: 90s}}
    drain: 5s
    environments:
      prod:
        cloud: aws
        size: 2
        machine: {{type: t3.small, firewall: [{firewall}]}}
        load_balancer: {{listener: "{listener}", rule: default}}
        strategy: {{kind: blue-green, keep: 0s}}
"""


RATE = 50
"""Requests a second, through the emulated listener."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project, the account it is in, and where its listener takes requests."""

    shell: Shell
    emulator: Emulator
    world: World
    address: str
    service: str = "web-tier"
    layers: tuple[str, ...] = ("os/debian-12", "foundation/nodejs")

    def released(self, version: str, *, broken: bool = False) -> tuple[str, ...]:
        """Publish that version of the app, which crashes where it is broken."""
        hello = Hello(self.shell)
        if broken:
            hello.publish_broken(version)
        else:
            hello.publish(version)
        return ("--package", f"hello={version}")

    def answer(self) -> str:
        """What a client is told now."""
        return get(f"http://{self.address}")[1]

    @contextmanager
    def asking(self, out: Path) -> Iterator[Callable[[], Asked]]:
        """A load through the listener."""
        url = f"http://{self.address}/"
        with load.running(url, rate=RATE, out=out, clock=SystemClock()) as running:

            def finish() -> Asked:
                told = running.finish()
                failures = tuple(f"{failure.second:.1f} s: {failure.reason}" for failure in told.failures)
                assert len(failures) == min(told.failed, 1000)
                return Asked(sent=told.sent, answered=told.answered, failures=failures)

            yield finish


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
