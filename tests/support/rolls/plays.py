"""Whole rolls that can be played again from the same start, and what must be true at their end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from phoenix.errors import HeldError, PhoenixError, ToolError
from phoenix.model import Group, Health
from phoenix.plan.regroup import delete
from phoenix.plan.rollback import burn
from phoenix.record.history import History
from phoenix.record.journal import Run, RunState
from phoenix.spec.services import BlueGreen, Canary, Hook, Hooks, Rolling, ServiceSpec, Strategy
from tests.support.fakes import manners
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.rolls.judge import JudgedCloud
from tests.support.rolls.stage import SUBJECT, Stage, service

KEEP = 600.0
REQUEST = 1.0
"""Seconds that every request takes; a machine is given longer to finish."""
HEALTH = Health(healthy_after=2.0, deadline=8.0)

Kind = Literal["roll", "rollback", "rollback-after-keep", "burn", "adopt", "end-adopted"]
Candidate = Literal["good", "sick", "late"]
"""`sick`: it never becomes healthy. `late`: it fails once it has everything, at the last moment to go back."""


ADOPTING = ("adopt", "end-adopted")
"""Plays in which a group that phoenix did not make serves first."""


class Always(dict[str, Callable[[], object]]):
    """What somebody does before a step, each time that it is carried out."""

    def pop(self, key: str, default: Any = None) -> Any:
        """The same each time."""
        return self.get(key, default)


@dataclass(frozen=True, kw_only=True)
class Play:
    """One roll, rollback or burn of a service that has been rolled before."""

    kind: Kind = "roll"
    strategy: Strategy
    size: int = 2
    candidate: Candidate = "good"
    min_healthy: int | None = None
    no_traffic: bool = False
    """Whether a person promotes before the first request."""
    cloud: manners.Kind = manners.LOCAL

    def __str__(self) -> str:
        shape = {BlueGreen: "blue-green", Rolling: "rolling", Canary: "canary"}[type(self.strategy)]
        keep = "" if isinstance(self.strategy, Rolling) else f"-keep-{self.strategy.keep:g}"
        where = "" if self.cloud is manners.LOCAL else f"-{self.cloud}"
        asked = "-no-traffic" if self.no_traffic else ""
        return f"{self.kind}-{shape}{keep}-of-{self.size}-{self.candidate}{asked}{where}"

    @property
    def target(self) -> str:
        """The group that wants to serve."""
        number = {"roll": 2, "rollback": 1, "rollback-after-keep": 3, "burn": 2, "adopt": 1, "end-adopted": 1}[
            self.kind
        ]
        return f"web-tier-local-v00{number}"

    @property
    def keep(self) -> float:
        return 0.0 if isinstance(self.strategy, Rolling) else self.strategy.keep


BLUE_GREEN, BURNS = BlueGreen(keep=KEEP), BlueGreen(keep=0.0)
ROLLING = Rolling(step=50, percent=True)
QUARTERS = Rolling(step=25, percent=True)
CANARY = Canary(steps=(25, 100), soak=2.0, hold=(25,), keep=KEEP)

SIZES: list[tuple[Strategy, int]] = [(BLUE_GREEN, 2), (BURNS, 2), (ROLLING, 2), (QUARTERS, 4), (CANARY, 4)]
CANDIDATES: list[Candidate] = ["good", "sick", "late"]
ROLLS = [Play(strategy=each, size=size, candidate=candidate) for each, size in SIZES for candidate in CANDIDATES]
BACK_IN_KEEP = [Play(kind="rollback", strategy=BLUE_GREEN, candidate=candidate) for candidate in CANDIDATES[:2]]
BACK_AFTER_KEEP = [
    Play(kind="rollback-after-keep", strategy=strategy, candidate=candidate)
    for strategy in (BLUE_GREEN, ROLLING)
    for candidate in CANDIDATES
]
BURN = Play(kind="burn", strategy=BLUE_GREEN)
PROMOTED = Play(strategy=BLUE_GREEN, no_traffic=True)
ALL = [*ROLLS, PROMOTED, *BACK_IN_KEEP, *BACK_AFTER_KEEP, BURN]
REPEATS = (
    Play(strategy=BURNS, candidate="sick"),
    Play(strategy=BURNS, candidate="late"),
    Play(strategy=QUARTERS, size=4, candidate="sick"),
    Play(kind="rollback-after-keep", strategy=BLUE_GREEN, candidate="sick"),
    Play(kind="rollback-after-keep", strategy=ROLLING, candidate="sick"),
)
"""What goes step by step the way of another play: it is undone before what differs (what is kept, the number of
steps, where the release came from) has come to pass. The long tests play these, too."""
ADOPT = Play(kind="adopt", strategy=BLUE_GREEN)
"""A group that phoenix did not make loses its traffic, and is left standing."""
END_ADOPTED = Play(kind="end-adopted", strategy=BLUE_GREEN)
"""It is ended later, by a person's word."""
OFTEN = (Play(strategy=BLUE_GREEN, candidate="late"), Play(strategy=ROLLING), ADOPT, END_ADOPTED)
"""What is played on the other clouds every day; all the rest there is for the long tests."""
CANARIES = tuple(play for play in ALL if isinstance(play.strategy, Canary))


def elsewhere(cloud: manners.Kind) -> Iterator[Any]:
    """The plays on a cloud that is not local, as tests' parameters; no canary where shares are not exact."""
    exact = cloud.manner.exact_shares
    daily = (*OFTEN, *(CANARIES[:1] if exact else ()))
    for play in (*ALL, ADOPT, END_ADOPTED):
        if exact or play not in CANARIES:
            yield pytest.param(replace(play, cloud=cloud), marks=() if play in daily else pytest.mark.full)


PLAYS = [pytest.param(each, marks=pytest.mark.full) if each in REPEATS else pytest.param(each) for each in ALL]
PLAYS += [each for cloud in (manners.AWS, manners.GCP) for each in elsewhere(cloud)]
"""Each play as a test's parameter."""


def spec_of(play: Play) -> ServiceSpec:
    """A service whose waits are short."""
    hooks = Hooks(after_traffic=(Hook(command="./last-test.sh", timeout=5.0),))
    strategy = replace(play.strategy, alarms=("web-5xx",) if play.cloud.abilities.alarms else ())
    spec = service(size=play.size, strategy=strategy, hooks=hooks)
    health = HEALTH if play.cloud is manners.LOCAL else replace(HEALTH, deadline=40.0)
    return replace(spec, health=health, drain=5.0, min_healthy=play.min_healthy)


def before(play: Play, logs: Path) -> Stage:
    """The stage as it is just before the play begins."""
    stage = Stage(logs=logs, spec=spec_of(play), kind=play.cloud, adopt=play.kind in ADOPTING)
    stage.cloud = JudgedCloud(stage.clock, stage.store, SUBJECT, play.cloud)
    stage.cloud.found_foreign(play.size, serves=stage.adopt)
    if play.kind != "adopt":
        _roll_to_end(stage, "1")
    if play.kind not in ("roll", *ADOPTING):
        _roll_to_end(stage, "2")
    if play.kind in ("rollback-after-keep", "burn"):
        stage.clock.seconds += play.keep + 1
    if play.kind == "rollback-after-keep":
        burn_due(stage)
    stage.clock.seconds += 60  # nothing leaves or starts any more
    judge(stage).pass_time()
    judge(stage).request = REQUEST
    stage.no_traffic = play.no_traffic
    if play.candidate == "sick":
        stage.cloud.sick.add(play.target)
    return stage


def judge(stage: Stage) -> JudgedCloud:
    """The stage's cloud."""
    assert isinstance(stage.cloud, JudgedCloud)
    return stage.cloud


def again(stage: Stage) -> Stage:
    """The same stage once more, with nothing shared but what is frozen."""
    clock, store = FakeClock(), MemoryStore()
    clock.seconds, store.values, store.writes = stage.clock.seconds, dict(stage.store.values), stage.store.writes
    store.death = stage.store.death
    other = Stage(
        logs=stage.logs,
        clock=clock,
        store=store,
        spec=stage.spec,
        no_traffic=stage.no_traffic,
        adopt=stage.adopt,
        kind=stage.kind,
    )
    other.cloud, other.meddle = judge(stage).again(clock, store), stage.meddle
    return other


def act(stage: Stage, play: Play) -> int:
    """Play it to its end in one process, or two where a person promotes; the exit code."""
    judge(stage).begin(stage.spec.min_healthy, stage.spec.drain)
    if play.candidate == "late":
        stage.meddle = Always({"after-traffic": _refuse})
    return until_end(stage, lambda: begin(stage, play))


def _refuse() -> None:
    raise ToolError("the candidate fails its last test")


def until_end(stage: Stage, doing: Callable[[], object]) -> int:
    """The exit code of `doing`; where it holds, of the process that promotes."""
    try:
        doing()
    except HeldError:
        return until_end(stage, stage.promote)
    except PhoenixError as error:
        return error.exit_code
    return 0


def taken_over(stage: Stage, *, abort: bool) -> int:
    """The exit code of a new process that takes the run over, and goes back or on."""
    run = judge(stage).run()
    if not abort and run is not None and run.state is RunState.HELD:
        return until_end(stage, stage.promote)
    return until_end(stage, lambda: stage.take_over(abort=abort))


def begin(stage: Stage, play: Play) -> object:
    """Play it in one process, to its end or to its hold."""
    match play.kind:
        case "roll":
            return stage.roll("2")
        case "adopt":
            return stage.roll("1")
        case "rollback" | "rollback-after-keep":
            former = stage.observed.former
            assert former is not None
            return stage.rollback(former)
        case "burn":
            return burn_due(stage)
        case "end-adopted":
            return _end_adopted(stage)


def _end_adopted(stage: Stage) -> Run | None:
    """End the group that phoenix did not make, as `phoenix group delete --adopt` does; nothing where it is gone."""
    group = stage.cloud.find(manners.FOREIGN)
    if group is None:
        return None
    plan = delete(stage.spec, stage.spec.environments["local"], stage.observed, group, adopt=True)
    return stage.carry_out("burn", plan)


def _roll_to_end(stage: Stage, version: str) -> None:
    assert until_end(stage, lambda: stage.roll(version)) == 0


def burn_due(stage: Stage) -> Run | None:
    """Burn what is kept no longer, as `phoenix tend` does."""
    due = tuple(g for g in stage.observed.groups if g.keep_until and g.keep_until <= stage.clock.now())
    if not due:
        return None
    return stage.carry_out("burn", burn(stage.spec, stage.spec.environments["local"], stage.observed, due))


# what must be true at the end ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A group as it is compared: machine names differ, numbers may not."""

    size: int
    alive: int
    at_balancer: int
    kept: bool
    pinned: bool
    share: int


def world(stage: Stage) -> dict[str, Standing]:
    """Every group that stands or that the balancer knows."""
    cloud = judge(stage)
    return {
        name: Standing(
            size=group.size if (group := cloud.standing.get(name)) else 0,
            alive=_alive(cloud, group) if group else 0,
            at_balancer=_at_balancer(cloud, name, group),
            kept=bool(group and group.keep_until),
            pinned=bool(group and group.pinned_until),
            share=cloud.shares.get(name, 0),
        )
        for name in {*cloud.standing, *cloud.attached}
    }


def _alive(cloud: JudgedCloud, group: Group) -> int:
    """Its machines; a cloud that heals will have as many as are wanted."""
    return group.size if cloud.kind.abilities.heals else len(group.staying)


def _at_balancer(cloud: JudgedCloud, name: str, group: Group | None) -> int:
    healed = cloud.kind.by_group and group is not None and name in cloud.attached
    return _alive(cloud, group) if healed and group else len(cloud.known(name))


UNSEEN = ("clock", "images", "kind", "consoles", "_store", "calls", "reads", "history", "serving", "writes")
"""What a cloud in memory notes for the test, and no process can see."""


def picture(stage: Stage) -> str:
    """The record, the world and the time: where two kills leave the same, what follows is the same."""
    cloud = {name: value for name, value in vars(judge(stage)).items() if name not in UNSEEN}
    seen = repr((stage.clock.seconds, sorted(stage.store.values.items()), cloud))
    return re.sub(r"(-\d{8}-\d{6})-[0-9a-f]{6}", r"\1", seen)  # the end of a run's id is drawn


def runs(stage: Stage) -> dict[str, RunState]:
    """Every run's state."""
    return {run.id: run.state for run in History(stage.store).runs()}


def wrong(stage: Stage, start: Stage, play: Play) -> list[str]:
    """What is wrong at the end; nothing where the play is done or undone and left nothing behind."""
    found = [*judge(stage).breaches, *judge(stage).trespasses]
    if History(stage.store).live():
        found.append(f"a run is live: {runs(stage)}")
    states = [
        state for run, state in runs(stage).items() if run not in runs(start) and run.startswith(f"{_run(play)}-2")
    ]
    here, there = world(stage), world(start)
    if states in ([], [RunState.UNDONE]):
        if here != there:
            found.append(f"undone, and is {here}, was {there}")
    elif states == [RunState.DONE]:
        found += _wrong_when_done(play, here, there)
    else:
        found.append(f"ended {states}")
    return found


def _run(play: Play) -> str:
    """The kind of run, as it stands in the record."""
    return {"rollback-after-keep": "rollback", "adopt": "roll", "end-adopted": "burn"}.get(play.kind, play.kind)


def _wrong_when_done(play: Play, here: dict[str, Standing], there: dict[str, Standing]) -> list[str]:
    if play.candidate != "good":
        return [f"a {play.candidate} candidate was rolled"]
    whole = Standing(size=play.size, alive=play.size, at_balancer=play.size, kept=False, pinned=False, share=100)
    expected = {play.target: whole, manners.FOREIGN: replace(there[manners.FOREIGN], share=0)}
    if play.kind == "end-adopted":
        del expected[manners.FOREIGN]
    pinned = play.cloud.abilities.autoscaler
    former = {name: replace(each, share=0, kept=True, pinned=pinned) for name, each in there.items() if each.share}
    former.pop(manners.FOREIGN, None)
    if play.keep and play.kind not in ("burn", "end-adopted"):
        expected |= former
    return [] if here == expected else [f"done, and is {here}, expected {expected}"]
