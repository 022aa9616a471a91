"""What every cloud's groups keep, whoever the cloud is: the rules of `clouds/api.py`; our stand-in keeps them, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clouds.api import Groups
from phoenix.clouds.aws.cloud import ABILITIES as OF_AWS
from phoenix.clouds.gcp.cloud import ABILITIES as OF_GCP
from phoenix.clouds.local.cloud import ABILITIES
from phoenix.errors import CloudError, RefusedError
from phoenix.manner import Abilities, BootSeen, Survey
from phoenix.model import BootState, Group, Instance, InstanceState, LaunchTemplate
from phoenix.spec.clouds import MachineEngine
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.doubles import FakeClock
from tests.support.fakes.manners import FOREIGN, KINDS, Kind
from tests.support.real import aws, machines
from tests.support.real import gcp as google
from tests.support.real.machines import calm, until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND = "web-local-v001", "web-local-v002"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A cloud to try."""

    again: Callable[[], Groups]
    """Its groups, as one more process sees them."""
    foreign: Callable[[], str]
    """Makes a group that is not ours; its name."""
    template: LaunchTemplate
    """Of the first group."""
    of_second: LaunchTemplate
    abilities: Abilities
    settle: Callable[[], None] = calm
    """Lets so much time go by that nothing starts or leaves any more."""


@pytest.fixture
def light(roomy: Path, tmp_path: Path, bare_images: Path) -> Iterator[Place]:
    root = roomy / "roots" / tmp_path.name

    def again() -> Groups:
        return machines.groups_of(root, bare_images, MachineEngine.LIGHT)

    another = machines.groups_of(root, bare_images, MachineEngine.LIGHT, project="another")

    def foreign() -> str:
        another.create(machines.group(name=FOREIGN, size=0, project="another"), machines.template(), between=calm)
        return FOREIGN

    template = machines.template()
    yield Place(again=again, foreign=foreign, template=template, of_second=template, abilities=ABILITIES)
    for name in (FIRST, SECOND):
        again().delete(name)
    another.delete(FOREIGN)
    assert machines.left_of(root) == []


def in_memory(kind: Kind) -> Place:
    cloud = FakeCloud(FakeClock(), kind)

    def foreign() -> str:
        cloud.found_foreign(2, serves=False)
        return FOREIGN

    def settle() -> None:
        cloud.clock.seconds += 60
        cloud.pass_time()

    first, second = (replace(machines.template(), born_with=cloud.born_with(name)) for name in (FIRST, SECOND))
    return Place(
        again=lambda: cloud,
        foreign=foreign,
        template=first,
        of_second=second,
        abilities=kind.abilities,
        settle=settle,
    )


@pytest.fixture
def on_aws(emulator: Emulator) -> Place:
    account = aws.account(emulator, machines.PROJECT)

    def foreign() -> str:
        account.foreign(FOREIGN)
        return FOREIGN

    return Place(
        again=account.groups,
        foreign=foreign,
        template=account.template(FIRST),
        of_second=account.template(SECOND),
        abilities=OF_AWS,
        settle=lambda: account.clock.sleep(60),
    )


def managed(emulator: GcpEmulator, *zones: str) -> Place:
    account = google.account(emulator, machines.PROJECT, zones=zones)

    def foreign() -> str:
        account.foreign(FOREIGN)
        return FOREIGN

    template = account.template()
    return Place(
        again=account.groups,
        foreign=foreign,
        template=template,
        of_second=template,
        abilities=OF_GCP,
        settle=lambda: account.clock.sleep(60),
    )


@pytest.fixture
def in_a_region_of_gcp(gcp: GcpEmulator) -> Place:
    return managed(gcp)


@pytest.fixture
def in_a_zone_of_gcp(gcp: GcpEmulator) -> Place:
    return managed(gcp, gcp.world().zones[1])


@pytest.fixture(params=["light", *KINDS, "on_aws", "in_a_region_of_gcp", "in_a_zone_of_gcp"], ids=str)
def place(request: pytest.FixtureRequest) -> Place:
    if isinstance(request.param, Kind):
        return in_memory(request.param)
    found: Place = request.getfixturevalue(request.param)
    return found


def wanted(name: str = FIRST, size: int = 2) -> Group:
    return machines.group(name=name, size=size)


def test_what_is_not_there_is_none(place: Place) -> None:
    groups = place.again()
    assert groups.list() == ()
    assert groups.find(FIRST) is None
    groups.delete(FIRST)


def test_a_group_is_what_was_asked_for_to_every_process(place: Place) -> None:
    group = wanted()
    place.again().create(group, place.template, between=calm)
    place.again().create(wanted(SECOND, 0), place.of_second, between=calm)
    place.settle()
    found = place.again().find(FIRST)
    assert found is not None
    assert replace(found, instances=()) == group
    assert [instance.group for instance in found.instances] == [FIRST, FIRST]
    assert len({instance.id for instance in found.instances}) == 2
    assert len({instance.address for instance in found.instances}) == 2
    assert sorted(each.name for each in place.again().list()) == [FIRST, SECOND]
    if place.abilities.boot is BootSeen.TOLD:
        until("the boot work", lambda: all(i.boot is BootState.DONE for i in _instances(place)))
    else:
        assert {i.boot for i in _instances(place)} == {BootState.UNKNOWN}
    assert {instance.state for instance in _instances(place)} == {InstanceState.RUNNING}


def test_creating_twice_is_once(place: Place) -> None:
    place.again().create(wanted(), place.template, between=calm)
    place.settle()
    before = _instances(place)
    place.again().create(wanted(), place.template, between=calm)
    place.settle()
    assert [(i.id, i.address) for i in _instances(place)] == [(i.id, i.address) for i in before]


def test_the_name_with_another_release_is_refused(place: Place) -> None:
    place.again().create(wanted(size=0), place.template, between=calm)
    other = machines.group(name=FIRST, size=0, settings=(("GREETING", "Hi"),))
    with pytest.raises(CloudError):
        place.again().create(other, place.template, between=calm)
    found = place.again().find(FIRST)
    assert found
    assert found.release == wanted().release


def test_resizing(place: Place) -> None:
    place.again().create(wanted(size=1), place.template, between=calm)
    for size in (3, 3, 1):
        place.again().resize(FIRST, size, between=calm)
        place.settle()
        found = place.again().find(FIRST)
        assert found
        assert (found.size, len(found.instances)) == (size, size)


def test_shrinking_ends_exactly_these_and_twice_is_once(place: Place) -> None:
    place.again().create(wanted(size=3), place.template, between=calm)
    place.settle()
    oldest, middle, youngest = _instances(place)
    for _time in range(2):
        place.again().end(FIRST, frozenset({oldest.id, youngest.id}), size=1, between=calm)
        found = place.again().find(FIRST)
        assert found
        assert found.size == 1
        assert [(i.id, i.address) for i in found.staying] == [(middle.id, middle.address)]
        assert found.staying[0].state is not InstanceState.DEAD
    place.settle()
    place.again().end(FIRST, frozenset(), size=1, between=calm)
    assert [instance.id for instance in _instances(place)] == [middle.id]


def test_what_was_ended_is_replaced_by_a_resize_or_by_the_cloud_itself(place: Place) -> None:
    place.again().create(wanted(size=2), place.template, between=calm)
    place.settle()
    gone, stays = _instances(place)
    place.again().end(FIRST, frozenset({gone.id}), size=2, between=calm)
    found = place.again().find(FIRST)
    assert found
    assert found.size == 2
    assert stays.id in [instance.id for instance in found.staying]
    if not place.abilities.heals:
        assert len(found.instances) == 1
        place.again().resize(FIRST, 2, between=calm)
    place.settle()
    there = {instance.id: instance.address for instance in _instances(place)}
    assert len(there) == 2
    assert there[stays.id] == stays.address


def test_a_pin_bears_its_end_and_is_given_back_once(place: Place) -> None:
    place.again().unpin(FIRST)
    place.again().create(wanted(size=0), place.template, between=calm)
    for pinned in (NOON, NOON, None, None):
        if pinned:
            place.again().pin(FIRST, until=pinned)
        else:
            place.again().unpin(FIRST)
        found = place.again().find(FIRST)
        assert found
        assert found.pinned_until == pinned


def test_a_group_that_is_not_ours_is_seen_and_left_as_it_is(place: Place) -> None:
    name, groups = place.foreign(), place.again()
    place.settle()
    before = groups.find(name)
    assert before is not None
    assert not before.made or before.project == "another"
    assert name not in [group.name for group in groups.list()]
    with pytest.raises(RefusedError):
        groups.resize(name, 3, between=calm)
    with pytest.raises(RefusedError):
        groups.end(name, frozenset(i.id for i in before.instances), size=0, between=calm)
    with pytest.raises(RefusedError):
        groups.label(name, keep_until=NOON)
    with pytest.raises(RefusedError):
        groups.delete(name)
    assert groups.find(name) == before


def test_a_group_that_nobody_here_made_is_deleted_by_a_word_of_its_own_and_another_projects_never(
    place: Place,
) -> None:
    name, groups = place.foreign(), place.again()
    place.settle()
    before = groups.find(name)
    assert before is not None
    if before.made:
        with pytest.raises(RefusedError):
            groups.delete(name, adopt=True)
        assert groups.find(name) == before
        return
    for _time in range(2):
        groups.delete(name, adopt=True)
        place.settle()
        assert groups.find(name) is None


def test_a_group_that_phoenix_made_has_nothing_that_its_successor_would_lack(place: Place) -> None:
    assert place.again().survey(FIRST) == Survey()
    place.again().create(wanted(), place.template, between=calm)
    place.settle()
    assert place.again().survey(FIRST) == Survey()


def test_boot_work_that_every_cloud_takes(place: Place) -> None:
    release = wanted().release
    assert release is not None
    place.again().refuse_unfit(release, "#!/bin/sh\necho hello\n", place.template.machine)


def test_the_label(place: Place) -> None:
    place.again().create(wanted(size=0), place.template, between=calm)
    for until_when in (NOON, NOON, None, None):
        place.again().label(FIRST, keep_until=until_when)
        found = place.again().find(FIRST)
        assert found
        assert found.keep_until == until_when


def test_deleting_twice_is_once(place: Place) -> None:
    place.again().create(wanted(), place.template, between=calm)
    place.again().delete(FIRST)
    place.again().delete(FIRST)
    assert place.again().list() == ()
    place.again().create(wanted(size=1), place.template, between=calm)
    place.settle()
    assert len(_instances(place)) == 1


def test_logs(place: Place) -> None:
    place.again().create(wanted(size=1), place.template, between=calm)
    place.settle()
    assert set(place.again().logs(_instances(place)[0].id)) <= {"console", "boot", "service", "listening"}
    assert place.again().logs(_instances(place)[0].id)


def test_a_sweep_touches_no_group(place: Place) -> None:
    place.again().create(wanted(), place.template, between=calm)
    place.settle()
    before = _instances(place)
    place.again().sweep()
    assert [instance.id for instance in _instances(place)] == [instance.id for instance in before]
    assert {instance.state for instance in _instances(place)} <= {InstanceState.STARTING, InstanceState.RUNNING}


def _instances(place: Place) -> tuple[Instance, ...]:
    group = place.again().find(FIRST)
    return group.instances if group else ()
