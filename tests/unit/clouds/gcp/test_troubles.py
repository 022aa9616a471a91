"""Why machines do not start: what is certain, and what another zone, or time, may mend."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.machines import troubles
from phoenix.clouds.gcp.machines.troubles import Failure, Trouble

B, C = "europe-west1-b", "europe-west1-c"
STOCKOUT = "ZONE_RESOURCE_POOL_EXHAUSTED"


def item(code: str, *, zone: str = B, second: int = 0, action: str = "CREATING", words: str = "No.") -> dict[str, Any]:
    link = f"https://www.googleapis.com/compute/v1/projects/p/zones/{zone}/instances/web-{second}"
    return {
        "error": {"code": code, "message": words},
        "instanceActionDetails": {"action": action, "instance": link},
        "timestamp": f"2026-03-01T12:00:{second:02}.123+00:00",
    }


def failed(*answers: dict[str, Any]) -> list[Failure]:
    return [each for each in map(troubles.failure, answers) if each is not None]


def told(*answers: dict[str, Any], zones: frozenset[str] = frozenset({B, C})) -> Trouble | None:
    return troubles.trouble(failed(*answers), zones=zones)


def test_nothing_failed() -> None:
    assert told() is None
    assert told(item("QUOTA_EXCEEDED", action="DELETING")) is None


def test_the_last_failure_is_told_with_its_zone() -> None:
    found = told(item("QUOTA_EXCEEDED", second=1, words="Quota 'CPUS'\n exceeded."), item("OTHER", second=0))
    assert found is not None
    assert found.words == f"QUOTA_EXCEEDED: Quota 'CPUS' exceeded. (in {B})"


@pytest.mark.parametrize("code", ["QUOTA_EXCEEDED", "RESOURCE_NOT_FOUND", "INVALID_FIELD", "PERMISSIONS_ERROR"])
def test_what_does_not_pass_is_certain_at_once(code: str) -> None:
    found = told(item(code))
    assert found is not None
    assert found.certain


@pytest.mark.parametrize("code", ["RATE_LIMIT_EXCEEDED", "INTERNAL_ERROR"])
def test_what_passes_is_never_certain(code: str) -> None:
    found = told(*(item(code, second=second) for second in range(20)))
    assert found is not None
    assert not found.certain


def test_a_zone_without_room_is_no_end_while_there_is_another() -> None:
    only_b = [item(STOCKOUT, zone=B, second=second) for second in range(10)]
    both = [*only_b, *(item(STOCKOUT, zone=C, second=second + 10) for second in range(3))]
    assert [each.certain for each in filter(None, (told(*only_b), told(*both[:-1]), told(*both)))] == [
        False,
        False,
        True,
    ]


def test_the_only_zone_has_no_room() -> None:
    times = [item(STOCKOUT, second=second) for second in range(3)]
    ends = [told(*times[: n + 1], zones=frozenset({B})) for n in range(3)]
    assert [each.certain for each in filter(None, ends)] == [False, False, True]


def test_what_nobody_knows_is_certain_when_it_goes_on_in_every_zone() -> None:
    times = [item("STRANGE", second=second) for second in range(6)]
    found = [told(*times[: n + 1]) for n in range(6)]
    assert [each.certain for each in filter(None, found)] == [False] * 5 + [True]
