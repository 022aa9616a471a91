"""Ground is not taken from under live groups: whose environment uses what a stack gave out, by whatever way."""

from __future__ import annotations

import os

import pytest

from phoenix.errors import RefusedError
from phoenix.orders import standing
from phoenix.record.stacks import StackRecord, StackRecords
from phoenix.stacks import Change, Do, Output
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.desk import Desk

ADDRESS = "127.0.0.1:8000"
GONE = Change(address="aws_lb.web", do=Do.DESTROY, ids=(ADDRESS, "lb-1"))
OTHER = Change(address="aws_vpc.other", do=Do.REPLACE, ids=("vpc-1",))


@pytest.fixture
def ground(desk: Desk) -> Desk:
    """A desk whose service listens where a stack says."""
    outputs = (Output(name="listen", value=ADDRESS), Output(name="zones", value=["zone-a", "zone-b"]))
    for stack in ("ground", "copy"):
        StackRecords(desk.store).put(stack, StackRecord(outputs=outputs, at="2026-01-31T12:00:00Z"))
    return desk


def referred(desk: Desk) -> None:
    desk.edit(ADDRESS, '"${stack.ground.listen}"')
    desk.edit("services:", "stacks: {ground: {root: a}, copy: {root: b}, unknown: {root: c}}\nservices:")


def refuse(desk: Desk, stack: str, *lost: Change, destroy: bool = False) -> None:
    site = desk.open(desk.directory / "phoenix.yaml", os.environ)
    standing.refuse(site, stack, lost, destroy=destroy)


def test_a_stack_is_not_destroyed_under_a_live_group(ground: Desk) -> None:
    referred(ground)
    refuse(ground, "ground", GONE, destroy=True)  # nothing stands yet
    ground.roll("1.0.0")
    with pytest.raises(RefusedError) as caught:
        refuse(ground, "ground", OTHER, destroy=True)
    assert caught.value.details == "web-tier/local: web-tier-local-v001\nlost: aws_vpc.other"
    assert "--force-live" in caught.value.resolution


def test_what_was_copied_by_hand_stands_on_it_too(ground: Desk) -> None:
    ground.roll("1.0.0")
    with pytest.raises(RefusedError):
        refuse(ground, "copy", GONE, destroy=True)


def test_an_apply_may_replace_what_no_group_uses(ground: Desk) -> None:
    referred(ground)
    ground.roll("1.0.0")
    refuse(ground, "ground", OTHER)
    with pytest.raises(RefusedError, match="cannot be changed so"):
        refuse(ground, "ground", OTHER, GONE)


def test_a_stack_that_gives_out_other_things_carries_nobody(ground: Desk) -> None:
    referred(ground)
    ground.roll("1.0.0")
    refuse(ground, "unknown", GONE, destroy=True)


def test_a_reference_counts_however_short_its_value_is(ground: Desk) -> None:
    outputs = (Output(name="port", value="800"), Output(name="listen", value=ADDRESS))
    StackRecords(ground.store).put("short", StackRecord(outputs=outputs, at="2026-01-31T12:00:00Z"))
    ground.edit(ADDRESS, '"127.0.0.1:${stack.short.port}0"')
    ground.edit("services:", "stacks: {short: {root: a}}\nservices:")
    ground.roll("1.0.0")
    gone = Change(address="a.b", do=Do.DESTROY, ids=("800",))
    for destroy in (True, False):
        with pytest.raises(RefusedError):
            refuse(ground, "short", gone, destroy=destroy)


def test_a_cloud_that_cannot_say_is_no_all_clear(ground: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.roll("1.0.0")

    def broken(*_asked: object) -> object:
        raise RefusedError("no answer")

    monkeypatch.setattr(ground.cloud, "list", broken)
    with pytest.raises(RefusedError, match="no answer"):
        refuse(ground, "copy", GONE, destroy=True)


def forget_the_service(desk: Desk) -> None:
    """The service goes out of phoenix.yaml, and with it whatever it referred to; another stands there."""
    text = desk.spec
    desk.edit(text[text.index("  web-tier:") :], text[text.index("  web-tier:") :].replace("web-tier:", "shop:"))
    desk.edit(ADDRESS, "127.0.0.1:8001")


def test_a_group_of_a_service_that_phoenix_yaml_no_longer_has_is_live_all_the_same(ground: Desk) -> None:
    ground.roll("1.0.0")
    forget_the_service(ground)
    for destroy, lost in ((True, OTHER), (False, GONE)):
        with pytest.raises(RefusedError) as caught:
            refuse(ground, "copy", lost, destroy=destroy)
        first = caught.value.details.splitlines()[0]
        assert first == "web-tier/local (no longer in phoenix.yaml), on local: web-tier-local-v001"
        assert "--force-live" in caught.value.resolution
    refuse(ground, "copy", OTHER)  # nothing that was ever given out


def test_a_group_of_an_environment_that_is_now_elsewhere_is_live_all_the_same(ground: Desk) -> None:
    ground.roll("1.0.0")
    empty = FakeCloud(ground.clock).door
    ground.clouds = lambda _project, spec: ground.door if spec.name == "local" else empty
    ground.edit("  local: {kind: local}", "  local: {kind: local}\n  other: {kind: local}")
    ground.edit("cloud: local", "cloud: other")
    ground.edit(ADDRESS, "127.0.0.1:8001")
    with pytest.raises(RefusedError, match="live groups stand on it") as caught:
        refuse(ground, "copy", OTHER, destroy=True)
    assert "web-tier/local (no longer in phoenix.yaml), on local" in caught.value.details


def test_groups_on_a_cloud_that_the_stack_does_not_carry_are_none_of_its_business(ground: Desk) -> None:
    ground.roll("1.0.0")
    empty = FakeCloud(ground.clock).door
    ground.clouds = lambda _project, spec: ground.door if spec.name == "local" else empty
    outputs = (Output(name="images", value="a"),)
    StackRecords(ground.store).put("ground", StackRecord(outputs=outputs, at="2026-01-31T12:00:00Z"))
    forget_the_service(ground)
    ground.edit("services:", "stacks: {ground: {root: a}}\nservices:")
    local, other = "  local: {kind: local}", "  other: {kind: local}"
    ground.edit(local, f"{local}\n{other}")
    with pytest.raises(RefusedError, match="live groups stand on it"):
        refuse(ground, "ground", OTHER, destroy=True)  # it carries no cloud by the file: it may be either
    referring = '{kind: local, images: "${stack.ground.images}"}'
    ground.edit(other, f"  other: {referring}")
    refuse(ground, "ground", OTHER, destroy=True)
    ground.edit(f"{local}\n", f"  local: {referring}\n")
    with pytest.raises(RefusedError, match="live groups stand on it"):
        refuse(ground, "ground", OTHER, destroy=True)
