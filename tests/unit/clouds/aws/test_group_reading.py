"""Auto Scaling groups as AWS tells of them, read into groups and instances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from phoenix.clouds.aws.machines import group_reading
from phoenix.clouds.aws.machines.activities import Trouble
from phoenix.clouds.aws.machines.group_reading import Machine
from phoenix.errors import CloudError
from phoenix.model import BootState, Group, Instance, InstanceState, Release
from tests.unit.clouds.aws import answers
from tests.unit.clouds.aws.answers import NAME, NOON, TARGET_GROUP, member, tags

RELEASE = Release(image="shop-web-1", image_ref="foundation/web@1")


def read(answer: dict[str, Any], **more: Any) -> Group:
    given = {"release": RELEASE, "machines": {}, "port": "8080", "trouble": None, **more}
    return group_reading.group(group_reading.found(answer), **given)


def test_a_group_of_ours() -> None:
    created = "2026-02-28T10:11:12.345678+00:00"
    own = tags(
        project="shop",
        service="web",
        environment="prod",
        run="roll-1",
        shape="abc",
        created=created,
        keep_until="2026-03-02T12:00:00Z",
        pinned_until="2026-03-01T13:00:00Z",
    )
    machines = {"i-1": Machine(ip="10.0.0.5", since=NOON)}
    assert read(answers.group(member(), Tags=own), machines=machines) == Group(
        name=NAME,
        project="shop",
        service="web",
        environment="prod",
        release=RELEASE,
        size=1,
        created=datetime(2026, 2, 28, 10, 11, 12, 345678, tzinfo=UTC),
        instances=(
            Instance(
                id="i-1",
                group=NAME,
                state=InstanceState.RUNNING,
                boot=BootState.UNKNOWN,
                address="10.0.0.5:8080",
                engine="t3.micro",
                zone="eu-west-1a",
                since=NOON,
            ),
        ),
        keep_until=datetime(2026, 3, 2, 12, tzinfo=UTC),
        run="roll-1",
        shape="abc",
        pinned_until=datetime(2026, 3, 1, 13, tzinfo=UTC),
    )


def test_a_group_of_somebody_else_runs_what_nobody_knows() -> None:
    foreign = read(answers.group(Tags=[{"Key": "team", "Value": "shop"}]))
    assert (foreign.made, foreign.release, foreign.project, foreign.created) == (False, None, "", NOON)


def test_of_an_older_way_to_launch_there_is_no_template() -> None:
    old = answers.group(LaunchConfigurationName="web-2019")
    del old["LaunchTemplate"]
    assert group_reading.found(old).template is None


@pytest.mark.parametrize(
    ("lifecycle", "state", "detail"),
    [
        ("Pending", InstanceState.STARTING, ""),
        ("Pending:Wait", InstanceState.STARTING, "waiting for a lifecycle hook"),
        ("Pending:Proceed", InstanceState.STARTING, ""),
        ("Warmed:Stopped", InstanceState.STARTING, ""),
        ("ReplacingRootVolume", InstanceState.STARTING, ""),
        ("InService", InstanceState.RUNNING, ""),
        ("RootVolumeReplaced", InstanceState.RUNNING, ""),
        ("Terminating", InstanceState.LEAVING, ""),
        ("Terminating:Wait", InstanceState.LEAVING, "waiting for a lifecycle hook"),
        ("Terminating:Retained", InstanceState.LEAVING, "kept by a lifecycle hook that failed"),
        ("Terminated", InstanceState.LEAVING, ""),
        ("Warmed:Terminating:Wait", InstanceState.LEAVING, "waiting for a lifecycle hook"),
        ("Detaching", InstanceState.LEAVING, ""),
        ("Standby", InstanceState.LEAVING, "in standby: somebody has set it aside"),
        ("EnteringStandby", InstanceState.LEAVING, "in standby: somebody has set it aside"),
        ("Quarantined", InstanceState.UNKNOWN, "in the state Quarantined"),
        ("Hovering", InstanceState.UNKNOWN, "in the state Hovering"),
    ],
)
def test_states(lifecycle: str, state: InstanceState, detail: str) -> None:
    (seen,) = read(answers.group(member(lifecycle=lifecycle))).instances
    assert (seen.state, seen.detail, seen.address) == (state, detail, "")


def test_what_is_marked_unhealthy_is_dead_and_what_is_protected_says_so() -> None:
    ill, kept = read(
        answers.group(member("i-1", HealthStatus="Unhealthy"), member("i-2", ProtectedFromScaleIn=True))
    ).instances
    assert (ill.state, ill.detail) == (InstanceState.DEAD, "marked unhealthy: it is to be replaced")
    assert (kept.state, kept.detail) == (InstanceState.RUNNING, "protected from scale-in")


def test_the_oldest_comes_first_and_the_unknown_last() -> None:
    machines = {
        "i-1": Machine(ip="10.0.0.1", since=NOON),
        "i-3": Machine(ip="10.0.0.3", since=NOON - timedelta(hours=1)),
    }
    seen = read(answers.group(member("i-1"), member("i-2"), member("i-3")), machines=machines)
    assert [each.id for each in seen.instances] == ["i-3", "i-1", "i-2"]


def test_what_ec2_knows_of_machines() -> None:
    launched = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    reservations: list[dict[str, Any]] = [
        {"Instances": [{"InstanceId": "i-1", "PrivateIpAddress": "10.0.0.1", "LaunchTime": launched}]},
        {"Instances": [{"InstanceId": "i-2"}]},
    ]
    machines = group_reading.machines(reservations)
    assert machines == {"i-1": Machine(ip="10.0.0.1", since=NOON), "i-2": Machine(ip="", since=None)}
    assert machines["i-1"].since is not None
    assert machines["i-1"].since.tzinfo is UTC


def test_trouble_is_told_in_the_clouds_words() -> None:
    seen = read(answers.group(), trouble=Trouble(words="no capacity", certain=True))
    assert (seen.trouble, seen.hopeless) == ("no capacity", True)


@pytest.mark.parametrize(
    ("members", "size", "short"),
    [
        ((member(),), 1, False),
        ((member(),), 2, True),
        ((member(lifecycle="Pending"),), 1, True),
        ((member(HealthStatus="Unhealthy"),), 1, True),
        ((member(), member("i-2", "Terminating")), 1, False),
        ((), 0, False),
    ],
)
def test_a_group_is_short_of_machines_that_are_in_service(
    members: tuple[dict[str, Any], ...], size: int, short: bool
) -> None:
    assert group_reading.found(answers.group(*members, DesiredCapacity=size)).short is short


def test_a_moment_that_somebody_wrote_by_hand() -> None:
    with pytest.raises(CloudError, match="phoenix:keep-until") as error:
        read(answers.group(Tags=tags(project="shop", keep_until="next week")))
    assert "'next week'" in error.value.details


def test_what_else_is_found() -> None:
    seen = group_reading.found(
        answers.group(SuspendedProcesses=[{"ProcessName": "AZRebalance"}], Status="Delete in progress")
    )
    assert (seen.least, seen.most, seen.suspended, seen.ending) == (1, 4, frozenset({"AZRebalance"}), True)
    assert (seen.target_groups, seen.subnets) == ((TARGET_GROUP,), ("subnet-1", "subnet-2"))
