"""Removing what a run made: found by the run's tag, removed by id, looked for again.

What needs another thing gone first is tried again until the time is over; what is left then is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from phoenix.clock import Clock, SystemClock
from phoenix.wait import DeadlineError, Look, Verdict, wait_for
from tests.account import costs
from tests.account.ground import Account
from tests.account.project import TAG

INTERVAL = 10.0
"""Seconds."""
PAGE = 20
"""Of DescribeTags of a balancer's things:
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html"""
_ENDED = ("shutting-down", "terminated")


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that bears the run's tag."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Things of one kind: how they are found, and how one is removed."""

    name: str
    found: Callable[[Account], Iterator[str]]
    remove: Callable[[Account, str], object]


def removed(
    account: Account,
    tell: Callable[[str], None],
    *,
    clock: Clock | None = None,
    seconds: float = costs.TEARDOWN * 60,
    interval: float = INTERVAL,
) -> tuple[str, ...]:
    """Remove everything of the run; what is left after so many seconds, or could not be looked for."""
    said: list[str] = []
    last: list[tuple[str, ...]] = [()]

    def look() -> Look:
        last[0] = tuple(_round(account, tell, said))
        return Look(verdict=Verdict.UNKNOWN if last[0] else Verdict.PASS, seen=", ".join(last[0]) or "nothing")

    with suppress(DeadlineError):
        wait_for("the removal", look, clock=clock or SystemClock(), deadline=seconds, interval=interval)
    return last[0]


def _round(account: Account, tell: Callable[[str], None], said: list[str]) -> Iterator[str]:
    """Say to every thing that it is to go, the group before its machines; whatever was still there."""
    for kind in KINDS:
        try:
            things = [Thing(kind=kind.name, id=id) for id in kind.found(account)]
        except (ClientError, BotoCoreError) as error:
            yield f"whatever {kind.name}s there are: {error}"
            continue
        for thing in things:
            if str(thing) not in said:
                said.append(str(thing))
                tell(f"remove {thing}")
            if not _gone(kind, account, thing.id):
                yield str(thing)


def _gone(kind: Kind, account: Account, id: str) -> bool:
    """Whether it is no more: tags are told for a while of what is gone. A removal that begins now is not the end."""
    try:
        kind.remove(account, id)
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        return "NotFound" in code or code == "InvalidAMIID.Unavailable"
    except BotoCoreError:
        return False
    return False


def _groups(account: Account) -> Iterator[str]:
    wanted = [{"Name": f"tag:{TAG}", "Values": [account.run]}]
    pages = account.client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate(Filters=wanted)
    yield from (group["AutoScalingGroupName"] for page in pages for group in page["AutoScalingGroups"])


def _tagged(kind: str) -> Callable[[Account], Iterator[str]]:
    def found(account: Account) -> Iterator[str]:
        wanted = {"resource-type": kind, "key": TAG, "value": account.run}
        filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
        pages = account.client("ec2").get_paginator("describe_tags").paginate(Filters=filters)
        yield from (tag["ResourceId"] for page in pages for tag in page["Tags"])

    return found


def _machines(account: Account) -> Iterator[str]:
    """Those that have not ended; told of for an hour after that."""
    wanted = [{"Name": f"tag:{TAG}", "Values": [account.run]}]
    pages = account.client("ec2").get_paginator("describe_instances").paginate(Filters=wanted)
    for reservation in (each for page in pages for each in page["Reservations"]):
        for machine in reservation["Instances"]:
            if machine["State"]["Name"] not in _ENDED:
                yield machine["InstanceId"]


def _of_balancing(action: str, key: str, arn: str) -> Callable[[Account], Iterator[str]]:
    """Elastic Load Balancing cannot be asked by tag: all are listed, and their tags read."""

    def found(account: Account) -> Iterator[str]:
        elb = account.client("elbv2")
        arns = [each[arn] for page in elb.get_paginator(action).paginate() for each in page[key]]
        for first in range(0, len(arns), PAGE):
            for told in elb.describe_tags(ResourceArns=arns[first : first + PAGE])["TagDescriptions"]:
                if {"Key": TAG, "Value": account.run} in told["Tags"]:
                    yield told["ResourceArn"]

    return found


def _call(service: str, action: str, parameter: str, *, several: bool = False, **more: Any) -> Callable[..., object]:
    def remove(account: Account, id: str) -> object:
        return getattr(account.client(service), action)(**{parameter: [id] if several else id}, **more)

    return remove


def _ec2(kind: str, action: str, parameter: str, *, several: bool = False) -> Kind:
    return Kind(
        name=kind.replace("-", " "), found=_tagged(kind), remove=_call("ec2", action, parameter, several=several)
    )


KINDS = (
    Kind(
        name="group",
        found=_groups,
        remove=_call("autoscaling", "delete_auto_scaling_group", "AutoScalingGroupName", ForceDelete=True),
    ),
    Kind(
        name="balancer",
        found=_of_balancing("describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
        remove=_call("elbv2", "delete_load_balancer", "LoadBalancerArn"),
    ),
    Kind(
        name="target group",
        found=_of_balancing("describe_target_groups", "TargetGroups", "TargetGroupArn"),
        remove=_call("elbv2", "delete_target_group", "TargetGroupArn"),
    ),
    _ec2("spot-instances-request", "cancel_spot_instance_requests", "SpotInstanceRequestIds", several=True),
    _ec2("launch-template", "delete_launch_template", "LaunchTemplateId"),
    Kind(name="machine", found=_machines, remove=_call("ec2", "terminate_instances", "InstanceIds", several=True)),
    _ec2("image", "deregister_image", "ImageId"),
    _ec2("snapshot", "delete_snapshot", "SnapshotId"),
    _ec2("volume", "delete_volume", "VolumeId"),
    _ec2("network-interface", "delete_network_interface", "NetworkInterfaceId"),
    _ec2("key-pair", "delete_key_pair", "KeyPairId"),
    _ec2("security-group", "delete_security_group", "GroupId"),
)
"""In this order: a group starts machines again, a balancer holds its target groups and its security group."""
