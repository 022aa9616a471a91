"""Pins at the wire, and machines that somebody wants to stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.errors import RefusedError, UnreachableError
from phoenix.model import InstanceState, Size
from tests.emulators.aws import Emulator
from tests.support.real import aws
from tests.support.real.aws import NAME, Account, wanted

LEGACY = "legacy"


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return aws.account(emulator, "shop")


def test_a_pin_holds_scale_in_off_and_lets_the_group_grow(account: Account) -> None:
    account.serving(size=3, bounds=Size(wanted=3, least=1, most=6))
    groups, until = account.groups(), wanted().created
    groups.pin(NAME, until=until)
    assert account.emulator.autoscale(NAME, 1) == 3
    assert account.emulator.autoscale(NAME, 4) == 4
    account.clock.sleep(30)
    groups.pin(NAME, until=until + timedelta(hours=1))
    assert account.emulator.autoscale(NAME, 1) == 4
    told = account.told(NAME)
    assert [each["ProcessName"] for each in told["SuspendedProcesses"]] == ["AZRebalance"]
    for _time in range(2):
        groups.unpin(NAME)
        told = account.told(NAME)
        assert (told["MinSize"], told["DesiredCapacity"], told["MaxSize"]) == (1, 4, 6)
        assert told["SuspendedProcesses"] == []
        assert not [tag for tag in told["Tags"] if "pinned" in tag["Key"]]
    assert account.emulator.autoscale(NAME, 1) == 1


def test_a_pin_gives_back_what_it_found_and_not_more(account: Account) -> None:
    account.foreign(LEGACY)
    stopped = ["AZRebalance", "AlarmNotification"]
    account.ask("autoscaling", "suspend_processes", AutoScalingGroupName=LEGACY, ScalingProcesses=stopped)
    before = account.told(LEGACY)
    groups = account.groups()
    groups.pin(LEGACY, until=wanted().created)
    pinned = groups.find(LEGACY)
    assert pinned is not None
    assert (pinned.made, pinned.pinned_until) == (False, wanted().created)
    assert account.told(LEGACY)["MinSize"] == 2
    groups.unpin(LEGACY)
    assert account.told(LEGACY) == before


@pytest.mark.parametrize("action", ["CreateOrUpdateTags", "SuspendProcesses", "UpdateAutoScalingGroup"])
def test_a_pin_that_was_broken_off_is_taken_again_and_given_back_whole(account: Account, action: str) -> None:
    account.serving(size=3, bounds=Size(wanted=3, least=1, most=6))
    groups = account.groups()
    account.emulator.fail("autoscaling", action, code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        groups.pin(NAME, until=wanted().created)
    groups.pin(NAME, until=wanted().created)
    assert account.told(NAME)["MinSize"] == 3
    account.emulator.fail("autoscaling", "DeleteTags", code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        groups.unpin(NAME)
    groups.unpin(NAME)
    told = account.told(NAME)
    assert (told["MinSize"], told["SuspendedProcesses"]) == (1, [])


def test_a_pinned_group_that_is_made_smaller_by_order_stays_pinned(account: Account) -> None:
    group = account.serving(size=3, bounds=Size(wanted=3, least=1, most=3))
    groups = account.groups()
    groups.pin(NAME, until=wanted().created)
    groups.end(NAME, frozenset({group.instances[0].id}), size=2)
    groups.resize(NAME, 4)
    assert account.emulator.autoscale(NAME, 1) == 4
    groups.unpin(NAME)
    assert account.told(NAME)["MinSize"] == 1


def test_a_group_is_born_pinned(account: Account) -> None:
    until = wanted().created
    account.groups().create(wanted(3, pinned_until=until), account.template(NAME, Size(wanted=3, least=1, most=6)))
    assert account.emulator.autoscale(NAME, 1) == 3
    assert account.seen().pinned_until == until
    account.groups().unpin(NAME)
    told = account.told(NAME)
    assert (told["MinSize"], told["SuspendedProcesses"]) == (1, [])


def test_what_somebody_protects_is_not_ended(account: Account) -> None:
    group = account.serving()
    kept, other = (instance.id for instance in group.instances)
    account.ask(
        "autoscaling",
        "set_instance_protection",
        AutoScalingGroupName=NAME,
        InstanceIds=[kept],
        ProtectedFromScaleIn=True,
    )
    assert {each.id: each.detail for each in account.seen().instances} == {kept: "protected from scale-in", other: ""}
    with pytest.raises(RefusedError, match="are to stay") as refused:
        account.groups().end(NAME, frozenset({kept, other}), size=0)
    assert f"{kept}: protected from scale-in" in refused.value.details
    assert len(account.seen().staying) == 2
    with pytest.raises(RefusedError, match="are to stay"):
        account.groups().delete(NAME)
    assert [instance.id for instance in account.seen().instances] == [kept]
    account.ask(
        "autoscaling",
        "set_instance_protection",
        AutoScalingGroupName=NAME,
        InstanceIds=[kept],
        ProtectedFromScaleIn=False,
    )
    account.groups().delete(NAME)
    assert account.left() == []


def test_what_somebody_set_aside_counts_for_nothing_and_is_not_ended(account: Account) -> None:
    aside = account.serving().instances[0].id
    account.ask(
        "autoscaling",
        "enter_standby",
        AutoScalingGroupName=NAME,
        InstanceIds=[aside],
        ShouldDecrementDesiredCapacity=False,
    )
    account.clock.sleep(30)
    group = account.seen()
    assert (group.size, len(group.staying), len(group.instances)) == (2, 2, 3)
    (standby,) = (each for each in group.instances if each.id == aside)
    assert (standby.state, standby.detail) == (InstanceState.LEAVING, "in standby: somebody has set it aside")
    assert account.groups().survey(NAME).told == (f"{aside} is in standby",)
    with pytest.raises(RefusedError, match="are to stay"):
        account.groups().delete(NAME)
    assert [instance.id for instance in account.seen().instances] == [aside]


def test_nothing_ends_where_ending_is_suspended(account: Account) -> None:
    account.serving()
    account.ask("autoscaling", "suspend_processes", AutoScalingGroupName=NAME, ScalingProcesses=["Terminate"])
    with pytest.raises(RefusedError, match="nothing ends the machines"):
        account.groups().delete(NAME)


def test_a_refresh_that_runs_is_seen(account: Account) -> None:
    account.serving()
    account.ask("autoscaling", "start_instance_refresh", AutoScalingGroupName=NAME)
    busy = account.groups().survey(NAME).busy
    assert busy.startswith("the instance refresh ")


def test_ending_what_ends_already_is_done(account: Account) -> None:
    group = account.serving(size=3)
    first, second, third = (instance.id for instance in group.instances)
    account.emulator.fail("autoscaling", "TerminateInstanceInAutoScalingGroup", code="Throttling", times=2, skip=1)
    with pytest.raises(UnreachableError):
        account.groups().end(NAME, frozenset({first, second}), size=1)
    for _time in range(2):
        account.groups().end(NAME, frozenset({first, second}), size=1)
    account.clock.sleep(30)
    group = account.seen()
    assert (group.size, [instance.id for instance in group.instances]) == (1, [third])


def test_a_machine_that_ends_by_itself_meanwhile_is_ended(account: Account) -> None:
    first, second, _third = (instance.id for instance in account.serving(size=3).instances)
    gone = f"Instance Id not found - No managed instance found for instance ID: {first}"
    end = ("autoscaling", "TerminateInstanceInAutoScalingGroup")
    account.emulator.fail(*end, code="ValidationError", message=gone)
    account.groups().end(NAME, frozenset({first, second}), size=1)
    account.clock.sleep(30)  # the group ends one more, whichever: the emulator has not lost the first
    (left,) = (instance.id for instance in account.seen().instances)
    account.emulator.fail(*end, code="ValidationError", message="nonsense")
    with pytest.raises(RefusedCallError):
        account.groups().end(NAME, frozenset({left}), size=0)
    assert account.seen().size == 1
