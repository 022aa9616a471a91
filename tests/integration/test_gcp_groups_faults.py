"""Managed groups at the wire, with the real SDK: what becomes of calls that go wrong, and of what is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.clouds.gcp.machines import templates
from phoenix.errors import CloudError, RefusedError, UnreachableError
from phoenix.model import InstanceState, Size
from tests.emulators.gcp import Emulator
from tests.support.real import gcp as google
from tests.support.real.gcp import NAME, RELEASE, Account, wanted

LEGACY = "legacy"
FEW = Size(wanted=2, least=1, most=3, cpu=60)


@pytest.fixture
def account(gcp: Emulator) -> Account:
    return google.account(gcp, "shop")


@pytest.fixture
def in_a_zone(gcp: Emulator) -> Account:
    return google.account(gcp, "shop", zones=(gcp.world().zones[1],))


MAKES = (
    "healthChecks.insert",
    "instanceTemplates.insert",
    "regionAutoscalers.insert",
    "regionInstanceGroupManagers.insert",
    "regionInstanceGroups.setNamedPorts",
)


@pytest.mark.parametrize("method", MAKES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_to_a_call_that_makes_something(account: Account, method: str, times: int) -> None:
    """It is said once more, with the same request id; where that is lost, too, whoever rolls says it again."""
    groups, template = account.groups(), account.template(FEW)
    account.emulator.lose_answer(method, times=times)
    if times == 1:
        groups.create(wanted(), template)
    else:
        with pytest.raises(UnreachableError):
            groups.create(wanted(), template)
        groups.create(wanted(), template)
    account.clock.sleep(30)
    assert len(account.seen().instances) == 2
    assert len(account.left()) == 9, account.left()


def verbs(account: Account) -> Iterator[tuple[str, Callable[[], object]]]:
    groups, until = account.groups(), wanted().created
    group = groups.find(NAME)
    assert group is not None
    machine = group.instances[0].id
    yield "get", partial(groups.find, NAME)
    yield "resize", partial(groups.resize, NAME, 5)
    yield "patch", partial(groups.label, NAME, keep_until=until)
    yield "deleteInstances", partial(groups.end, NAME, frozenset({machine}), size=4)
    yield "delete", partial(groups.delete, NAME)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("rateLimitExceeded", 403), ("backendError", 503), ("rateLimitExceeded", 429), ("internalError", 500)],
)
def test_a_busy_google_is_no_answer_and_nothing_is_done_twice(account: Account, reason: str, status: int) -> None:
    account.serving()
    for method, verb in verbs(account):
        fault = partial(
            account.emulator.fail, f"regionInstanceGroupManagers.{method}", reason=reason, status=status, message="No."
        )
        fault(times=2)
        if method == "delete":
            verb()  # it insists until the deadline
            continue
        with pytest.raises(UnreachableError, match="too busy"):
            verb()
        fault(times=1)
        verb()  # the second attempt does it
    assert account.left() == []


def test_no_capacity_in_a_zone_is_taken_from_the_next_zone(account: Account) -> None:
    account.emulator.configure(short=account.world.zones[:1])
    account.groups().create(wanted(3), account.template())
    account.clock.sleep(30)
    group = account.seen()
    assert {instance.zone for instance in group.instances} == set(account.world.zones[1:])
    assert {instance.state for instance in group.instances} == {InstanceState.RUNNING}
    assert (group.trouble, group.hopeless) == ("", False)


def test_no_capacity_in_any_zone_is_told_and_given_up_when_it_goes_on(account: Account) -> None:
    account.emulator.configure(short=account.world.zones)
    groups = account.groups()
    groups.create(wanted(), account.template())
    ends = []
    for _look in range(12):
        account.clock.sleep(15)
        group = groups.find(NAME)
        assert group is not None
        assert "ZONE_RESOURCE_POOL_EXHAUSTED" in group.trouble
        ends.append(group.hopeless)
    assert not ends[0]
    assert ends[-1]


def test_no_capacity_in_the_only_zone_is_given_up(in_a_zone: Account) -> None:
    in_a_zone.emulator.configure(short=in_a_zone.zones)
    in_a_zone.groups().create(wanted(1), in_a_zone.template())
    assert not in_a_zone.seen().hopeless
    in_a_zone.clock.sleep(60)
    group = in_a_zone.seen()
    assert group.hopeless
    assert in_a_zone.zones[0] in group.trouble


def test_what_failed_before_a_resize_says_nothing_of_it(account: Account) -> None:
    account.serving()
    groups = account.groups()
    account.emulator.configure(quotas={"CPUS": 4})
    groups.resize(NAME, 3)
    account.clock.sleep(10)
    found = groups.find(NAME)
    assert found is not None
    assert found.hopeless
    groups.resize(NAME, 2)
    account.clock.sleep(30)
    account.emulator.configure(quotas={"CPUS": 72})
    groups.resize(NAME, 3)
    found = groups.find(NAME)
    assert found is not None
    assert (found.trouble, found.hopeless) == ("", False)


def test_a_right_that_lacks_says_where_rights_are_printed(account: Account) -> None:
    account.emulator.configure(denied=["compute.instanceTemplates.create"])
    with pytest.raises(RefusedCallError) as refused:
        account.groups().create(wanted(), account.template())
    assert "compute.instanceTemplates.create" in refused.value.details
    assert "phoenix doctor --cloud gcp --policy" in refused.value.resolution
    assert account.left() == []


def test_a_key_that_counts_no_more(account: Account) -> None:
    account.serving()
    account.emulator.configure(revoked=True)
    with pytest.raises(CloudError) as refused:
        account.groups().find(NAME)
    assert "phoenix doctor --cloud gcp" in refused.value.resolution


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (None, "no image of that name"),
        ({"status": "PENDING"}, "it is PENDING"),
        ({"status": "READY", "deprecated": {"state": "OBSOLETE"}}, "OBSOLETE"),
    ],
)
def test_an_image_that_nothing_starts_from(account: Account, fields: dict[str, Any] | None, why: str) -> None:
    if fields is not None:
        account.emulator.seed(account.everywhere("images", "another"), **fields)
    with pytest.raises(CloudError, match="cannot be started from") as refused:
        account.groups().create(wanted(), account.template(image="another"))
    assert why in refused.value.details
    assert account.left() == []


@pytest.mark.parametrize("secure", [True, False])
def test_a_machine_of_an_image_that_can_is_shielded(account: Account, secure: bool) -> None:
    account.emulator.seed(
        account.everywhere("images", "uefi"),
        status="READY",
        diskSizeGb="10",
        guestOsFeatures=[{"type": "UEFI_COMPATIBLE"}],
    )
    signed = replace(account, spec=replace(account.spec, secure_boot=secure))
    signed.groups().create(wanted(0), account.template(image="uefi"))
    told = account.ask(account.everywhere("instanceTemplates", NAME))["properties"]
    assert told["shieldedInstanceConfig"] == {
        "enableVtpm": True,
        "enableIntegrityMonitoring": True,
        "enableSecureBoot": secure,
    }


def test_boot_work_that_does_not_fit_makes_nothing(account: Account) -> None:
    with pytest.raises(RefusedError, match="too big"):
        account.groups().create(wanted(), account.template(user_data="x" * 300_000))
    assert account.left() == []


def test_names_that_others_have(account: Account) -> None:
    account.foreign(NAME)
    with pytest.raises(RefusedError, match="did not make"):
        account.groups().create(wanted(), account.template())
    assert account.told()["description"] == "the web tier, by hand"


def test_a_template_of_somebody_else_is_in_the_way(account: Account) -> None:
    account.foreign(LEGACY)
    told = account.ask(account.everywhere("instanceTemplates", LEGACY))
    body = {"name": NAME, "properties": told["properties"]}
    account.ask(account.everywhere("instanceTemplates"), verb="POST", body=body)
    with pytest.raises(CloudError, match="is not ours"):
        account.groups().create(wanted(), account.template())
    account.groups().delete(NAME)
    assert f"global/instanceTemplates/{NAME}" in account.left()


def test_what_another_run_left_behind_is_made_anew(account: Account) -> None:
    groups = account.groups()
    account.emulator.fail("regionInstanceGroupManagers.insert", reason="invalid", status=400)
    with pytest.raises(RefusedCallError):
        groups.create(wanted(), account.template())
    another = replace(wanted(run="roll-2"), release=replace(RELEASE, settings=(("GREETING", "Hallo"),)))
    groups.create(another, account.template())
    assert account.seen().release == another.release
    assert account.seen().run == "roll-2"


def test_deleting_leaves_nothing_and_waits_for_what_drains(account: Account) -> None:
    account.serving(2, FEW)
    account.groups().delete(NAME)
    assert account.left() == []


def test_deleting_what_was_never_made_whole(account: Account) -> None:
    account.emulator.fail("regionInstanceGroupManagers.insert", reason="invalid", status=400)
    with pytest.raises(RefusedCallError):
        account.groups().create(wanted(), account.template())
    assert len(account.left()) == 2
    account.groups().delete(NAME)
    assert account.left() == []


@pytest.mark.parametrize("reason", ["resourceInUseByAnotherResource", "resourceNotReady"])
def test_what_is_held_for_a_while_is_deleted_when_it_is_free(account: Account, reason: str) -> None:
    account.serving()
    for method in ("regionInstanceGroupManagers", "instanceTemplates", "healthChecks"):
        account.emulator.fail(f"{method}.delete", reason=reason, status=400, times=3)
    account.groups().delete(NAME)
    assert account.left() == []


@pytest.mark.parametrize("code", ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "RESOURCE_NOT_READY"])
def test_the_same_told_by_an_operation(account: Account, code: str) -> None:
    account.serving()
    account.emulator.fail("regionInstanceGroupManagers.delete", code=code, status=400, times=2)
    account.groups().delete(NAME)
    assert account.left() == []


def test_a_group_that_is_being_changed_is_asked_again_by_who_has_the_time(account: Account) -> None:
    account.serving()
    for method, verb in list(verbs(account))[1:4]:
        account.emulator.fail(f"regionInstanceGroupManagers.{method}", reason="resourceNotReady", status=400, times=2)
        with pytest.raises(UnreachableError):
            verb()
        account.emulator.fail(f"regionInstanceGroupManagers.{method}", code="RESOURCE_NOT_READY", status=400)
        with pytest.raises(UnreachableError):
            verb()
        verb()
    assert account.seen().size == 4


def test_a_deletion_that_is_refused_is_not_insisted_on(account: Account) -> None:
    account.serving()
    account.emulator.fail("regionInstanceGroupManagers.delete", reason="forbidden", status=403)
    with pytest.raises(RefusedCallError):
        account.groups().delete(NAME)
    account.groups().delete(NAME)
    assert account.left() == []


def test_a_sweep_takes_old_remains_that_no_group_has(account: Account) -> None:
    account.serving()
    account.emulator.fail("regionInstanceGroupManagers.insert", reason="invalid", status=400)
    with pytest.raises(RefusedCallError):
        account.groups().create(wanted(name="web-prod-v002"), account.template())
    assert account.groups().sweep() == ()
    account.clock.slept += templates.FRESH.total_seconds() + 60
    assert account.groups().sweep() == (
        "the instance template web-prod-v002",
        "the health check web-prod-v002-heal",
    )
    assert account.groups().sweep() == ()
    assert f"global/instanceTemplates/{NAME}" in account.left()


def test_another_projects_remains_are_left(account: Account) -> None:
    account.serving()
    other = replace(account, project="another")
    other.clock.slept += templates.FRESH.total_seconds() + 60
    assert other.groups().sweep() == ()


def test_a_console_is_read(account: Account) -> None:
    group = account.serving(size=1)
    account.emulator.console(NAME, "phoenix-boot: failed: exit code 1, at its packages\n")
    machine = group.instances[0].id
    assert account.groups().logs(machine) == {"console": "phoenix-boot: failed: exit code 1, at its packages\n"}
    assert account.groups().logs("web-prod-v001-gone") == {}


def test_who_made_a_group_is_read_in_the_same_step(account: Account) -> None:
    account.serving()
    other = replace(account, project="another")
    for verb in (
        partial(other.groups().resize, NAME, 3),
        partial(other.groups().end, NAME, frozenset[str](), size=0),
        partial(other.groups().label, NAME, keep_until=wanted().created),
        partial(other.groups().delete, NAME),
        partial(other.groups().delete, NAME, adopt=True),
    ):
        with pytest.raises(RefusedError, match="belongs to the project shop"):
            verb()
    assert account.seen().size == 2


def test_a_group_changed_by_somebody_meanwhile_is_read_again(account: Account) -> None:
    account.serving()
    until = wanted().created + timedelta(hours=1)
    account.emulator.fail("regionInstanceGroupManagers.patch", reason="conditionNotMet", status=412, times=3)
    account.groups().label(NAME, keep_until=until)
    assert account.seen().keep_until == until
    account.emulator.fail("regionInstanceGroupManagers.patch", reason="conditionNotMet", status=412, times=50)
    with pytest.raises(CloudError):
        account.groups().label(NAME, keep_until=None)


def test_ending_what_ends_already_is_done(account: Account) -> None:
    group = account.serving(3)
    machine = frozenset({group.instances[0].id})
    groups = account.groups()
    for _time in range(3):
        groups.end(NAME, machine, size=2)
        assert account.seen().size == 2
    account.clock.sleep(30)
    assert machine.isdisjoint(each.id for each in account.seen().instances)
    assert len(account.seen().instances) == 2


def test_two_groups_of_one_name_are_told_apart_by_who_made_them(account: Account) -> None:
    account.serving()
    zonal = replace(account, zones=account.world.zones[:1])
    zonal.foreign(LEGACY)
    template = account.ask(account.everywhere("instanceTemplates", LEGACY))
    body = {"name": NAME, "instanceTemplate": template["selfLink"], "targetSize": 0}
    zonal.ask(zonal.path("instanceGroupManagers"), verb="POST", body=body)
    assert account.seen().made
    assert [group.name for group in account.groups().list()] == [NAME]
