"""Which versions stay, which go, and why; and that the plan takes nothing away that stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from phoenix.debs import Deb, Need, RepositoryState, State, version_key
from phoenix.plan.publish import deb_of
from phoenix.plan.publish_actions import DropStates, MatchState, RemovePackages, SwitchPublication, TakeSnapshot
from phoenix.plan.retention import Shelf, judge, retire
from phoenix.plan.states import number_of
from phoenix.spec.repositories import RepositorySpec

SPEC = RepositorySpec(
    name="main", distribution="bookworm", root=Path("/aptly"), url="http://127.0.0.1:9999", sign="auto", keep=5
)


def deb(text: str) -> Deb:
    name, version = text.split()
    return Deb(name=name, version=version, architecture="all", sha256=f"{name}-{version}")


def shelf(held: Mapping[int, tuple[str, ...]], of: Mapping[int, int] | None = None) -> Shelf:
    """The last state is shown. `of`: which state has another's packages again."""
    names = {number: f"main-{number:04d}" for number in held}
    states = tuple(
        State(name=names[number], number=number, at="", of=names[of[number]] if of and number in of else "")
        for number in sorted(held)
    )
    debs = {names[number]: tuple(sorted(map(deb, texts))) for number, texts in held.items()}
    last = states[-1].name
    shown = RepositoryState(packages=debs[last], snapshots=tuple(debs), published=last, visible=debs[last])
    return Shelf(state=shown, states=states, held=debs)


def need(text: str, who: str) -> Need:
    wanted = deb(text)
    return Need(name=wanted.name, version=wanted.version, sha256=wanted.sha256, who=who)


def goes(on: Shelf, keep: int, *needs: Need) -> list[str]:
    return [f"{each.deb.name} {each.deb.version}" for each in judge(on, keep, needs) if not each.stays]


GROWN = {n: tuple(f"hello 1.{minor}" for minor in range(8, 8 + n)) for n in range(6)}
"""Five publications: 1.8, 1.9, 1.10, 1.11 and 1.12."""


def test_the_newest_by_debians_order_stay() -> None:
    assert goes(shelf(GROWN), 2) == ["hello 1.8", "hello 1.9", "hello 1.10"]
    assert goes(shelf(GROWN), 5) == []


def test_what_is_needed_stays_and_says_by_whom() -> None:
    judged = judge(shelf(GROWN), 2, (need("hello 1.8", "group web-v001"), need("hello 1.8", "run-1 (held)")))
    (first, second, *_rest) = judged
    assert (first.stays, first.why) == (True, "group web-v001; run-1 (held)")
    assert (second.stays, second.why) == (False, "not among the newest 2, and nobody needs it")
    other = Need(name="hello", version="1.9", sha256="other bytes", who="group web-v001")
    assert "hello 1.9" in goes(shelf(GROWN), 2, other)


def test_what_a_rollback_would_offer_stays() -> None:
    judged = judge(shelf(GROWN), 1, ())
    assert [(j.deb.version, j.why) for j in judged if j.stays] == [
        ("1.11", "a rollback to main-0004 would offer it"),
        ("1.12", "among the newest 1"),
    ]


def test_after_a_rollback_what_machines_see_stays_before_what_only_former_states_have() -> None:
    held = {0: (), 1: ("hello 1.0",), 2: ("hello 1.0", "hello 2.0"), 3: ("hello 1.0",)}
    assert goes(shelf(held, of={3: 1}), 1) == []


def test_the_states_that_hold_what_goes_are_given_up_and_two_are_made_anew() -> None:
    on = shelf(GROWN)
    plan = retire(SPEC, on, judge(on, 2, ()), why="room")
    assert [step.id for step in plan.steps] == [
        *("match-former", "remove-former", "snapshot-former", "match", "remove", "snapshot", "switch", "read-back")
    ]
    made = [step.action for step in plan.steps if isinstance(step.action, TakeSnapshot)]
    assert [(each.snapshot, each.of, each.why) for each in made] == [
        ("main-0006", "main-0004", "room"),
        ("main-0007", "", "room"),
    ]
    (dropped,) = plan.cleanup
    assert dropped.action == DropStates(
        repository="main", snapshots=tuple(f"main-000{n}" for n in range(1, 6)), retire=True
    )


def test_nothing_to_retire_is_nothing_to_do() -> None:
    on = shelf(GROWN)
    assert retire(SPEC, on, judge(on, 5, ()), why="").empty


def test_what_an_interrupted_pruning_left_is_given_up_by_the_next() -> None:
    held = {1: ("hello 1.0",), 2: ("hello 2.0",), 3: ("hello 2.0",), 4: ("hello 2.0", "hello 3.0")}
    on = shelf(held)
    plan = retire(SPEC, on, judge(on, 1, (need("hello 2.0", "group web-v001"),)), why="")
    assert plan.empty  # 1.0 is the newest that only former states have
    held = {0: (), 1: ("hello 1.0",), 2: ("hello 1.1",), 3: ("hello 2.0",), 4: ("hello 2.0", "hello 3.0")}
    on = shelf(held)
    plan = retire(SPEC, on, judge(on, 1, ()), why="")
    assert plan.steps == ()
    assert [step.action.snapshots for step in plan.cleanup if isinstance(step.action, DropStates)] == [("main-0001",)]


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    versions = st.sampled_from(
        [f"{name} {version}" for name in ("a1", "b1") for version in ("1.2", "1.10", "2.0~rc1", "2.0", "3")]
    )
    count = draw(st.integers(1, 6))
    return shelf({0: (), **{n: tuple(draw(st.lists(versions, unique=True))) for n in range(1, count + 1)}})


@given(on=shelves(), keep=st.integers(1, 3), needed=st.sets(st.sampled_from(["a1 1.2", "a1 2.0", "b1 1.10", "b1 3"])))
def test_whatever_is_pruned_what_stays_is_seen_and_can_be_gone_back_to(on: Shelf, keep: int, needed: set[str]) -> None:
    needs = tuple(need(text, "somebody") for text in sorted(needed))
    judged = judge(on, keep, needs)
    plan = retire(SPEC, on, judged, why="")
    holding: set[Deb] = set(on.state.visible)
    states, shown = {name: set(debs) for name, debs in on.held.items()}, on.state.published
    for step in (*plan.steps, *plan.cleanup):
        match step.action:
            case MatchState(snapshot=name):
                holding = set(states[name])
            case RemovePackages(files=files):
                holding -= {deb_of(file) for file in files}
            case TakeSnapshot(snapshot=name):
                states[name] = set(holding)
            case SwitchPublication(snapshot=name):
                shown = name
            case DropStates(snapshots=dropped):
                assert shown not in dropped
                states = {name: debs for name, debs in states.items() if name not in dropped}
            case _:
                pass
    assert shown is not None
    stays = {each.deb for each in judged if each.stays}
    assert states[shown] == set(on.state.visible) & stays
    left = {held for debs in states.values() for held in debs}
    assert left <= stays, "what goes is nowhere any more"
    for name in {each.name for each in on.state.visible}:
        newest = max((d.version for d in on.state.visible if d.name == name), key=version_key)
        assert deb(f"{name} {newest}") in states[shown]
    if on.former:
        numbers = sorted(number for name in states if (number := number_of("main", name)) and name != shown)
        offered = set(on.held[on.former.name]) & stays
        assert offered == states[f"main-{numbers[-1]:04d}"] or not plan.steps
