"""Managed groups and their machines, as Google tells of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.machines import group_reading
from phoenix.clouds.gcp.machines.group_reading import Machine
from phoenix.clouds.gcp.machines.homes import Home, home_for, home_of
from phoenix.clouds.gcp.machines.troubles import Trouble
from phoenix.errors import CloudError
from phoenix.model import InstanceState
from tests.unit.clouds.gcp import answers
from tests.unit.clouds.gcp.answers import NAME, NOON, PROJECT

STATES = [
    ("NONE", "RUNNING", InstanceState.RUNNING),
    ("VERIFYING", "RUNNING", InstanceState.RUNNING),
    ("REFRESHING", "RUNNING", InstanceState.RUNNING),
    ("CREATING", "", InstanceState.STARTING),
    ("CREATING_WITHOUT_RETRIES", "PROVISIONING", InstanceState.STARTING),
    ("NONE", "STAGING", InstanceState.STARTING),
    ("RESTARTING", "STOPPING", InstanceState.STARTING),
    ("RECREATING", "STOPPING", InstanceState.DEAD),
    ("DELETING", "RUNNING", InstanceState.LEAVING),
    ("ABANDONING", "RUNNING", InstanceState.LEAVING),
    ("NONE", "TERMINATED", InstanceState.DEAD),
    ("NONE", "SUSPENDED", InstanceState.DEAD),
    ("DOING_SOMETHING_NEW", "RUNNING", InstanceState.UNKNOWN),
]


@pytest.mark.parametrize(("action", "status", "state"), STATES)
def test_states(action: str, status: str, state: InstanceState) -> None:
    member = group_reading.member(answers.managed(currentAction=action, instanceStatus=status))
    assert group_reading.state_of(member)[0] is state


def test_what_somebody_set_aside_counts_for_nothing() -> None:
    member = group_reading.member(answers.managed(instanceStatus="SUSPENDED"))
    assert group_reading.state_of(member, aside=True)[0] is InstanceState.LEAVING


def test_a_group() -> None:
    until = NOON + timedelta(hours=1)
    kept = {labels.KEEP_UNTIL: labels.moment(until), labels.PINNED_UNTIL: labels.moment(NOON), "team": "shop"}
    seen = group_reading.found(answers.group(labelled=kept))
    assert "team" not in seen.labels
    assert seen.zones == frozenset(f"europe-west1-{letter}" for letter in "bcd")
    members = tuple(group_reading.member(answers.managed(f"{NAME}-{number}", id=str(number))) for number in range(3))
    machines = {
        "0": Machine(ip="10.0.0.2", since=NOON, type="e2-small"),
        "1": Machine(ip="10.0.0.3", since=NOON - timedelta(minutes=1), type="e2-small"),
    }
    trouble = Trouble(words="QUOTA_EXCEEDED", certain=True)
    group = group_reading.group(
        seen,
        members=members,
        release=None,
        machines=machines,
        pinned=seen.labels[labels.PINNED_UNTIL],
        trouble=trouble,
    )
    assert (group.project, group.service, group.environment, group.size) == ("shop", "web", "prod", 2)
    assert (group.created, group.keep_until, group.pinned_until) == (NOON, until, NOON)
    assert (group.trouble, group.hopeless, group.made) == ("QUOTA_EXCEEDED", True, True)
    assert [(i.id, i.address, i.zone) for i in group.instances] == [
        (f"{NAME}-1", "10.0.0.3:8080", "europe-west1-b"),
        (f"{NAME}-0", "10.0.0.2:8080", "europe-west1-b"),
        (f"{NAME}-2", "", "europe-west1-b"),
    ]


def test_a_group_of_somebody_else() -> None:
    seen = group_reading.found(answers.group(made=False))
    group = group_reading.group(seen, members=(), release=None, machines={}, pinned="", trouble=None)
    assert (group.made, group.project, group.release) == (False, "", None)
    assert group.created == datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize("key", [labels.KEEP_UNTIL, labels.PINNED_UNTIL])
def test_a_label_that_somebody_changed(key: str) -> None:
    seen = group_reading.found(answers.group(labelled={key: "tomorrow"}))
    pinned = seen.labels.get(labels.PINNED_UNTIL, "")
    with pytest.raises(CloudError, match=key):
        group_reading.group(seen, members=(), release=None, machines={}, pinned=pinned, trouble=None)


def test_homes() -> None:
    zonal = Home(region="europe-west1", zone="europe-west1-b")
    assert home_of(f"{PROJECT}/zones/europe-west1-b/instanceGroupManagers/web") == zonal
    assert home_of(f"{PROJECT}/regions/europe-west1/instanceGroupManagers/web") == Home(region="europe-west1")
    assert home_for("europe-west1", ("europe-west1-b",)) == zonal
    assert home_for("europe-west1", ()) == home_for("europe-west1", ("a", "b")) == Home(region="europe-west1")
    assert zonal.path("p", "autoscalers", "web") == "projects/p/zones/europe-west1-b/autoscalers/web"
