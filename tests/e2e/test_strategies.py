"""Rolling and canary on light machines, while 200 requests a second and some that take seconds go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phoenix.clock import from_rfc3339
from phoenix.demo.load import Load, running
from phoenix.demo.load_summary import Summary
from tests.support.real.machines import until
from tests.support.real.quick import CLOCK, Quick

SLOW = 2
"""Seconds that a long request takes."""
SLOW_RATE = 7
"""Long requests a second. No divisor of 200: they would all meet the same machine of three, which take turns."""
HALVES = "{kind: rolling, step: 50%}"


@dataclass
class Loads:
    """What clients do meanwhile."""

    fast: Load
    slow: Load
    service: Quick
    before: int
    """Requests that the balancer had begun again until then."""

    def finish(self) -> Summary:
        """End both; the fast one's summary. No request failed, and none was cut and begun again elsewhere."""
        slow, fast = self.slow.finish(), self.fast.finish()
        assert (fast.failed, slow.failed) == (0, 0), (fast.failures[:5], slow.failures[:5])
        assert fast.answered > 200
        assert slow.answered > SLOW_RATE * SLOW
        assert self.service.begun_again() <= self.before
        return fast


@contextmanager
def clients(service: Quick, directory: Path) -> Iterator[Loads]:
    with running(service.address, rate=200, out=directory / "fast.json", clock=CLOCK) as fast:
        slow_ones = f"{service.address}/slow?seconds={SLOW}"
        with running(slow_ones, rate=SLOW_RATE, out=directory / "slow.json", clock=CLOCK) as slow:
            yield Loads(fast=fast, slow=slow, service=service, before=service.begun_again())


def outcomes(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {event["step"]: event["data"] for event in run["events"] if event["what"] == "outcome"}


def only(service: Quick) -> str:
    """The one group that stands, whole, healthy and with all traffic."""
    (backend,) = service.route().backends
    assert (backend.share, backend.healthy, backend.total) == (100, service.size, service.size)
    assert service.sizes() == {backend.group: service.size}
    return backend.group


def test_rolling_loses_no_request_and_cuts_none(service: Quick, tmp_path: Path) -> None:
    service.steady(size=2)
    with clients(service, tmp_path) as loads:
        service.next_release(strategy="{kind: rolling, step: 1}")
        rolled = service.shell.run("roll", "web-tier")
        summary = loads.finish()
    assert only(service) == rolled["group"]
    told = outcomes(service.last_run())
    assert (told["shrink-50"]["ended"], told["shrink-50"]["left"]) == ([f"{rolled['former']}-2"], 0)
    assert told["drain-former"]["left"] == 0
    served = {answer.split()[-1] for answer in summary.answers}
    assert served == {f"{rolled[which]}-{n}" for which in ("former", "group") for n in (1, 2)}


def shares_seen(summary: Summary, run: dict[str, Any], share: int, text: str) -> tuple[int, int]:
    """Of the answers in the whole seconds in which the candidate had `share` percent: how many it gave, and of all."""
    times = {(event["what"], event["step"]): from_rfc3339(event["at"]) for event in run["events"]}
    started = from_rfc3339(summary.started)
    first = (times["intent", f"soak-{share}"] - started).total_seconds() + 1
    last = (times["outcome", f"soak-{share}"] - started).total_seconds() - 2
    inside = [second.answers for second in summary.timeline if first <= second.second <= last]
    assert inside, "the soak is long enough to be looked into"
    given = sum(count for answers in inside for answer, count in answers.items() if answer.startswith(text))
    return given, sum(sum(answers.values()) for answers in inside)


def test_a_canary_gets_its_shares(service: Quick, tmp_path: Path) -> None:
    """As answers come in: on a busy computer some come late. That shares are exact is seen where nobody else asks
    (`test_holds.py`, and the contract of traffic).
    """
    service.steady(size=2)
    with clients(service, tmp_path) as loads:
        service.next_release(strategy="{kind: canary, steps: [10, 50, 100], soak: 4s, keep: 0s}")
        rolled = service.shell.run("roll", "web-tier")
        summary = loads.finish()
    assert only(service) == rolled["group"]
    run = service.last_run()
    for share in (10, 50, 100):
        given, of = shares_seen(summary, run, share, f"{service.greeting} ")
        assert abs(given - of * share / 100) <= 3 + of / 20, f"{given} of {of} at {share} %"
    told = outcomes(run)
    assert [told[step]["size"] for step in ("create-candidate", "grow-50", "grow-100")] == [1, 1, 2]


@pytest.mark.full
def test_rolling_that_breaks_in_the_middle_goes_back(service: Quick, tmp_path: Path) -> None:
    """The second machine of the candidate never starts its app: the stable group has lost one by then."""
    stable = service.steady(size=3)
    with clients(service, tmp_path) as loads:
        service.next_release(strategy="{kind: rolling, step: 1}", break_on="-2")
        failed = service.shell.run("roll", "web-tier", code=6)
        summary = loads.finish()
    assert "hello.service" in failed["error"]["details"]
    assert "refusing to start" in failed["error"]["details"]
    assert only(service) == stable
    run = service.last_run()
    assert run["state"] == "undone"
    assert outcomes(run)["shrink-33"]["ended"] == [f"{stable}-3"]
    assert any(answer.startswith(service.greeting) for answer in summary.answers), "it had traffic"


def test_a_candidates_machine_dies_while_the_group_is_proven(service: Quick, tmp_path: Path) -> None:
    """That ends the roll: its two others carry on until the stable group is whole again."""
    stable = service.steady(size=3, strategy=HALVES)
    load_of_clients = running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK)
    with load_of_clients as load, service.rolling("healthy-100") as process:
        dead = f"{candidate_beside(service, stable)}-2"
        service.kill_machine(dead)
        out, _err = process.communicate(timeout=120)
        summary = load.finish()
    assert process.returncode == 6, out
    assert dead in json.loads(out)["error"]["details"]
    assert summary.failures == ()
    assert only(service) == stable


@pytest.mark.full
def test_a_candidates_machine_dies_while_the_stable_group_shrinks(service: Quick, tmp_path: Path) -> None:
    """The next step replaces it, and the roll goes on."""
    stable = service.steady(size=3, strategy=HALVES)
    with clients(service, tmp_path) as loads, service.rolling("shrink-66") as process:
        until("the surplus machines leaving", lambda: service.backend(stable).leaving)
        candidate = candidate_beside(service, stable)
        service.kill_machine(f"{candidate}-2")
        out, _err = process.communicate(timeout=120)
        fast, slow = loads.fast.finish(), loads.slow.finish()
    assert process.returncode == 0, out
    assert (fast.failures, slow.failures) == ((), ())
    assert only(service) == candidate


def candidate_beside(service: Quick, stable: str) -> str:
    (candidate,) = set(service.sizes()) - {stable}
    return candidate
