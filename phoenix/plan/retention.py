"""Which versions of a repository's packages stay, which go, and why; and the plan that gives the others up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phoenix import names
from phoenix.debs import Deb, Need, RepositoryState, State, version_key
from phoenix.plan.actions import Plan
from phoenix.plan.publish import as_file
from phoenix.plan.publish_actions import (
    DropStates,
    MatchState,
    PublishAction,
    ReadBack,
    RemovePackages,
    SwitchPublication,
    TakeSnapshot,
)
from phoenix.plan.states import back_to, fingerprint_of, next_state, published_state, step, way_back
from phoenix.spec.repositories import RepositorySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A version, and why it stays or goes."""

    deb: Deb
    stays: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """All that a repository has: what machines see, and what each state that stands holds, by its name."""

    state: RepositoryState
    states: tuple[State, ...]
    held: Mapping[str, tuple[Deb, ...]]

    @property
    def former(self) -> State | None:
        """The state that a rollback goes to."""
        return way_back(self.states, self.state.published or "")


def judge(shelf: Shelf, keep: int, needs: tuple[Need, ...]) -> tuple[Judged, ...]:
    """Every version on the shelf, by name and version. The newest `keep` of each package stay, and what is needed."""
    every = {deb for debs in (shelf.state.visible, *shelf.held.values()) for deb in debs}
    newest = _newest(shelf.state.visible, keep)
    of_others = _newest([deb for deb in every if deb not in shelf.state.visible], keep)
    former = shelf.former
    offered = _newest(shelf.held[former.name], 1) if former else set()
    judged = []
    for deb in sorted(every, key=lambda deb: (deb.name, version_key(deb.version), deb.sha256)):
        reasons = [f"among the newest {keep}"] if deb in newest else []
        reasons += [need.who for need in needs if need.of([deb])]
        if former and deb in offered:
            reasons.append(f"a rollback to {former.name} would offer it")
        if deb in of_others and deb not in shelf.state.visible:
            reasons.append("among the newest that only former states have")
        why = "; ".join(reasons) or f"not among the newest {keep}, and nobody needs it"
        judged.append(Judged(deb=deb, stays=bool(reasons), why=why))
    return tuple(judged)


def retire(spec: RepositorySpec, shelf: Shelf, judged: tuple[Judged, ...], *, why: str) -> Plan[PublishAction]:
    """The plan that takes what goes from machines' sight and from the disk; empty where nothing goes.

    The state that a rollback goes to is made anew without it; every other state that holds some of it is given up.
    """
    former_state = published_state(spec, shelf.state)
    going = {each.deb for each in judged if not each.stays}
    gone = [state.name for state in shelf.states if going & set(shelf.held[state.name])]
    subject = str(names.of_repository(spec.name))
    what = f"{_counted(going, 'version')} retired"
    actions, made = _actions(spec, shelf, going, (what, why)) if gone else ([], ())
    if not actions:
        gone = [name for name in gone if name not in _kept(shelf)]
    return Plan(
        subject=subject,
        why=what if gone else "nothing to retire: every version is among the newest, or needed",
        steps=tuple(step(*each) for each in actions),
        back=back_to(spec, former_state, made),
        cleanup=(step("retire", DropStates(repository=spec.name, snapshots=tuple(gone), retire=True)),) if gone else (),
        fingerprint=fingerprint_of(spec, shelf.state),
    )


def _actions(
    spec: RepositorySpec, shelf: Shelf, going: set[Deb], said: tuple[str, str]
) -> tuple[list[tuple[str, PublishAction]], tuple[str, ...]]:
    """The steps that machines and the next rollback see nothing of by, and the states that they make."""
    actions: list[tuple[str, PublishAction]] = []
    made: list[str] = []
    kept = _kept(shelf)
    if not any(going & set(shelf.held[name]) for name in kept):
        return [], ()
    for source in kept:
        fresh, less = next_state(spec, shelf.state, len(made) + 1), sorted(going & set(shelf.held[source]))
        made.append(fresh)
        mark = "" if source == shelf.state.published else "-former"
        said_of = said[0] if not mark else f"{source} without what was retired"
        actions += [
            (f"match{mark}", MatchState(repository=spec.name, snapshot=source)),
            (f"remove{mark}", RemovePackages(repository=spec.name, files=tuple(map(as_file, less)))),
            (
                f"snapshot{mark}",
                TakeSnapshot(
                    repository=spec.name, snapshot=fresh, what=said_of, why=said[1], of=source if mark else ""
                ),
            ),
        ]
    actions += [
        ("switch", SwitchPublication(repository=spec.name, snapshot=made[-1])),
        ("read-back", ReadBack(repository=spec.name, files=(), snapshot=made[-1])),
    ]
    return actions, tuple(made)


def _kept(shelf: Shelf) -> tuple[str, ...]:
    """The states that are made anew: what a rollback goes to, then what machines see."""
    former = (shelf.former.name,) if shelf.former else ()
    return (*former, *([shelf.state.published] if shelf.state.published else ()))


def _newest(debs: Iterable[Deb], keep: int) -> set[Deb]:
    """The `keep` newest versions of each package."""
    by_name: dict[str, dict[str, set[Deb]]] = {}
    for deb in debs:
        by_name.setdefault(deb.name, {}).setdefault(deb.version, set()).add(deb)
    return {
        deb
        for versions in by_name.values()
        for version in sorted(versions, key=version_key, reverse=True)[:keep]
        for deb in versions[version]
    }


def _counted(things: Iterable[object], noun: str) -> str:
    number = len(list(things))
    return f"{number} {noun}{'' if number == 1 else 's'}"
