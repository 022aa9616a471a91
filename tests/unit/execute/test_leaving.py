"""Which machines leave first, and that no zone is emptied before it must be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from phoenix.execute.perform.leaving import worst_first
from phoenix.model import BootState, Instance, InstanceState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def machine(name: str, zone: str = "", minutes: int = 0, **more: object) -> Instance:
    plain = Instance(
        id=name,
        group="web",
        state=InstanceState.RUNNING,
        boot=BootState.DONE,
        address="",
        engine="",
        zone=zone,
        since=NOON + timedelta(minutes=minutes),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def order(*instances: Instance, ill: str = "") -> list[str]:
    well = frozenset(each.id for each in instances) - {ill}
    return [each.id for each in worst_first(instances, well)]


def test_who_is_missed_least() -> None:
    dead = machine("dead", state=InstanceState.DEAD)
    failing = machine("failing", failed_units=("app.service",))
    assert order(machine("old"), machine("ill"), machine("young", minutes=5), failing, dead, ill="ill") == [
        "dead",
        "failing",
        "ill",
        "young",
        "old",
    ]


def test_who_is_protected_leaves_when_nobody_else_is_left() -> None:
    """A cloud refuses to end it, and a roll that grows smaller step by step would be undone for it."""
    kept = machine("kept", minutes=9, protected=True, state=InstanceState.DEAD)
    assert order(machine("old"), kept, machine("young", minutes=5)) == ["young", "old", "kept"]


def test_of_numbered_machines_the_last() -> None:
    numbered = [machine(f"web-{number}", since=None) for number in (2, 10, 9)]
    assert order(*numbered) == ["web-10", "web-9", "web-2"]


def test_the_fullest_zone_gives_first_though_its_machines_are_older() -> None:
    young = [machine(f"b{number}", "b", minutes=10 + number) for number in range(2)]
    old = [machine(f"a{number}", "a", minutes=number) for number in range(3)]
    assert order(*young, *old) == ["a2", "b1", "a1", "b0", "a0"]


def test_who_is_ill_goes_first_and_its_zone_is_spared_after() -> None:
    assert order(machine("a0", "a"), machine("a1", "a", 1), machine("b0", "b"), machine("b1", "b", 1), ill="a0")[
        :2
    ] == ["a0", "b1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=12))
def test_no_zone_is_empty_while_another_has_two(drawn: list[tuple[str, int]]) -> None:
    instances = tuple(machine(f"{zone}-{index}", zone, age) for index, (zone, age) in enumerate(drawn))
    ordered = worst_first(instances, frozenset(each.id for each in instances))
    assert sorted(each.id for each in ordered) == sorted(each.id for each in instances)
    left = Counter(each.zone for each in instances)
    for each in ordered:
        left[each.zone] -= 1
        assert left[each.zone] or max(left.values()) <= 1


def test_a_zone_where_others_serve_gives_before_one_that_would_be_empty() -> None:
    stable = [machine("a", "a", minutes=1), machine("b", "b", minutes=2), machine("c", "c", minutes=3)]
    candidate = [machine("new", "a", minutes=9)]
    everybody = frozenset(each.id for each in (*stable, *candidate))
    assert next(iter(worst_first(tuple(stable), everybody))).id == "c"
    assert [each.id for each in worst_first(tuple(stable), everybody, candidate)] == ["a", "c", "b"]
