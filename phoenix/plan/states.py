"""The states of a repository: what they are called, which one a way back leads to, and the plans that go there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from phoenix import names
from phoenix.debs import Deb, Need, RepositoryState, State
from phoenix.errors import RefusedError, SpecError
from phoenix.plan.actions import Plan, Step, fingerprint
from phoenix.plan.publish_actions import (
    DropStates,
    MatchState,
    PublishAction,
    ReadBack,
    SwitchPublication,
    TakeSnapshot,
)
from phoenix.spec.repositories import RepositorySpec

WRITE_DEADLINE = 900.0
"""Seconds for aptly to take, freeze or publish: large packages on a slow disk are within it."""
READ_BACK_DEADLINE = 120.0
"""Seconds until whoever serves the url shows what was published."""


def state_name(repository: str, number: int) -> str:
    """The repository's `number`-th state. Number 0 is what machines saw before the first: nothing."""
    return f"{repository}-{number:04d}"


def number_of(repository: str, state: str) -> int | None:
    """The number of a state of this repository; None for any other snapshot."""
    found = re.fullmatch(rf"{re.escape(repository)}-([0-9]{{4,}})", state)
    return int(found[1]) if found else None


def last_number(repository: str, snapshots: Iterable[str]) -> int:
    """The highest number of a state; 0 before the first."""
    return max((number for name in snapshots if (number := number_of(repository, name)) is not None), default=0)


def next_state(spec: RepositorySpec, state: RepositoryState, ahead: int = 1) -> str:
    """The name of the state that comes next, or of one further `ahead`."""
    return state_name(spec.name, last_number(spec.name, state.snapshots) + ahead)


def fingerprint_of(spec: RepositorySpec, state: RepositoryState) -> str:
    """What a plan for the repository was made for."""
    former = state.published or state_name(spec.name, 0)
    return fingerprint((spec.name, spec.distribution, spec.sign, former, *state.snapshots))


def step(name: str, action: PublishAction) -> Step[PublishAction]:
    """A step of a plan for a repository, with the deadline of its action."""
    deadline = READ_BACK_DEADLINE if isinstance(action, ReadBack) else WRITE_DEADLINE
    return Step(id=name, action=action, deadline=deadline)


def way_back(states: tuple[State, ...], published: str) -> State | None:
    """The state that a rollback goes to: the one before what machines see now. None before there are two.

    What machines see may be a former state's packages again; then the one before that former state is meant, so that
    a second rollback goes further back and not forth. `states` are in their order.
    """
    by_name = {state.name: state for state in states}
    now = by_name.get(published)
    seen: set[str] = set()
    while now is not None and now.of in by_name and now.name not in seen:
        seen.add(now.name)
        now = by_name[now.of]
    before = [state for state in states if now is not None and state.number < now.number and state.number > 0]
    return before[-1] if before else None


def rollback(
    spec: RepositorySpec,
    state: RepositoryState,
    target: State,
    *,
    contents: tuple[Deb, ...],
    needs: tuple[Need, ...],
    why: str,
    force: bool,
) -> Plan[PublishAction]:
    """The plan that makes machines see what `target` holds (`contents`), as a new state, in one switch.

    Empty where they see just that. RefusedError where a live group, a kept one or another of `needs` has packages
    that machines would no longer get, unless `force`.
    """
    former = published_state(spec, state)
    subject = str(names.of_repository(spec.name))
    if contents == state.visible:
        return Plan(subject=subject, why=f"machines see what {target.name} holds already")
    lost = [need for need in needs if need.of(state.visible) and not need.of(contents)]
    if lost and not force:
        raise RefusedError(
            f"a rollback of '{spec.name}' to {target.name} would take away what is needed",
            details="\n".join(f"{need.name}={need.version}: {need.who}" for need in lost),
            resolution="Roll those back first, or say `--force --why TEXT`: their new machines will not start.",
        )
    fresh = next_state(spec, state)
    what = f"back to {target.name}"
    actions: list[tuple[str, PublishAction]] = [
        ("match", MatchState(repository=spec.name, snapshot=target.name)),
        ("snapshot", TakeSnapshot(repository=spec.name, snapshot=fresh, what=what, why=why, of=target.name)),
        ("switch", SwitchPublication(repository=spec.name, snapshot=fresh)),
        ("read-back", ReadBack(repository=spec.name, files=(), snapshot=fresh)),
    ]
    return Plan(
        subject=subject,
        why=what,
        steps=tuple(step(*each) for each in actions),
        back=back_to(spec, former, (fresh,)),
        fingerprint=fingerprint_of(spec, state),
        notes=tuple(f"{need.name}={need.version} is no longer to be had, but needed: {need.who}" for need in lost),
    )


def back_to(spec: RepositorySpec, former: str, made: tuple[str, ...]) -> tuple[Step[PublishAction], ...]:
    """The way back to the state `former`, of a plan that may have `made` these."""
    return (
        step("switch-back", SwitchPublication(repository=spec.name, snapshot=former)),
        step("match-back", MatchState(repository=spec.name, snapshot=former)),
        step("drop", DropStates(repository=spec.name, snapshots=made)),
    )


def published_state(spec: RepositorySpec, state: RepositoryState) -> str:
    """The state that machines see. RefusedError before the first publication."""
    if state.published is None:
        raise RefusedError(
            f"nothing was ever published to the repository '{spec.name}'",
            details=f"{spec.root} has no state yet",
            resolution="Publish a package: `phoenix publish FILE.deb`.",
        )
    return state.published


def pick(spec: RepositorySpec, states: tuple[State, ...], name: str) -> State:
    """The state of that name, or number. SpecError naming those there are, RefusedError for one that was retired."""
    wanted = state_name(spec.name, int(name)) if re.fullmatch("[0-9]{1,9}", name) else name
    found = next((state for state in states if state.name == wanted), None)
    if found is None:
        raise SpecError(
            f"the repository '{spec.name}' has no state '{name}'",
            details=f"the newest: {', '.join(state.name for state in states[-5:]) or 'none'}",
            resolution="See `phoenix repository history`.",
        )
    if found.retired:
        raise RefusedError(
            f"{found.name} is gone",
            details=f"it was retired on {found.retired}, with the packages that only it held",
            resolution="See `phoenix repository history` for the states that stand.",
        )
    return found
