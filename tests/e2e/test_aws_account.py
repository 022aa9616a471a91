"""`make test-aws` as far as that goes without an account: the same program, which finds an emulator instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.account import run
from tests.account.wishes import Wishes
from tests.emulators.aws import Emulator
from tests.emulators.machines import light
from tests.support.real import aws_rights
from tests.support.real.machines import left_of

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def root(roomy: Path) -> Path:
    directory = roomy / "aws-account"
    directory.mkdir()
    return directory


@pytest.fixture(scope="module")
def emulator(root: Path, debian_ami: Path) -> Iterator[Emulator]:
    options = {"root": str(root), "vendor": str(debian_ami)}
    with pytest.MonkeyPatch.context() as patch, Emulator(machines="light", options=options) as emulator:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        emulator.configure(lag=1.0)
        yield emulator
    try:
        assert left_of(root) == []
    finally:
        light.sweep(root)


def inventory() -> dict[str, set[str]]:
    """What there is in the account that costs money, or would be in somebody's way."""
    ec2, elb = boto3.client("ec2"), boto3.client("elbv2")
    groups = boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    machines = [one for each in ec2.describe_instances()["Reservations"] for one in each["Instances"]]
    return {
        "groups": {each["AutoScalingGroupName"] for each in groups},
        "machines": {one["InstanceId"] for one in machines if one["State"]["Name"] != "terminated"},
        "balancers": {each["LoadBalancerArn"] for each in elb.describe_load_balancers()["LoadBalancers"]},
        "target groups": {each["TargetGroupArn"] for each in elb.describe_target_groups()["TargetGroups"]},
        "templates": {each["LaunchTemplateId"] for each in ec2.describe_launch_templates()["LaunchTemplates"]},
        "images": {each["ImageId"] for each in ec2.describe_images(Owners=["self"])["Images"]},
        "snapshots": {each["SnapshotId"] for each in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]},
        "volumes": {each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]},
        "firewalls": {each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]},
        "keys": {each["KeyPairId"] for each in ec2.describe_key_pairs()["KeyPairs"]},
    }


def wishes(emulator: Emulator, minutes: float = 90.0) -> Wishes:
    world = emulator.world()
    return Wishes(region=world.region, subnets=world.subnets, minutes=minutes)


@pytest.mark.timeout(900, method="thread")
def test_a_run_whose_time_is_over_leaves_nothing_either(emulator: Emulator) -> None:
    asked, said = wishes(emulator, minutes=0.4), list[str]()
    before = inventory()
    code = run.played("try-0a1b2c3e", asked, said.append, address_of=lambda arn, _name: emulator.serve(arn), interval=1)
    assert code == 1
    assert "failed: OutOfTimeError: the time is over" in said
    assert inventory() == before
    assert said[-1] == "nothing of try-0a1b2c3e is left"


@pytest.mark.timeout(2400, method="thread")  # the run has the alarm for itself
def test_the_story_goes_as_it_must_and_leaves_nothing(emulator: Emulator) -> None:
    asked, said = wishes(emulator), list[str]()
    before = inventory()
    code = run.played("try-0a1b2c3d", asked, said.append, address_of=lambda arn, _name: emulator.serve(arn), interval=1)
    assert code == 0, "\n".join(said)
    assert inventory() == before
    assert said[-1] == "nothing of try-0a1b2c3d is left"
    assert aws_rights.uncovered(emulator.calls()) == []
