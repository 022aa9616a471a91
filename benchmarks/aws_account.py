"""An emulated account for the figures of AWS: a project with its images there, and a listener for each side."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from benchmarks.figures import BIN
from benchmarks.measure import FailedError, run, variables
from tests.emulators.aws import Emulator
from tests.emulators.aws.calls import Call
from tests.emulators.aws.world import World

SETTINGS = {"pending": 2.0, "terminating": 2.0, "probe": 1.0}
"""Seconds: machines are as quick as they can be, so that what phoenix adds is not lost in what AWS takes."""
DRAIN, HEALTHY_AFTER, INTERVAL = 5, 5, 5
"""Seconds, on both sides: deregistration delay, how long a machine must have answered, between two of its checks."""
PROJECT = """\
version: 1
project: hello
state: .phoenix
clouds:
  aws: {{kind: aws, region: {region}, subnets: [{subnets}], tags: {{team: web}}}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml}}
services:
  web-tier:
    image: foundation/nodejs
    packages: []
    settings: {{GREETING: Hello}}
    port: 8080
    health: {{path: /healthz, interval: {interval}s, healthy_after: {healthy_after}s, deadline: 4m}}
    drain: {drain}s
    environments:
      prod:
        cloud: aws
        size: 2
        machine: {{type: t3.small, disk: 8G, firewall: [{firewall}]}}
        load_balancer: {{listener: "{listener}", rule: default, address: "http://{address}"}}
        strategy: {{kind: blue-green, keep: 0s}}
"""


@dataclass
class Account:
    """The emulated account, and the project whose service lives in it."""

    emulator: Emulator
    world: World
    project: Path
    address: str
    """Where phoenix's listener takes requests."""
    releases: int = 0

    def phoenix(self, *arguments: str) -> dict[str, Any]:
        """Run phoenix in the project; its result."""
        found: dict[str, Any] = json.loads(run(*self.words(*arguments)))
        return found

    def words(self, *arguments: str) -> tuple[str, ...]:
        """The command line."""
        return (str(BIN / "phoenix"), "-C", str(self.project), *arguments, "--json")

    def calls(self) -> tuple[Call, ...]:
        """What was asked of AWS since the last question."""
        found = self.emulator.calls()
        self.emulator.forget_calls()
        return found

    def next_release(self) -> None:
        """Another release of the same image: another greeting."""
        before, self.releases = self.releases, self.releases + 1
        self.edit(
            "GREETING: Hello" + (f" {before}}}" if before else "}"),
            f"GREETING: Hello {self.releases}}}",
        )

    def edit(self, old: str, new: str) -> None:
        """Change one thing of phoenix.yaml."""
        file = self.project / "phoenix.yaml"
        text = file.read_text()
        if text.count(old) != 1:
            raise FailedError(f"{file} does not have '{old}' once")
        file.write_text(text.replace(old, new))


@contextmanager
def opened(scratch: Path) -> Iterator[Account]:
    """The account with instant machines; the project in `scratch` has both of its images there."""
    with Emulator(machines="instant") as emulator, variables(emulator.environment):
        emulator.configure(**SETTINGS)  # type: ignore[arg-type]
        world = emulator.world("hello")
        project, address = scratch / "aws", emulator.serve(world.listener)
        run(str(BIN / "phoenix"), "init", str(project))
        (project / "phoenix.yaml").write_text(
            PROJECT.format(
                region=world.region,
                subnets=", ".join(world.subnets),
                firewall=world.security_group,
                listener=world.listener,
                address=address,
                drain=DRAIN,
                healthy_after=HEALTHY_AFTER,
                interval=INTERVAL,
            )
        )
        account = Account(emulator=emulator, world=world, project=project, address=address)
        _give_images(account)
        yield account


def _give_images(account: Account) -> None:
    """What a bake would have made: AMIs with the keys of today's recipes."""
    ec2 = boto3.client("ec2")
    for plan in account.phoenix("bake", "foundation", "nodejs", "--plan")["plans"]:
        action = plan["steps"][0]["action"]
        name = action["image"]
        copy = ec2.copy_image(Name=name, SourceImageId=account.world.base_image, SourceRegion=account.world.region)
        tags = {
            "project": "hello",
            "image": name,
            "type": action["type"],
            "name": action["name"],
            "key": action["key"],
            "parent": action["parent"] or "",
            "created": "2026-01-02T03:04:05Z",
            "verified": "qemu",
            "builder": "packer",
            "role": "image",
        }
        written = [{"Key": f"phoenix:{key}", "Value": value} for key, value in tags.items()]
        ec2.create_tags(Resources=[copy["ImageId"]], Tags=written)


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a program took."""

    wall: float
    cpu: float
    """Seconds of processors, user and system."""
    peak: float
    """Megabytes of memory, at the most."""


def used(*argv: str, out: Path) -> tuple[Used, str]:
    """Run a program to its end: what it took, and what it printed, by way of a file. FailedError where it fails."""
    began = time.perf_counter()
    with out.open("wb") as stdout:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout)
        _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise FailedError(f"{' '.join(argv)} failed (exit {process.returncode})")
    taken = Used(
        wall=time.perf_counter() - began, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024 / 10**6
    )
    return taken, out.read_text()
