"""What people and computers do to a roll that goes on: each ends in a documented exit code, on a healthy group."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phoenix.demo.load import running
from phoenix.record.journal import RunState
from phoenix.tools.haproxy_socket import Runtime
from tests.support.real.balancers import shift
from tests.support.real.machines import left_of
from tests.support.real.quick import CLOCK, Quick

SOAKING = "{kind: canary, steps: [50, 100], soak: 5m, keep: 0s}"


@dataclass
class Rolling:
    """A roll that goes on, begun from a group that serves."""

    service: Quick
    stable: str
    former: str
    """What the stable group's app says first."""
    process: subprocess.Popen[str]

    @property
    def candidate(self) -> str:
        (found,) = set(self.service.sizes()) - {self.stable}
        return found

    def ends(self, code: int) -> dict[str, Any]:
        """What the roll printed in the end, which must be with that exit code."""
        out, err = self.process.communicate(timeout=180)
        assert self.process.returncode == code, f"{out}\n{err}"
        assert "Traceback" not in err
        printed: dict[str, Any] = json.loads(out)
        return printed

    def serves(self, group: str, text: str) -> None:
        """The group serves, whole and healthy, and nothing else is left."""
        backend = self.service.backend(group)
        assert (backend.share, backend.healthy) == (100, self.service.size)
        assert self.service.sizes() == {group: self.service.size}
        assert [line for line in left_of(self.service.root) if group not in line] == []
        assert self.service.serving() == text


@contextmanager
def rolling(service: Quick, step: str, **changes: Any) -> Iterator[Rolling]:
    """A roll that has begun `step`; ended whatever happens."""
    stable = service.steady(**changes)
    former = service.serving()
    with service.rolling(step) as process:
        yield Rolling(service=service, stable=stable, former=former, process=process)


def test_the_balancer_dies_and_the_roll_starts_it_again(service: Quick) -> None:
    with rolling(service, "candidate-healthy") as roll:
        candidate, haproxy = roll.candidate, Runtime(service.root / "balancer" / "hello" / "web-tier-local").find()
        assert haproxy is not None
        os.kill(haproxy.pid, signal.SIGKILL)
        roll.ends(0)
        roll.serves(candidate, service.greeting)


@pytest.mark.full
def test_a_machine_of_the_stable_group_dies(service: Quick, tmp_path: Path) -> None:
    with rolling(service, "candidate-healthy", size=2) as roll:
        candidate = roll.candidate
        with running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
            service.kill_machine(f"{roll.stable}-1")
            roll.ends(0)
            assert load.finish().failures == ()
        roll.serves(candidate, service.greeting)


def test_a_machine_of_the_candidate_dies(service: Quick, tmp_path: Path) -> None:
    with rolling(service, "candidate-healthy") as roll:
        dead = f"{roll.candidate}-1"
        with running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
            service.kill_machine(dead)
            assert dead in roll.ends(6)["error"]["details"]
            assert load.finish().failures == ()
        roll.serves(roll.stable, roll.former)


def remove(directory: Path) -> None:
    """As `rm -r`, said again: machines that run write into it meanwhile."""
    while directory.exists():
        shutil.rmtree(directory, ignore_errors=True)


def test_the_candidates_directory_is_deleted_by_hand(service: Quick, tmp_path: Path) -> None:
    with rolling(service, "candidate-healthy") as roll:
        with running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
            remove(service.root / "groups" / roll.candidate)
            assert "gone" in roll.ends(6)["error"]["details"]
            service.shell.run("tend")
            assert load.finish().failures == ()
        roll.serves(roll.stable, roll.former)
        assert service.shell.run("tend")["did"] == []


def test_what_others_ask_for_is_refused_while_a_roll_goes_on(service: Quick) -> None:
    with rolling(service, "soak-50", strategy=SOAKING) as roll:
        candidate = roll.candidate
        for wish in (
            ("roll", "web-tier"),
            ("group", "delete", roll.stable, "--yes"),
            ("group", "delete", candidate, "--yes"),
            ("group", "resize", candidate, "2", "--yes"),
            ("group", "enable", candidate, "--yes"),
            ("promote", "web-tier"),
            ("resume", "web-tier"),
        ):
            assert service.shell.run(*wish, code=3)["error"]["resolution"], wish
        assert service.shell.run("tend")["did"] == []
        assert service.shares() == {roll.stable: 50, candidate: 50}
        abort_is_seen(service)
        roll.ends(6)
        roll.serves(roll.stable, roll.former)


def abort_is_seen(service: Quick) -> None:
    """Ask the living run to go back; it sees that in the middle of its soak, which takes minutes."""
    asking = service.shell.start("abort", "web-tier", "--why", "test")
    service.until("the way back", lambda run: run.state is RunState.UNDOING)
    out, _err = asking.communicate(timeout=60)
    assert asking.returncode == 0, out


@pytest.mark.full
def test_traffic_is_moved_by_hand(service: Quick) -> None:
    """The run stops where it is (7); an abort then gives back what is its own to give."""
    with rolling(service, "soak-50", strategy=SOAKING) as roll:
        candidate = roll.candidate
        shift(service.traffic(), {candidate: 100})
        assert "somebody else has moved traffic" in roll.ends(7)["error"]["brief"]
        assert service.shares() == {candidate: 100}
        assert service.shell.run("roll", "web-tier", code=3)
        service.shell.run("abort", "web-tier")
        roll.serves(roll.stable, roll.former)


@pytest.mark.full
def test_a_rollback_from_elsewhere_aborts_the_roll(service: Quick, tmp_path: Path) -> None:
    with rolling(service, "soak-50", strategy=SOAKING) as roll:
        with running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
            service.shell.run("rollback", "web-tier", "--to", roll.stable)
            assert load.finish().failures == ()
        roll.ends(6)
        roll.serves(roll.stable, roll.former)


@pytest.mark.full
def test_a_stopped_process_that_wakes_up_has_lost_its_run(service: Quick) -> None:
    with rolling(service, "soak-50", strategy=SOAKING) as roll:
        os.kill(roll.process.pid, signal.SIGSTOP)
        assert service.shell.run("tend")["did"] == [], "its process lives"
        service.shell.run("abort", "web-tier")
        roll.serves(roll.stable, roll.former)
        before = (service.route(), service.ended_runs())
        os.kill(roll.process.pid, signal.SIGCONT)
        roll.ends(10)
        assert (service.route(), service.ended_runs()) == before
        roll.serves(roll.stable, roll.former)
