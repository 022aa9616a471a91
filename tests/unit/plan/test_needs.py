"""What a roll needs beside what serves, read off its plan."""

from __future__ import annotations

import pytest

from phoenix.model import LocalMachine
from phoenix.plan.needs import needs_of
from phoenix.plan.roll import roll
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.rolls.stage import release, service
from tests.unit.plan.test_plans import observed

STABLE = "web-tier-local-v001"


@pytest.mark.parametrize(
    ("strategy", "live", "machines", "kept"),
    [
        (BlueGreen(keep=600.0), 4, 4, 600.0),
        (BlueGreen(keep=0.0), 4, 4, 0.0),
        (Canary(steps=(5, 25, 100), soak=0.0, hold=(), keep=60.0), 40, 40, 60.0),
        (Rolling(step=25, percent=True), 8, 2, 0.0),
        (Rolling(step=3, percent=False), 8, 3, 0.0),
        (Rolling(step=100, percent=True), 8, 8, 0.0),
    ],
    ids=str,
)
def test_beside_a_live_group(strategy: Strategy, live: int, machines: int, kept: float) -> None:
    spec, seen = service(size=2, strategy=strategy), observed({STABLE: {"version": "1", "size": live, "share": 100}})
    found = needs_of(roll(spec, spec.environments["local"], strategy, release("2"), seen, {}))
    assert found is not None
    assert (found.live, found.machine, found.kept) == (STABLE, LocalMachine(), kept)
    assert found.machines(live) == machines


def test_where_nothing_serves_it_is_what_the_file_says() -> None:
    spec = service(size=3)
    found = needs_of(roll(spec, spec.environments["local"], BlueGreen(keep=0.0), release("1"), observed({}), {}))
    assert found is not None
    assert (found.live, found.machines(0)) == (None, 3)


def test_nothing_to_do_needs_nothing() -> None:
    spec, seen = service(size=2), observed({STABLE: {"version": "1", "size": 2, "share": 100}})
    assert needs_of(roll(spec, spec.environments["local"], BlueGreen(keep=0.0), release("1"), seen, {})) is None
