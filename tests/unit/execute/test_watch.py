"""How a group is watched where the cloud heals and nobody tells of the boot, and what pins and settling are for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.api import Between, idle
from phoenix.errors import RefusedError, UndoFailedError, UndoneError
from phoenix.execute.perform import watch
from phoenix.model import Route
from phoenix.plan.due import due, overdue_pins
from phoenix.plan.rollback import give_back
from phoenix.record.journal import RunState
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from phoenix.wait import Look, Verdict
from tests.support.fakes.doubles import Killed
from tests.support.fakes.manners import AWS, FOREIGN, GCP, KINDS, LOCAL, Kind
from tests.support.rolls.stage import Stage, service

OLD, NEW = "web-tier-local-v001", "web-tier-local-v002"
OTHERS = (AWS, GCP)
ROLLING = Rolling(step=1, percent=False)


def serving(tmp_path: Path, kind: Kind, strategy: Strategy | None = None, size: int = 4) -> Stage:
    """Version 1 serves."""
    stage = Stage(logs=tmp_path, kind=kind, spec=service(size=size, strategy=strategy))
    stage.spec = replace(stage.spec, health=replace(stage.spec.health, deadline=300.0))
    stage.roll("1")
    stage.clock.seconds += 60
    stage.cloud.serving.clear()
    stage.cloud.consoles.clear()
    return stage


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_a_boot_that_failed_is_read_off_the_console_long_before_the_deadline(tmp_path: Path, kind: Kind) -> None:
    stage = serving(tmp_path, kind)
    stage.cloud.broken_boot.add(NEW)
    started = stage.clock.seconds
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert "boot work failed: apt-get ended with 100" in error.value.details
    assert stage.clock.seconds - started < 60
    assert stage.shares == {OLD: 100}


def test_why_nothing_is_healthy_is_told_in_the_balancers_own_words(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS)
    stage.cloud.sick.add(NEW)
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert "0 of 4 pass the health check; 2 x answered with 401" in error.value.details


@pytest.mark.parametrize("kind", [LOCAL, *OTHERS], ids=str)
def test_a_candidate_that_was_taken_out_of_the_balancer_by_hand_is_given_up_at_once(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = serving(tmp_path, kind)
    stage.cloud.sick.add(NEW)
    seen = stage.cloud.read

    def read(of: Collection[str] | None = None) -> Route:
        route = seen(of)
        if route.backend(NEW) is not None and NEW in stage.cloud.attached:
            stage.cloud.attached.pop(NEW)
        return route

    started = stage.clock.seconds
    stage.meddle["candidate-healthy"] = lambda: monkeypatch.setattr(stage.cloud, "read", read)
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert f"the balancer no longer has {NEW}: somebody has taken it out" in error.value.details
    assert stage.clock.seconds - started < 120, "the deadline is 300 s"
    assert stage.shares == {OLD: 100}


def test_an_unhealthy_candidate_is_explained_machine_by_machine(tmp_path: Path) -> None:
    stage = serving(tmp_path, LOCAL)
    stage.cloud.sick.add(NEW)
    stage.answer_alone = Look(verdict=Verdict.FAIL, seen="http://127.0.0.1:9001/healthz answers 302, to /login")
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    told = error.value.details.splitlines()
    for number in (1, 2, 3, 4):
        assert (
            f"{NEW}-{number}: the balancer's check: answered with 401; "
            "asked by phoenix: http://127.0.0.1:9001/healthz answers 302, to /login"
        ) in told
    assert f"service log of {NEW}-1" in told, "with the last lines of its service"


def test_a_service_that_dies_again_and_again_is_not_healthy_although_no_check_misses_it(tmp_path: Path) -> None:
    stage = serving(tmp_path, LOCAL)
    stage.spec = replace(stage.spec, health=replace(stage.spec.health, healthy_after=25.0))
    stage.cloud.crashing = {NEW: 20.0}
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert "ended and was started again, " in error.value.details
    assert stage.shares == {OLD: 100}


def test_a_service_that_dies_while_it_is_soaked_is_not_healthy(tmp_path: Path) -> None:
    stage = serving(tmp_path, LOCAL, Canary(steps=(50, 100), soak=60.0, hold=(), keep=600.0))
    stage.cloud.crashing = {NEW: 20.0}
    with pytest.raises(UndoneError, match="did not stay healthy") as error:
        stage.roll("2")
    assert "ended and was started again" in error.value.details
    assert stage.shares == {OLD: 100}


def test_a_soak_asks_more_rarely_than_a_wait_does_and_once_a_look(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS, Canary(steps=(50, 100), soak=600.0, hold=(), keep=600.0))
    reads: list[int] = []
    stage.meddle["soak-50"] = stage.meddle["grow-100"] = lambda: reads.append(stage.cloud.reads)
    stage.roll("2")
    soaked = reads[1] - reads[0]
    assert soaked <= 2 * (600 / 10 + 2), "one of the balancer and one of the group in ten seconds"


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_what_serves_is_looked_at_again_only_where_a_missed_check_shows(tmp_path: Path, kind: Kind) -> None:
    stage, manner = serving(tmp_path, kind), kind.manner
    moments: list[float] = []
    stage.meddle["measure"] = stage.meddle["pin-stable"] = lambda: moments.append(stage.clock.seconds)
    stage.roll("2")
    assert moments[1] - moments[0] == pytest.approx(0.0 if manner.damped else 2 * manner.look)


def test_a_shift_is_decided_on_one_look_at_the_balancer_and_one_at_the_group(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS)
    reads: list[int] = []
    shift = stage.cloud.shift

    def shifted(shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        reads.append(stage.cloud.reads)
        shift(shares, seen, between=between)

    stage.meddle["shift"] = lambda: reads.append(stage.cloud.reads)
    stage.cloud.shift = shifted  # type: ignore[method-assign]
    stage.roll("2")
    assert reads[1] - reads[0] == 2


def test_every_write_to_the_balancer_has_the_lease_to_keep(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS, BlueGreen(keep=0.0))
    given: dict[str, Between] = {}

    def keeping(verb: str) -> Callable[..., Any]:
        said = getattr(stage.cloud, verb)

        def kept(*asked: Any, between: Between = idle) -> Any:
            given[verb] = between
            return said(*asked, between=between)

        return kept

    for verb in ("prepare", "attach", "shift", "detach"):
        setattr(stage.cloud, verb, keeping(verb))
    stage.roll("2")
    assert sorted(given) == ["attach", "detach", "prepare", "shift"]
    assert idle not in given.values()


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_one_console_is_read_at_a_time_and_each_in_its_turn(tmp_path: Path, kind: Kind) -> None:
    stage = serving(tmp_path, kind)
    stage.cloud.sick.add(NEW)
    with pytest.raises(UndoneError):
        stage.roll("2")
    waiting = stage.cloud.consoles[:6]
    moments = [moment for moment, _machine in waiting]
    assert all(later - earlier >= watch.CONSOLE_LOOKS for earlier, later in pairwise(moments))
    assert [machine for _moment, machine in waiting[:4]] == [f"{NEW}-{number}" for number in range(1, 5)]


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_a_lost_machine_is_replaced_by_the_cloud_and_says_nothing_yet(tmp_path: Path, kind: Kind) -> None:
    stage = serving(tmp_path, kind)
    stage.meddle["candidate-healthy"] = lambda: stage.cloud.kill_machine(f"{NEW}-1")
    assert stage.roll("2").state is RunState.DONE
    assert f"{NEW}-1" not in {each.id for each in stage.cloud.standing[NEW].instances}


def test_where_nobody_replaces_machines_a_lost_one_is_the_end(tmp_path: Path) -> None:
    stage = serving(tmp_path, LOCAL)
    stage.meddle["candidate-healthy"] = lambda: stage.cloud.kill_machine(f"{NEW}-1")
    with pytest.raises(UndoneError, match="never became healthy"):
        stage.roll("2")


@pytest.mark.parametrize("kind", OTHERS, ids=str)
@pytest.mark.parametrize(("size", "allowed"), [(4, 2), (20, 4)])
def test_a_group_that_loses_machines_again_and_again_is_given_up(
    tmp_path: Path, kind: Kind, size: int, allowed: int
) -> None:
    stage = serving(tmp_path, kind, size=size)
    stage.cloud.sick.add(NEW)
    killed: dict[str, float] = {}

    def dies() -> None:
        if stage.clock.seconds < max(killed.values(), default=0.0) + 3:
            return  # one after the other
        alive = [i.id for i in stage.cloud.standing[NEW].staying if i.state != "dead"] if NEW in stage.groups else []
        if alive and alive[-1] not in killed:
            killed[alive[-1]] = stage.clock.seconds
            stage.cloud.kill_machine(alive[-1])

    stage.meddle["candidate-healthy"] = lambda: setattr(stage.clock, "on_sleep", dies)
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert f"{allowed + 1} machines were lost" in error.value.details


def starts_no_machine(stage: Stage, *, certain: bool) -> None:
    """The cloud begins to start the new group's machines, and cannot."""
    stage.cloud.imageless.add(NEW)
    stage.cloud.standing[NEW] = replace(stage.cloud.standing[NEW], instances=())
    stage.cloud.troubles[NEW] = ("your quota allows for 0 more", certain)


def test_a_group_whose_machines_will_never_start_is_given_up_at_once(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS)
    stage.meddle["candidate-healthy"] = lambda: starts_no_machine(stage, certain=True)
    started = stage.clock.seconds
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert "no machine can be started: your quota allows for 0 more" in error.value.details
    assert stage.clock.seconds - started < 60
    assert stage.shares == {OLD: 100}


def test_trouble_that_may_pass_is_told_and_waited_for(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS)
    stage.meddle["candidate-healthy"] = lambda: starts_no_machine(stage, certain=False)
    started = stage.clock.seconds
    with pytest.raises(UndoneError, match="never became healthy") as error:
        stage.roll("2")
    assert "0 of 4 pass the health check; your quota allows for 0 more" in error.value.details
    assert stage.clock.seconds - started >= stage.spec.health.deadline


def test_what_cannot_grow_is_good_enough_at_its_floor(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS, size=10)

    def one_less() -> None:
        group = stage.cloud.standing[NEW]
        stage.cloud.imageless.add(NEW)
        stage.cloud.standing[NEW] = replace(group, instances=group.instances[:-1])
        stage.cloud.troubles[NEW] = ("no capacity", True)

    stage.meddle["candidate-healthy"] = one_less
    stage.meddle["grow"] = stage.cloud.imageless.clear
    assert stage.roll("2").state is RunState.DONE


def no_room(stage: Stage) -> None:
    """On the way back the group that serves loses machines, and the cloud has no room for others: for a minute."""
    group, began = stage.cloud.standing[OLD], stage.clock.seconds
    stage.cloud.imageless.add(OLD)
    stage.cloud.standing[OLD] = replace(group, instances=group.instances[:1])
    stage.cloud.troubles[OLD] = ("InsufficientInstanceCapacity", True)

    def passes() -> None:
        if stage.clock.seconds > began + 60:
            stage.cloud.imageless.clear()
            stage.cloud.troubles.clear()

    stage.clock.on_sleep = passes


def test_the_way_back_waits_for_room_that_lacks_for_a_while(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS, ROLLING)
    stage.meddle |= {"grow-50": stage.ask_to_abort, "stable-healthy": lambda: no_room(stage)}
    with pytest.raises(UndoneError):
        stage.roll("2")
    assert stage.shares == {OLD: 100}


def test_the_way_back_does_not_wait_for_machines_that_nothing_can_start(tmp_path: Path) -> None:
    stage = serving(tmp_path, AWS, ROLLING)
    began: list[float] = []

    def gone() -> None:
        no_room(stage)
        stage.cloud.templateless = frozenset({OLD})
        began.append(stage.clock.seconds)

    stage.meddle |= {"grow-50": stage.ask_to_abort, "stable-healthy": gone}
    with pytest.raises(UndoFailedError):
        stage.roll("2")
    assert stage.clock.seconds - began[0] < 60


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("size", "min_healthy", "ill"), [(10, None, 1), (4, 50, 2)])
def test_healthy_is_a_floor(tmp_path: Path, kind: Kind, size: int, min_healthy: int | None, ill: int) -> None:
    stage = serving(tmp_path, kind, size=size)
    stage.spec = replace(stage.spec, min_healthy=min_healthy)
    stage.cloud.ill |= {f"{NEW}-{number}" for number in range(1, ill + 1)}
    assert stage.roll("2").state is RunState.DONE


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_one_machine_below_the_floor_is_not_healthy(tmp_path: Path, kind: Kind) -> None:
    stage = serving(tmp_path, kind, size=10)
    stage.cloud.ill |= {f"{NEW}-1", f"{NEW}-2"}
    with pytest.raises(UndoneError, match="never became healthy"):
        stage.roll("2")


@pytest.mark.parametrize("lag", AWS.lags)
def test_nothing_is_made_smaller_before_a_shift_has_settled(tmp_path: Path, lag: float) -> None:
    stage = serving(tmp_path, AWS, ROLLING, size=2)
    stage.cloud.lag = lag
    moments: list[float] = []
    stage.meddle["shift-50"] = lambda: moments.append(stage.clock.seconds)
    stage.meddle["shrink-50"] = lambda: moments.append(stage.clock.seconds)
    stage.roll("2")
    began, shrunk = moments
    assert shrunk - began >= AWS.manner.settles


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_an_autoscaler_makes_nothing_smaller_while_traffic_moves(tmp_path: Path, kind: Kind) -> None:
    strategy = Canary(steps=(50, 100), soak=60.0, hold=(), keep=600.0) if kind is AWS else BlueGreen(keep=600.0)
    stage = serving(tmp_path, kind, strategy)
    stage.meddle["create-candidate"] = lambda: setattr(stage.clock, "on_sleep", stage.cloud.autoscale)
    stage.roll("2")
    assert {name: stage.cloud.standing[name].size for name in stage.groups} == {OLD: 4, NEW: 4}
    assert stage.cloud.standing[NEW].pinned_until is None
    assert stage.cloud.standing[OLD].pinned_until == stage.cloud.standing[OLD].keep_until
    stage.cloud.autoscale()
    assert stage.cloud.standing[OLD].size == 4, "kept groups could take the traffic back"
    stage.rollback(OLD)
    assert stage.shares == {OLD: 100}
    assert stage.cloud.standing[OLD].pinned_until is None


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_a_pin_that_nobody_gave_back_is_over_one_day(tmp_path: Path, kind: Kind) -> None:
    stage = serving(tmp_path, kind)
    stage.meddle["create-candidate"] = lambda: setattr(stage.store, "kill_before", stage.store.writes)
    with pytest.raises(Killed):
        stage.roll("2")
    pinned = stage.cloud.standing[OLD].pinned_until
    assert pinned is not None
    assert overdue_pins(stage.observed, pinned - timedelta(seconds=1)) == ()
    (group,) = overdue_pins(stage.observed, pinned)
    assert group.name == OLD
    stage.store.values.clear()  # the record of the run is lost, too
    stage.carry_out("burn", give_back(stage.spec, stage.spec.environments["local"], stage.observed, (group,)))
    assert stage.cloud.standing[OLD].pinned_until is None


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_group_that_phoenix_did_not_make_is_replaced_by_order_and_never_ended(tmp_path: Path, kind: Kind) -> None:
    stage = Stage(logs=tmp_path, kind=kind, spec=service(strategy=ROLLING))
    stage.cloud.found_foreign(2, serves=True)
    foreign = stage.cloud.standing[FOREIGN]
    with pytest.raises(RefusedError, match="did not make legacy"):
        stage.roll("1")
    stage.adopt = True
    assert stage.roll("1").state is RunState.DONE
    assert stage.shares == {OLD: 100}
    assert stage.cloud.standing[FOREIGN] == foreign
    assert stage.observed.former == FOREIGN
    stage.clock.seconds += 1e6
    assert due(stage.observed, stage.clock.now(), frozenset({""})) == ()
    stage.rollback(FOREIGN)
    assert stage.shares == {FOREIGN: 100}
    assert stage.cloud.standing[FOREIGN] == foreign
    assert stage.cloud.trespasses == []


@pytest.mark.parametrize("kind", [LOCAL, AWS], ids=str)
def test_a_group_without_machines_is_not_healthy(tmp_path: Path, kind: Kind) -> None:
    """None of none is not all of them: somebody has made the group as small as 0 while it was watched."""
    stage = serving(tmp_path, kind, Canary(steps=(50, 100), soak=60.0, hold=(), keep=0.0))

    def empty() -> None:
        stage.cloud.resize(NEW, 0, between=lambda: None)
        stage.cloud.attach(stage.cloud.standing[NEW])

    stage.meddle["soak-50"] = empty
    with pytest.raises(UndoneError) as error:
        stage.roll("2")
    assert "0 of 0" in error.value.details
    assert stage.shares == {OLD: 100}
