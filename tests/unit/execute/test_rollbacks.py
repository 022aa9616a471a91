"""Rollbacks in any order with rolls and burnt groups: each goes to the release before, never to and fro."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fakes.cloud import release_of
from tests.support.rolls.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What an operator has in mind: what serves, and what served before it."""

    version: str
    before: Turn | None


DEEDS = st.lists(st.sampled_from(["roll 1", "roll 2", "roll 3", "rollback", "burn"]), min_size=3, max_size=10)


def serves(stage: Stage) -> str:
    (group,) = stage.shares
    return release_of(stage.cloud.standing[group]).packages[0].version


def burn(stage: Stage) -> None:
    """The time of every kept group is over."""
    for name, group in list(stage.cloud.standing.items()):
        if group.keep_until is not None:
            stage.cloud.detach(name)
            stage.cloud.delete(name)


@settings(max_examples=60, deadline=None)
@given(DEEDS)
def test_a_rollback_goes_where_an_operator_expects(deeds: list[str]) -> None:
    with tempfile.TemporaryDirectory() as logs:
        stage = Stage(logs=Path(logs))
        stage.roll("0")
        mind = Turn(version="0", before=None)
        for deed in deeds:
            former = stage.observed.former
            assert (former is None) is (mind.before is None)
            if deed == "burn":
                burn(stage)
            elif deed != "rollback" and not stage.plan(deed[-1]).empty:
                stage.roll(deed[-1])
                mind = Turn(version=deed[-1], before=mind)
            elif deed == "rollback" and former and mind.before:
                stage.rollback(former)
                mind = mind.before
            assert serves(stage) == mind.version


def test_twice_after_every_group_is_burnt(tmp_path: Path) -> None:
    stage = Stage(logs=tmp_path)
    for version in ("1", "2", "3"):
        stage.roll(version)
        burn(stage)
    seen = []
    while (former := stage.observed.former) is not None:
        stage.rollback(former)
        burn(stage)
        seen.append(serves(stage))
    assert seen == ["2", "1"]
    assert stage.groups == ["web-tier-local-v005"]
