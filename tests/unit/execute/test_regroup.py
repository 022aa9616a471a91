"""Enable, disable, resize and delete in memory: what they come to, what a bad moment comes to, and a kill anywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from phoenix.errors import LostRunError, RefusedError, UndoneError
from phoenix.execute.engine import Context
from phoenix.execute.perform import former
from phoenix.execute.perform.roll import Roller
from phoenix.plan.actions import Plan
from phoenix.plan.regroup import delete, disable, enable, resize
from phoenix.plan.roll_actions import DeleteGroup, RollAction
from phoenix.record.history import History
from phoenix.record.journal import Part, RunState
from phoenix.record.origin import UNTOLD
from tests.support.fakes.doubles import Killed
from tests.support.fakes.manners import AWS
from tests.support.rolls.stage import Stage

V1, V2 = "web-tier-local-v001", "web-tier-local-v002"
Decide = Callable[[Stage], Plan[RollAction]]


@dataclass(frozen=True)
class Verb:
    """A verb with the plan it makes on a stage where V2 serves and V1 is kept, and the routes and sizes it ends in."""

    kind: str
    decide: Decide
    shares: dict[str, int]
    sizes: dict[str, int]


def enabled(name: str, share: int = 100) -> Decide:
    return lambda stage: enable(
        stage.spec, stage.spec.environments["local"], stage.observed, stage.cloud.standing[name], share
    )


def disabled(name: str) -> Decide:
    return lambda stage: disable(stage.spec, stage.spec.environments["local"], stage.observed, name, None)


def resized(name: str, size: int, *, force: bool = False) -> Decide:
    return lambda stage: resize(
        stage.spec, stage.spec.environments["local"], stage.observed, stage.cloud.standing[name], size, force=force
    )


def deleted(name: str, *, unroute: bool = False) -> Decide:
    return lambda stage: delete(
        stage.spec, stage.spec.environments["local"], stage.observed, stage.cloud.standing[name], unroute=unroute
    )


VERBS = (
    Verb("enable", enabled(V1), {V1: 100}, {V1: 2, V2: 2}),
    Verb("enable", enabled(V1, 30), {V1: 30, V2: 70}, {V1: 2, V2: 2}),
    Verb("disable", disabled(V2), {V1: 100}, {V1: 2, V2: 2}),
    Verb("resize", resized(V2, 4), {V2: 100}, {V1: 2, V2: 4}),
    Verb("resize", resized(V2, 1, force=True), {V2: 100}, {V1: 2, V2: 1}),
    Verb("resize", resized(V1, 1), {V2: 100}, {V1: 1, V2: 2}),
    Verb("burn", deleted(V1), {V2: 100}, {V2: 2}),
    Verb("burn", deleted(V2, unroute=True), {}, {V1: 2}),
)
UNDONE = ({V2: 100}, {V1: 2, V2: 2})


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Two rolls have been."""
    stage = Stage(logs=tmp_path_factory.mktemp("runs"))
    stage.roll("1")
    stage.roll("2")
    stage.cloud.serving.clear()
    return stage


@pytest.fixture
def stage(start: Stage) -> Stage:
    return deepcopy(start)


def world(stage: Stage) -> tuple[dict[str, int], dict[str, int]]:
    return stage.shares, {name: group.size for name, group in stage.cloud.standing.items()}


def facts(stage: Stage) -> tuple[object, ...]:
    """The world with what is easily forgotten: who is kept for a time, who is at the balancer, who served before."""
    kept = {name: group.keep_until is not None for name, group in stage.cloud.standing.items()}
    return (*world(stage), kept, sorted(stage.cloud.attached), stage.observed.former)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb.kind}-{verb.shares}-{verb.sizes}")
def test_on_a_good_day(stage: Stage, verb: Verb) -> None:
    run = stage.carry_out(verb.kind, verb.decide(stage))
    assert run.state is RunState.DONE
    assert world(stage) == (verb.shares, verb.sizes)
    assert min(stage.cloud.serving, default=1) > 0 or not verb.shares
    assert not stage.cloud.cut


@pytest.mark.parametrize("decide", [disabled(V2), enabled(V1)], ids=["disable", "enable"])
def test_who_wants_away_is_not_held_by_what_can_start_no_machine(stage: Stage, decide: Decide) -> None:
    stage.cloud.move({V1: 95, V2: 5})
    stage.cloud.templateless = frozenset({V1})
    assert stage.carry_out("group", decide(stage)).state is RunState.DONE
    assert stage.shares == {V1: 100}


def test_a_group_that_no_balancer_knows_is_not_deleted_by_who_has_lost_the_run(stage: Stage, tmp_path: Path) -> None:
    def lost() -> None:
        raise LostRunError("another process has it")

    context = Context(
        run_id="burn-1",
        origin=UNTOLD,
        part=Part.CLEANUP,
        step="burn-former",
        deadline=60.0,
        log_directory=tmp_path,
        came_to=(),
        say=stage.said.append,
        renew=lost,
    )
    performer = stage.engine().performer
    assert isinstance(performer, Roller)
    stage.cloud.detach(V1)
    with pytest.raises(LostRunError):
        former.delete(performer.world, DeleteGroup(group=V1), context)
    assert V1 in stage.groups


def test_a_group_that_serves_on_a_cloud_and_that_nobody_routes_any_more_is_not_burnt(tmp_path: Path) -> None:
    stage = Stage(logs=tmp_path, kind=AWS)
    stage.roll("1")
    with pytest.raises(RefusedError, match=f"{V1} serves 100 %") as caught:
        deleted(V1, unroute=True)(stage)
    assert "--force" not in caught.value.resolution
    assert "at the load balancer itself" in caught.value.resolution


@pytest.mark.parametrize("abort", [True, False], ids=["abort", "resume"])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb.kind}-{verb.shares}-{verb.sizes}")
@pytest.mark.parametrize("point", ["store.kill_before", "store.kill_after", "cloud.before", "cloud.after"])
def test_a_kill_anywhere_ends_done_or_undone(start: Stage, verb: Verb, point: str, abort: bool) -> None:
    good, former = deepcopy(start), {run.id for run in History(start.store).runs()}
    good.carry_out(verb.kind, verb.decide(good))
    reached, ended = 0, set[RunState]()
    while True:
        stage = deepcopy(start)
        plan = verb.decide(stage)
        match point:
            case "store.kill_before":
                stage.store.kill_before = stage.store.writes + reached
            case "store.kill_after":
                stage.store.kill_after = stage.store.writes + reached + 1
            case "cloud.before":
                stage.cloud.kill_before_call = stage.cloud.calls + reached + 1
            case _:
                stage.cloud.kill_after_call = stage.cloud.calls + reached + 1
        try:
            stage.carry_out(verb.kind, plan)
        except Killed:
            reached += 1
        else:
            break
        for _twice in range(2):
            with suppress(UndoneError):
                stage.take_over(abort=abort)
        assert History(stage.store).live() == (), f"point {reached}"
        ends = [run.state for run in History(stage.store).runs() if run.id not in former]
        assert ends in ([RunState.DONE], [RunState.UNDONE] if abort else [], []), f"point {reached}"
        assert facts(stage) == (facts(good) if ends == [RunState.DONE] else facts(start)), f"point {reached}"
        assert min(stage.cloud.serving, default=1) > 0 or not verb.shares
        ended |= set(ends)
    assert reached >= 2
    assert (RunState.UNDONE if abort and verb.kind != "burn" else RunState.DONE) in ended


def test_the_enabled_group_is_kept_no_longer_and_the_other_is(stage: Stage) -> None:
    stage.carry_out("enable", enabled(V1)(stage))
    assert stage.cloud.standing[V1].keep_until is None
    assert stage.cloud.standing[V2].keep_until is not None
    assert stage.observed.former is None, "as after a rollback, one release further back"


def test_enabling_takes_no_time_where_the_group_stands_whole(stage: Stage) -> None:
    before = stage.clock.seconds
    stage.carry_out("enable", enabled(V1)(stage))
    assert stage.clock.seconds - before < 2


def test_a_group_that_never_served_leads_back_to_the_one_that_did(stage: Stage) -> None:
    stage.cloud.create(
        replace(stage.cloud.standing[V2], name="web-tier-local-v003"), stage.cloud.templates[V2], between=lambda: None
    )
    stage.cloud.attach(stage.cloud.standing["web-tier-local-v003"])
    stage.carry_out("enable", enabled("web-tier-local-v003")(stage))
    assert stage.observed.former == V2


def test_a_canary_is_taken_out_at_once_and_needs_no_machine_for_that(stage: Stage) -> None:
    stage.carry_out("resize", resized(V1, 1)(stage))
    stage.carry_out("enable", enabled(V1, 10)(stage))
    assert world(stage) == ({V1: 10, V2: 90}, {V1: 1, V2: 2})
    before = stage.clock.seconds
    stage.carry_out("disable", disabled(V1)(stage))
    assert world(stage) == ({V2: 100}, {V1: 1, V2: 2})
    assert stage.clock.seconds - before < 2


def test_a_canary_that_takes_over_grows_first(stage: Stage) -> None:
    stage.carry_out("resize", resized(V1, 1)(stage))
    stage.carry_out("enable", enabled(V1, 10)(stage))
    stage.carry_out("disable", disabled(V2)(stage))
    assert world(stage) == ({V1: 100}, {V1: 2, V2: 2})
    assert min(stage.cloud.serving) > 1


def test_a_sick_group_gets_nothing_and_keeps_its_label(stage: Stage) -> None:
    stage.cloud.sick.add(V1)
    with pytest.raises(UndoneError):
        stage.carry_out("enable", enabled(V1)(stage))
    assert world(stage) == UNDONE
    assert stage.cloud.standing[V1].keep_until is not None, "tend burns it, as it would have"
    assert all(route.get(V1, 1) for route in stage.cloud.history)


def test_a_group_that_falls_ill_just_before_the_write_gets_nothing(stage: Stage) -> None:
    stage.meddle["shift"] = lambda: stage.cloud.sick.add(V1)
    with pytest.raises(UndoneError, match="not healthy enough"):
        stage.carry_out("enable", enabled(V1)(stage))
    assert stage.shares == {V2: 100}
    assert all(route.get(V1, 1) for route in stage.cloud.history)


def test_a_group_that_is_too_small_grows_and_on_the_way_back_is_as_small_again(stage: Stage) -> None:
    stage.carry_out("resize", resized(V1, 1)(stage))
    stage.meddle["shift"] = lambda: stage.cloud.ill.add(f"{V1}-2")
    with pytest.raises(UndoneError):
        stage.carry_out("enable", enabled(V1)(stage))
    assert world(stage) == ({V2: 100}, {V1: 1, V2: 2})
    stage.cloud.ill.clear()
    stage.carry_out("enable", enabled(V1)(stage))
    assert world(stage) == ({V1: 100}, {V1: 2, V2: 2})


def test_the_disabled_group_stands_without_a_time_limit(stage: Stage) -> None:
    stage.carry_out("disable", disabled(V2)(stage))
    assert stage.cloud.standing[V2].keep_until is None


def test_traffic_of_a_group_that_vanished_is_taken_over_and_the_group_forgotten(stage: Stage) -> None:
    del stage.cloud.standing[V2]
    stage.carry_out("disable", disabled(V2)(stage))
    assert stage.shares == {V1: 100}
    assert [backend.group for backend in stage.observed.route.backends] == [V1]


def test_a_dead_machine_is_replaced_by_the_size_that_there_is(stage: Stage) -> None:
    stage.cloud.kill_machine(f"{V2}-1")
    stage.carry_out("resize", resized(V2, 2)(stage))
    assert [i.id for i in stage.cloud.standing[V2].instances] == [f"{V2}-2", f"{V2}-1"]
    backend = stage.observed.route.backend(V2)
    assert backend is not None
    assert (backend.healthy, backend.total) == (2, 2)


def test_requests_of_machines_that_go_are_answered(stage: Stage) -> None:
    stage.cloud.answering[f"{V2}-2"] = 1

    def answered() -> None:
        if stage.clock.seconds > began + 3:
            stage.cloud.answering.clear()

    began, stage.clock.on_sleep = stage.clock.seconds, answered
    stage.carry_out("resize", resized(V2, 1, force=True)(stage))
    assert stage.cloud.cut == []
    assert stage.clock.seconds - began > 3


def hung(stage: Stage) -> Plan[RollAction]:
    """One of two machines does not answer although it lives; one is to go."""
    plan = resized(V2, 1, force=True)(stage)
    stage.cloud.ill.add(f"{V2}-1")
    return plan


def test_a_group_with_a_machine_that_hangs_is_not_made_smaller(stage: Stage) -> None:
    plan = hung(stage)
    with pytest.raises(UndoneError, match="never became healthy"):
        stage.carry_out("resize", plan)
    assert world(stage) == UNDONE
    assert min(stage.cloud.serving) > 0


def test_without_that_look_the_machine_that_hangs_is_the_one_that_goes(stage: Stage) -> None:
    plan = hung(stage)
    blind = replace(plan, steps=tuple(step for step in plan.steps if step.id != "healthy"))
    stage.carry_out("resize", blind)
    assert [instance.id for instance in stage.cloud.standing[V2].instances] == [f"{V2}-2"]
    assert min(stage.cloud.serving) > 0


def test_new_machines_that_never_come_are_taken_back(stage: Stage) -> None:
    stage.meddle["healthy"] = lambda: stage.cloud.ill.add(f"{V2}-3")
    with pytest.raises(UndoneError):
        stage.carry_out("resize", resized(V2, 3)(stage))
    assert world(stage) == UNDONE
    assert [i.id for i in stage.cloud.standing[V2].instances] == [f"{V2}-1", f"{V2}-2"]


def test_a_kept_group_that_got_traffic_meanwhile_is_not_burnt(stage: Stage) -> None:
    plan = deleted(V1)(stage)
    stage.cloud.move({V1: 50, V2: 50})
    stage.carry_out("burn", plan)
    assert V1 in stage.cloud.standing
