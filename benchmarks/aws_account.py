"""An emulated account for the figures of AWS: a project with its images there, and a listener for each side."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from benchmarks import emulated
from benchmarks.emulated import DRAIN, HEALTHY_AFTER, INTERVAL, Asked
from benchmarks.figures import BIN
from benchmarks.measure import FailedError, run, variables
from tests.emulators.aws import Emulator
from tests.emulators.aws.world import World

SETTINGS = {"pending": 2.0, "terminating": 2.0, "probe": 1.0}
"""Seconds: machines are as quick as they can be, so that what phoenix adds is not lost in what AWS takes."""
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


@dataclass(kw_only=True)
class Account(emulated.Account):
    """The emulated account, and the project whose service lives in it."""

    emulator: Emulator
    world: World

    def asked(self) -> tuple[Asked, ...]:
        """What was asked of the cloud since the last question."""
        found = self.emulator.calls()
        self.emulator.forget_calls()
        return tuple(Asked(what=call.action, at=call.at) for call in found)

    def now(self) -> float:
        """What the emulator's clock shows."""
        return self.emulator.advance(0)


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
