"""Every guard is worth its place: with it a bad moment does no harm, and once it is taken away it does.

A play brings the bad moment about and says whether harm was done. The invariants are those of `docs/rolling.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import PhoenixError
from phoenix.execute import hooks
from phoenix.execute.engine import Context
from phoenix.execute.outcomes import Outcome
from phoenix.execute.ownership import OwnedRun
from phoenix.execute.perform import former, guards, sizes, traffic, watch
from phoenix.plan.roll_actions import RunHooks
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import Event, Part, Run, RunState, What
from phoenix.record.origin import UNTOLD
from phoenix.spec.services import BlueGreen, Canary, Hook, Hooks, Rolling, Strategy
from phoenix.wait import Look, Verdict
from tests.support.fakes.doubles import Killed
from tests.support.rolls.stage import SUBJECT, Stage, service

OLD, NEW = "web-tier-local-v001", "web-tier-local-v002"
ROLLING = Rolling(step=1, percent=False)
CANARY = Canary(steps=(50, 100), soak=0.0, hold=(), keep=60.0)
KEEP = BlueGreen(keep=60.0)
BURN = BlueGreen(keep=0.0)


def serving(tmp_path: Path, strategy: Strategy) -> Stage:
    """Version 1 serves with two machines."""
    stage = Stage(logs=tmp_path, spec=service(strategy=strategy))
    stage.roll("1")
    stage.cloud.serving.clear()
    stage.cloud.cold.clear()
    return stage


def rolled(stage: Stage) -> Run | None:
    """The run of a roll to version 2, however it ended; harm that the cloud itself forbids is raised."""
    with suppress(PhoenixError):
        stage.roll("2")
    runs = [run for run in History(stage.store).runs() if run.plan["why"].startswith(f"{OLD} is replaced")]
    return runs[0] if runs else None


def warm_before_route(tmp_path: Path) -> bool:
    """A machine of a candidate that is large enough without it falls ill just before the write."""
    stage = serving(tmp_path, KEEP)

    def ill() -> None:
        stage.cloud.resize(NEW, 3, between=lambda: None)
        stage.cloud.attach(stage.cloud.standing[NEW])
        stage.cloud.ill.add(f"{NEW}-3")

    stage.meddle["shift"] = ill
    rolled(stage)
    return bool(stage.cloud.cold)


def size_before_route(tmp_path: Path) -> bool:
    """Somebody makes the candidate smaller just before it gets everything."""
    stage = serving(tmp_path, KEEP)

    def smaller() -> None:
        stage.cloud.resize(NEW, 1, between=lambda: None)
        stage.cloud.attach(stage.cloud.standing[NEW])

    stage.meddle["shift"] = smaller
    rolled(stage)
    return min(stage.cloud.serving) < 2


def floor_while_shrinking(tmp_path: Path) -> bool:
    """The candidate's machine falls ill just before the stable group is made smaller."""
    stage = serving(tmp_path, ROLLING)
    stage.meddle["shrink-50"] = lambda: stage.cloud.ill.add(f"{NEW}-1")
    rolled(stage)
    return min(stage.cloud.serving) < 2


def another_hand(tmp_path: Path) -> bool:
    """Somebody gives all traffic back to the stable group in the middle of a canary."""
    stage = serving(tmp_path, CANARY)
    stage.meddle["grow-100"] = lambda: stage.cloud.move({OLD: 100})
    rolled(stage)
    return stage.shares != {OLD: 100}


def share_that_went_back(tmp_path: Path) -> bool:
    """Somebody gives the canary less than it had; its share may only grow by the run's own steps."""
    stage = serving(tmp_path, replace(CANARY, steps=(25, 50, 100)))
    stage.meddle["shift-100"] = lambda: stage.cloud.move({OLD: 75, NEW: 25})
    rolled(stage)
    return stage.shares != {OLD: 75, NEW: 25}


def traffic_back_to_nothing(tmp_path: Path) -> bool:
    """The stable group is removed by hand while the candidate, half of the traffic its own, is soaked and aborted."""
    stage = serving(tmp_path, replace(CANARY, soak=600.0))

    def removed() -> None:
        del stage.cloud.standing[OLD]
        stage.ask_to_abort()

    stage.meddle["soak-50"] = removed
    rolled(stage)
    return NEW not in stage.shares


def former_that_serves_again(tmp_path: Path) -> bool:
    """Somebody gives the former group traffic again before it is burnt."""
    stage = serving(tmp_path, BURN)
    stage.meddle["burn-former"] = lambda: stage.cloud.move({OLD: 100})
    stage.cloud.forgiving = True
    rolled(stage)
    return OLD not in stage.groups


def group_of_another_project(tmp_path: Path) -> bool:
    """The group that is to be burnt has been replaced by another project's of the same name."""
    stage = serving(tmp_path, BURN)

    def replaced() -> None:
        stage.cloud.standing[OLD] = replace(stage.cloud.standing[OLD], project="another")

    stage.meddle["burn-former"] = replaced
    rolled(stage)
    return OLD not in stage.groups


def group_of_another_run(tmp_path: Path) -> bool:
    """On the way back the candidate's name is another run's group."""
    stage = serving(tmp_path, KEEP)
    stage.cloud.sick.add(NEW)

    def replaced() -> None:
        stage.cloud.standing[NEW] = replace(stage.cloud.standing[NEW], run="roll-of-somebody-else")

    stage.meddle["delete-candidate"] = replaced
    rolled(stage)
    return NEW not in stage.groups


def last_known_good(tmp_path: Path) -> bool:
    """Somebody takes the label off the former group, to keep it, just before it is burnt."""
    stage = serving(tmp_path, BURN)
    stage.meddle["burn-former"] = lambda: stage.cloud.label(OLD, keep_until=None)
    rolled(stage)
    return OLD not in stage.groups


def drain_before_end(tmp_path: Path) -> bool:
    """A machine that is shrunk away is answering for some seconds more."""
    stage = serving(tmp_path, ROLLING)

    def answering() -> None:
        stage.cloud.answering[f"{OLD}-2"] = 1
        until = stage.clock.seconds + 5
        stage.clock.on_sleep = lambda: stage.cloud.answering.clear() if stage.clock.seconds > until else None

    stage.meddle["shrink-50"] = answering
    rolled(stage)
    return bool(stage.cloud.cut)


def shift_that_takes_a_while(tmp_path: Path) -> bool:
    """The balancer shows the new shares only after some seconds; the next step must not begin before."""
    stage = serving(tmp_path, ROLLING)
    stage.cloud.lag = 5.0
    shown: list[dict[str, int]] = []
    stage.meddle["shrink-50"] = lambda: shown.append(stage.shares)
    rolled(stage)
    return shown != [{OLD: 50, NEW: 50}]


def service_that_does_not_answer(tmp_path: Path) -> bool:
    """The balancer says all is well and a real request fails."""
    stage = serving(tmp_path, KEEP)
    stage.answer = Look(verdict=Verdict.UNKNOWN, seen="connection reset")
    rolled(stage)
    return stage.shares != {OLD: 100}


def silence_is_no_pass(tmp_path: Path) -> bool:
    """Nobody answers while the health of a sick candidate is asked for."""
    stage = serving(tmp_path, KEEP)
    stage.cloud.sick.add(NEW)

    def silent() -> None:
        stage.cloud.unreachable = True
        until = stage.clock.seconds + 20
        stage.clock.on_sleep = lambda: setattr(stage.cloud, "unreachable", stage.clock.seconds < until)

    stage.meddle["candidate-healthy"] = lambda: stage.clock.sleep(1)
    original = watch.Watch.look

    def look(self: watch.Watch) -> Look:
        if not stage.cloud.unreachable and stage.clock.seconds < 60:
            silent()
        return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch.Watch, "look", look)
        run = rolled(stage)
    return run is not None and run.outcome(Part.STEPS, "candidate-healthy") is not None


def one_writer(tmp_path: Path) -> bool:
    """Another process takes the run over and goes back, while this one sleeps before its write."""
    stage = serving(tmp_path, CANARY)
    writes: list[int] = []

    def taken_over() -> None:
        with suppress(PhoenixError):
            stage.take_over(abort=True)
        writes.append(stage.store.writes)

    stage.meddle["grow-50"] = taken_over
    rolled(stage)
    return writes != [stage.store.writes]


def former_without_an_end(tmp_path: Path) -> bool:
    """A group that serves no more is left standing: does anybody ever know when it may go?"""
    stage = serving(tmp_path, KEEP)
    rolled(stage)
    return stage.cloud.standing[OLD].keep_until is None


def another_hook_than_planned(tmp_path: Path) -> bool:
    """The file of a hook is changed between plan and run."""
    tmp_path.mkdir()
    hook, trace = tmp_path / "smoke.sh", tmp_path / "trace"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    stage = Stage(
        logs=tmp_path / "runs", spec=service(hooks=Hooks(before_traffic=(Hook(command=str(hook), timeout=5),)))
    )
    digests = hooks.digests(stage.spec, tmp_path)
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    step = next(s for s in stage.plan("1", digests).steps if isinstance(s.action, RunHooks))
    context = Context(
        run_id="roll-1",
        origin=UNTOLD,
        part=Part.STEPS,
        step=step.id,
        deadline=5,
        log_directory=tmp_path,
        say=lambda _text: None,
        came_to=(),
        renew=lambda: None,
    )
    with suppress(PhoenixError):
        hooks.runner(tmp_path)(step.action, {}, context)  # type: ignore[arg-type]
    return trace.exists()


def call_without_a_trace(tmp_path: Path) -> bool:
    """The process dies within its first call to the cloud: does the record know what it had begun?"""
    stage = serving(tmp_path, KEEP)
    stage.cloud.kill_after_call = stage.cloud.calls + 1
    with suppress(Killed):
        stage.roll("2")
    run = History(stage.store).live_run(SUBJECT)
    return run is None or not run.began(Part.STEPS, "create-candidate")


def silent(*_args: Any, **_more: Any) -> None:
    """A guard that says nothing."""


def steal(owned: OwnedRun, run: Run) -> None:
    """A writer that does not look whose the run is."""
    key = journal.live_key(SUBJECT)
    value = owned._store.get(key)
    owned._tag = owned._store.put_if(key, journal.dump(run), value.tag if value else None)
    owned.run = run


WRITE = OwnedRun.write


def without_intents(owned: OwnedRun, *events: Event, state: RunState | None = None) -> None:
    """A writer that tells what it has done, and not what it is about to do."""
    WRITE(owned, *(event for event in events if event.what is not What.INTENT), state=state)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A play, and the guard that makes it harmless."""

    invariant: str
    play: Callable[[Path], bool]
    room: Any
    guard: str
    without: Callable[..., Any] = silent


CASES = (
    Case(invariant="I1", play=floor_while_shrinking, room=guards, guard="floor_kept"),
    Case(invariant="I2", play=warm_before_route, room=guards, guard="warm"),
    Case(invariant="I3", play=size_before_route, room=guards, guard="large_enough"),
    Case(
        invariant="I4",
        play=shift_that_takes_a_while,
        room=traffic,
        guard="_shows",
        without=lambda *_: Look(verdict=Verdict.PASS, seen=""),
    ),
    Case(invariant="I4", play=service_that_does_not_answer, room=traffic, guard="_expect_answer"),
    Case(invariant="I5", play=drain_before_end, room=sizes, guard="_await_leaving", without=lambda *_: 0),
    Case(invariant="I6", play=former_without_an_end, room=former, guard="keep", without=lambda *_: Outcome()),
    Case(
        invariant="I7",
        play=another_hook_than_planned,
        room=hooks,
        guard="refuse_another",
    ),
    Case(invariant="I8", play=one_writer, room=OwnedRun, guard="_put_once", without=steal),
    Case(invariant="I9", play=call_without_a_trace, room=OwnedRun, guard="write", without=without_intents),
    Case(invariant="I10", play=last_known_good, room=guards, guard="expendable"),
    Case(
        invariant="I11",
        play=silence_is_no_pass,
        room=watch,
        guard="retry_while_unknown",
        without=lambda _: Look(verdict=Verdict.PASS, seen=""),
    ),
    Case(invariant="I12", play=group_of_another_project, room=guards, guard="owned"),
    Case(invariant="I12", play=group_of_another_run, room=guards, guard="expendable"),
    Case(invariant="I12", play=former_that_serves_again, room=guards, guard="not_routed"),
    Case(invariant="I13", play=another_hand, room=guards, guard="unchanged_routes"),
    Case(invariant="I13", play=share_that_went_back, room=guards, guard="unchanged_routes"),
    Case(invariant="way back", play=traffic_back_to_nothing, room=guards, guard="served_from"),
)


def test_every_invariant_has_a_play() -> None:
    assert {case.invariant for case in CASES} >= {f"I{number}" for number in range(1, 14)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.invariant}-{case.play.__name__}")
def test_a_guard_keeps_harm_away_and_nothing_else_does(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not case.play(tmp_path / "with"), "harm was done although the guard stands"
    monkeypatch.setattr(case.room, case.guard, case.without)
    assert case.play(tmp_path / "without"), "the play does no harm without the guard: it proves nothing"


@pytest.mark.parametrize(
    ("healthy", "percent", "floor"),
    [(2, None, 2), (9, None, 9), (10, None, 9), (20, None, 18), (11, None, 10), (3, 50, 2), (4, 50, 2), (0, None, 0)],
)
def test_the_floor_is_whole_machines_rounded_up(healthy: int, percent: int | None, floor: int) -> None:
    assert guards.floor_of(healthy, percent) == floor
