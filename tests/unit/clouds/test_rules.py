"""What all clouds share: how weights are read, and whose a group is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds import rules
from phoenix.errors import CloudError, RefusedError
from tests.support.real.machines import group


@pytest.mark.parametrize(
    ("weights", "percents"),
    [
        ({}, {}),
        ({"a": 0}, {}),
        ({"a": 7}, {"a": 100}),
        ({"a": 3, "b": 1}, {"a": 75, "b": 25}),
        ({"a": 1, "b": 1, "c": 1}, {"a": 34, "b": 33, "c": 33}),
        ({"a": 2, "b": 1}, {"a": 67, "b": 33}),
        ({"a": 998, "b": 1, "c": 0}, {"a": 99, "b": 1}),
    ],
)
def test_weights_are_read_by_the_largest_remainder(weights: dict[str, int], percents: dict[str, int]) -> None:
    assert rules.percents(weights) == percents


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 999), max_size=10))
def test_percents_make_a_hundred_and_leave_nobody_out(weights: dict[str, int]) -> None:
    found = rules.percents(weights)
    assert sum(found.values()) == (100 if any(weights.values()) else 0)
    assert set(found) == {name for name, weight in weights.items() if weight}
    assert all(share >= 1 for share in found.values())


@pytest.mark.parametrize("shares", [{"a": 99}, {"a": 101}, {"a": 150, "b": -50}])
def test_shares_are_percents(shares: dict[str, int]) -> None:
    with pytest.raises(CloudError):
        rules.routed(shares)
    assert rules.routed({"a": 100, "b": 0}) == {"a": 100}


def test_only_its_own_project_changes_a_group() -> None:
    mine = group(size=1)
    rules.refuse_another(mine, mine.project, "here")
    for other in (replace(mine, project="another"), replace(mine, made=False)):
        with pytest.raises(RefusedError, match=mine.name):
            rules.refuse_another(other, mine.project, "here")


def test_a_name_stands_for_one_release() -> None:
    mine = group(size=1)
    rules.refuse_other_release(mine, replace(mine, size=3))
    for other in (group(size=1, settings=(("A", "b"),)), replace(mine, release=None)):
        with pytest.raises(CloudError, match="another release"):
            rules.refuse_other_release(mine, other)


def test_what_checks_saw_is_told_once_with_how_many_it_was_seen_of() -> None:
    seen = {f"web-{number}": "answers 401" for number in (10, 2, 1, 3, 4)} | {"web-5": "no answer within 5 s"}
    assert rules.told_of_checks(seen) == (
        "5 x answers 401 (web-1, web-2, web-3, 2 more); 1 x no answer within 5 s (web-5)"
    )
    assert rules.told_of_checks({}) == ""
