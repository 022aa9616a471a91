"""What a group of a thousand machines costs on AWS: to be looked at by hand, and to be watched while it soaks."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.aws_account import Used, used
from benchmarks.measure import FailedError, say, variables
from benchmarks.report import Limit
from phoenix.spec.services import Canary
from tests.emulators.aws import Emulator
from tests.support.real import aws
from tests.support.rolls.aws_stage import NEW, OLD, AwsStage

MACHINES, STEP, LOOKS = 1000, 100, 3
"""Of the group; so many are made at once; rounds of the figures."""
PATIENT = (
    "import sys; from phoenix.clouds.aws import calls; calls._READ = 60; "
    "from phoenix.cli import app; sys.exit(app.run(sys.argv[1:]))"
)
"""phoenix, but for its patience with one answer: the emulator needs longer than AWS to tell of so many machines."""
SOAK = 600.0
"""Seconds, on the emulator's clock: nobody waits for them."""
PROJECT = """\
version: 1
project: shop
state: .phoenix
clouds:
  aws: {{kind: aws, region: {region}, subnets: [{subnets}]}}
images:
  os:
    debian-12: {{base: {{aws: "136693071363/debian-12-amd64-*"}}, playbook: os.yml}}
services:
  web:
    image: os/debian-12
    packages: []
    port: 8080
    health: {{path: /}}
    environments:
      prod:
        cloud: aws
        size: {size}
        machine: {{type: t3.micro}}
        load_balancer: {{listener: "{listener}", rule: default}}
        strategy: {{kind: blue-green}}
"""


def limits(scratch: Path) -> list[Limit]:
    """Status of the large group, and the soak of a canary."""
    with Emulator() as emulator, variables(emulator.environment):
        soaked = _soak(emulator, scratch)
        emulator.reset()
        return [*_status(emulator, scratch), soaked]


def _status(emulator: Emulator, scratch: Path) -> list[Limit]:
    stage = AwsStage(account=aws.account(emulator, "shop"), logs=scratch)
    stage.roll("1")
    for size in range(STEP, MACHINES + 1, STEP):  # the emulator is slow to make many
        bounds = {"MinSize": size, "MaxSize": size, "DesiredCapacity": size}
        stage.account.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=OLD, **bounds)
    stage.account.clock.sleep(60)
    project = scratch / "large"
    (project / "playbooks").mkdir(parents=True)
    (project / "playbooks" / "os.yml").write_text("- hosts: all\n  tasks: []\n")
    world = stage.account.world
    (project / "phoenix.yaml").write_text(
        PROJECT.format(region=world.region, subnets=", ".join(world.subnets), size=MACHINES, listener=world.listener)
    )
    rounds: list[Used] = []
    for _round in range(LOOKS):
        taken, out = used(
            sys.executable, "-c", PATIENT, "-C", str(project), "status", "--json", out=project / "status.json"
        )
        _refuse_unseen(json.loads(out))
        rounds.append(taken)
        say(f"status of {MACHINES} machines: {rounds[-1]}")
    name = f"`phoenix status`, a group of {MACHINES:,} machines (AWS)"
    return [
        Limit(name=name, seen=tuple(each.cpu for each in rounds), unit="s of processors", must=3, aim=2),
        Limit(name=name, seen=tuple(each.peak for each in rounds), unit="MB at the peak", must=250, aim=150),
    ]


def _refuse_unseen(told: dict[str, Any]) -> None:
    """FailedError where not all machines were seen: then nothing is measured."""
    (service,) = told["services"]
    seen = sum(len(group["instances"]) for group in service["groups"])
    if service["error"] or seen != MACHINES:
        raise FailedError(f"status saw {seen} machines: {service['error']}")


def _soak(emulator: Emulator, scratch: Path) -> Limit:
    """A canary soaks beside the stable group; the calls of each minute in between, by the group they are about."""
    strategy = Canary(steps=(50, 100), soak=SOAK, hold=(), keep=0.0)
    stage = replace(AwsStage(account=aws.account(emulator, "shop"), logs=scratch), strategy=strategy)
    stage.roll("1")
    counted: list[float] = []

    def begins() -> None:
        emulator.forget_calls()

    def ends() -> None:
        moments = [call.at for call in emulator.calls()]
        minutes = Counter(int((at - moments[0]) // 60) for at in moments)
        counted.extend(minutes[each] / 2 for each in range(int(SOAK // 60)))  # of two groups: OLD and NEW

    stage.meddle["soak-50"], stage.meddle["grow-100"] = begins, ends
    stage.roll("2")
    assert stage.shares == {NEW: 100}, f"{OLD} has served before"
    return Limit(
        name="describes a minute and group in a soak (AWS)",
        seen=tuple(counted),
        unit="calls",
        must=6,
        aim=6,
        note="whatever the group's size: one DescribeRules, and of the group that soaks one DescribeTargetHealth and "
        "one DescribeAutoScalingGroups a look.",
    )
