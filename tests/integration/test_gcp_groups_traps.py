"""The traps of managed groups and of the SDK, a test each: what looks done and is not, what is left out, what never
ends.
"""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.machines import looks
from phoenix.errors import CloudError
from phoenix.model import Group, Health, InstanceState, Size
from phoenix.wait import DeadlineError
from tests.emulators.gcp import Emulator
from tests.emulators.gcp.calls import Call
from tests.support.real import gcp as google
from tests.support.real.gcp import NAME, Account, wanted


@pytest.fixture
def account(gcp: Emulator) -> Account:
    return google.account(gcp, "shop")


def made(account: Account, method: str) -> list[Call]:
    return [call for call in account.emulator.calls() if call.method == f"compute.{method}"]


def states(group: Group) -> set[InstanceState]:
    return {instance.state for instance in group.instances}


def test_done_is_accepted_and_not_finished(account: Account) -> None:
    account.groups().create(wanted(), account.template())
    group = account.seen()
    assert (group.size, states(group)) == (2, {InstanceState.STARTING})
    assert (group.trouble, group.hopeless) == ("", False)
    account.clock.sleep(30)
    assert states(account.seen()) == {InstanceState.RUNNING}


def test_a_quota_shows_in_list_errors_alone_and_ends_the_wait_at_once(account: Account) -> None:
    account.emulator.configure(quotas={"CPUS": 2})
    account.groups().create(wanted(), account.template())
    account.clock.sleep(10)
    group = account.seen()
    assert group.hopeless
    assert "QUOTA_EXCEEDED: Quota 'CPUS' exceeded" in group.trouble
    assert not account.told()["status"]["isStable"]


def test_creating_for_ever_is_spoken_of_and_can_be_deleted(account: Account) -> None:
    account.emulator.configure(creating=100_000.0)
    groups = account.groups()
    groups.create(wanted(), account.template())
    seen = groups.find(NAME)
    assert seen is not None
    assert (states(seen), seen.trouble) == ({InstanceState.STARTING}, "")
    account.clock.sleep(looks.LONG + 1)
    seen = groups.find(NAME)
    assert seen is not None
    assert "2 machines are CREATING for over 300 s" in seen.trouble
    assert not seen.hopeless, "nobody knows: whoever waits has a deadline of his own"
    account.emulator.configure(creating=1.0)
    groups.delete(NAME)
    assert account.left() == []


def test_a_broken_image_is_verifying_until_its_initial_delay_and_counts_as_running(account: Account) -> None:
    account.emulator.sick(NAME)
    account.groups().create(wanted(), account.template(health=Health(deadline=60)))
    account.clock.sleep(30)
    assert account.told()["currentActions"]["verifying"] == 2
    assert not account.told()["status"]["isStable"]
    group = account.seen()
    assert (states(group), group.trouble) == ({InstanceState.RUNNING}, "")
    account.clock.sleep(30)
    later = [states(account.seen())]
    while len(later) < 20:  # its group has lost patience
        account.clock.sleep(5)
        later.append(states(account.seen()))
    assert {InstanceState.DEAD} in later


def test_named_ports_of_a_managed_group_are_output_only(account: Account) -> None:
    account.serving()
    (insert,) = made(account, "regionInstanceGroupManagers.insert")
    assert "namedPorts" not in insert.body
    assert made(account, "regionInstanceGroups.setNamedPorts")


def test_a_template_pins_the_image_and_not_its_family(account: Account) -> None:
    account.serving(1)
    (insert,) = made(account, "instanceTemplates.insert")
    properties = insert.body["properties"]
    assert account.world.image.endswith(properties["disks"][0]["initializeParams"]["sourceImage"])
    assert properties["machineType"] == "e2-small"
    newer = {"status": "READY", "diskSizeGb": "10", "family": "hello"}
    account.emulator.seed(account.everywhere("images", "hello-2"), **newer)
    account.groups().resize(NAME, 2)
    account.clock.sleep(30)
    disks = [account.ask(key)["sourceImage"] for key in account.emulator.keys("disks")]
    assert disks == [account.world.image] * 2


def test_the_sdk_does_not_try_again_and_a_request_id_makes_it_safe(account: Account) -> None:
    account.emulator.lose_answer("regionInstanceGroupManagers.insert")
    account.groups().create(wanted(), account.template())
    first, second = made(account, "regionInstanceGroupManagers.insert")
    assert first.query["requestId"] == second.query["requestId"]
    assert len(account.emulator.keys("instanceGroupManagers")) == 1
    others = {call.query["requestId"] for call in account.emulator.calls() if "requestId" in call.query}
    assert len(others) == 4, "one each: check, template, group, ports"


def test_an_operation_is_asked_for_where_it_is(account: Account) -> None:
    account.serving()
    assert made(account, "globalOperations.wait")
    assert made(account, "regionOperations.wait")
    zonal = google.account(account.emulator, "shop", zones=account.world.zones[:1])
    zonal.groups().create(wanted(name="web-prod-v002"), zonal.template())
    assert made(account, "zoneOperations.wait")
    polled = [call.method for call in account.emulator.calls() if call.method.endswith("Operations.get")]
    assert polled == [], "the operations inside the SDK's own objects forget the client's options"


def test_a_wait_comes_back_undone_after_two_minutes(account: Account) -> None:
    account.emulator.configure(operation=150.0)
    account.groups().create(wanted(0), account.template())
    waits = made(account, "regionOperations.wait")
    assert len(waits) > len({call.subject for call in waits}), "it was waited for again"


def test_an_operation_that_takes_too_long_is_given_up(account: Account) -> None:
    account.emulator.configure(operation=1_000_000.0)
    begun = account.calls.begin("healthChecks", "insert", body={"name": "check", "type": "TCP"})
    with pytest.raises(DeadlineError, match="insert of check did not happen within 3 s"):
        account.calls.await_done(begun, deadline=3)


@pytest.mark.parametrize("method", ["healthChecks.insert", "regionInstanceGroupManagers.insert"])
def test_a_done_operation_may_hold_an_error(account: Account, method: str) -> None:
    account.emulator.fail(method, code="QUOTA_EXCEEDED", status=403, message="Quota 'HEALTH_CHECKS' exceeded.")
    with pytest.raises(CloudError) as refused:
        account.groups().create(wanted(0), account.template())
    assert "quotaExceeded: QUOTA_EXCEEDED: Quota 'HEALTH_CHECKS' exceeded." in refused.value.details


@pytest.mark.parametrize(
    "body",
    [
        {"versions": []},
        {"autoHealingPolicies": [], "targetSize": 2},
        {"allInstancesConfig": {"properties": {"labels": {}}}},
    ],
)
def test_a_patch_with_what_is_empty_is_a_silent_no_op_and_so_refused(account: Account, body: dict[str, Any]) -> None:
    account.serving()
    account.emulator.forget_calls()
    place: dict[str, Any] = {"region": account.world.region, "instanceGroupManager": NAME}
    with pytest.raises(CloudError, match="empty"):
        account.calls.change("regionInstanceGroupManagers", "patch", body=body, **place)
    assert account.emulator.calls() == ()


def test_an_autoscaler_outlives_its_group_unless_it_is_deleted(account: Account) -> None:
    account.serving(2, Size(wanted=2, least=1, most=3, cpu=60))
    account.groups().delete(NAME)
    assert account.emulator.keys("autoscalers") == ()


def test_a_label_is_taken_off_though_the_sdk_cannot(account: Account) -> None:
    account.serving()
    groups = account.groups()
    groups.label(NAME, keep_until=wanted().created)
    groups.label(NAME, keep_until=None)
    assert account.seen().keep_until is None
    account.emulator.forget_calls()
    groups.label(NAME, keep_until=None)
    assert made(account, "regionInstanceGroupManagers.patch") == []
