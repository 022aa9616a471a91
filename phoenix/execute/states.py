"""The states of a repository as aptly keeps them: snapshots, each with a note of who made it, when, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from phoenix.clock import Clock, rfc3339
from phoenix.debs import Deb, State
from phoenix.errors import ToolError
from phoenix.execute.outcomes import Outcome
from phoenix.execute.ownership import this_process
from phoenix.plan.publish_actions import DropStates, TakeSnapshot
from phoenix.plan.states import number_of
from phoenix.record.origin import VARIABLES, Origin

if TYPE_CHECKING:
    from phoenix.execute.repositories import Writer

NOTED = ("who", "host", "run", "what", "why", "of", *VARIABLES)
"""The fields of a state that stand in its snapshot's note; aptly itself knows its name and time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped(Outcome):
    """The states that were given up."""

    dropped: tuple[str, ...]


def note(action: TakeSnapshot, run: str, origin: Origin) -> str:
    """What is written with a snapshot when it is taken, by this process."""
    me = this_process(0)
    said = {"who": me.who, "host": me.host, "run": run, "what": action.what, "why": action.why, "of": action.of}
    said |= asdict(origin)
    return json.dumps({name: said[name] for name in NOTED if said[name]})


def states(writer: Writer) -> tuple[State, ...]:
    """Every state of the repository, oldest first, also those that were retired. Needs the lock."""
    notes = writer.aptly.notes() if writer.root.database.exists() else {}
    found = {state.name: state for state in _retired(writer)}
    for name, (at, text) in notes.items():
        number = number_of(writer.spec.name, name)
        if number is not None:
            found[name] = State(name=name, number=number, at=_short(at), **_noted(text))
    return tuple(sorted(found.values(), key=lambda state: state.number))


def contents(writer: Writer, state: State) -> tuple[Deb, ...]:
    """The packages of a state that stands, sorted. Needs the lock."""
    return writer.aptly.snapshot(state.name)


def drop(writer: Writer, action: DropStates, clock: Clock) -> Outcome:
    """Remove the snapshots; where they were states the history is told before, and room is given back after."""
    aptly = writer.aptly
    if aptly.published(writer.spec.distribution) in action.snapshots:
        raise ToolError(
            f"{', '.join(action.snapshots)} cannot be given up",
            details="machines see one of these",
            resolution="See `phoenix repository history`, then try again.",
        )
    if action.retire:
        _write_retired(writer, action.snapshots, rfc3339(clock.now()))
    for name in action.snapshots:
        aptly.drop_snapshot(name)
    if action.retire:
        aptly.give_room_back()
    return Dropped(dropped=action.snapshots)


def _noted(text: str) -> dict[str, str]:
    """What a note says; a snapshot of a former phoenix has none of ours."""
    try:
        said: dict[str, Any] = json.loads(text)
        return {name: str(said[name]) for name in NOTED if name in said}
    except (ValueError, TypeError):
        return {}


def _short(at: str) -> str:
    """A time of aptly's, to the second."""
    return f"{at[:19]}Z"


def _retired(writer: Writer) -> tuple[State, ...]:
    """The states whose packages were given up."""
    try:
        return tuple(State(**each) for each in json.loads(writer.root.retired.read_text()))
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError) as error:
        raise ToolError(
            "the repository's history cannot be read",
            details=f"{writer.root.retired}: {error}",
            resolution="Restore the file from a backup, or remove it: only what was said of retired states is lost.",
        ) from error


def _write_retired(writer: Writer, names: tuple[str, ...], at: str) -> None:
    """Remember the states that are about to go; one that is remembered already keeps what was said of it."""
    known = {state.name: asdict(state) for state in _retired(writer)}
    for state in states(writer):
        if state.name in names and not state.retired:
            known.setdefault(state.name, {**asdict(state), "retired": at})
    fresh = writer.root.retired.with_suffix(".new")
    fresh.write_text(json.dumps(list(known.values()), indent=1) + "\n")
    fresh.replace(writer.root.retired)
