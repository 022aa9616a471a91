"""How one service in one environment stands, for `status`: as data for programs, as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phoenix.cli.advice import has_died, what_next
from phoenix.cli.output import table
from phoenix.cli.show import group_data, lasted, run_data
from phoenix.cli.timeline import current, hold_of
from phoenix.clock import from_rfc3339
from phoenix.errors import PhoenixError
from phoenix.plan.due import due, idle
from phoenix.record.journal import Run, RunState

if TYPE_CHECKING:
    from phoenix.cli.observing import Standing
    from phoenix.cli.wiring import Wiring

SHOWN = 10
"""Machines that are named one by one; of more only how many there are."""


def standing_data(wiring: Wiring, standing: Standing) -> dict[str, Any]:
    """What `status` says of it. One that could not be seen has `error`; its run is told all the same."""
    from phoenix.cli.running import undone_among

    now, errors = wiring.clock.now(), [standing.error] if standing.error else []
    observed, going = standing.observed, None
    undone: frozenset[str] | None = None
    try:
        going = wiring.history.live_run(standing.subject)
        undone = undone_among(wiring, observed) if observed else None
    except PhoenixError as error:  # what serves is shown all the same
        errors.append(error)
    if going is not None and going.state.ended:  # its process died before it was moved to the history
        going = None
    died = going is not None and has_died(going)
    return {
        "service": standing.service.name,
        "environment": standing.environment.name,
        "cloud": standing.environment.cloud,
        "known": standing.known,
        "address": observed.route.address if observed else None,
        "stable": observed.route.stable if observed else None,
        "groups": [group_data(group, observed.route, now) for group in observed.groups] if observed else [],
        "run": run_now(going, now, died=died) if going else None,
        "due": [*_due_run(going, died=died), *_due(standing, now, going, undone)],
        "error": "\n".join(map(str, errors)) or None,
    }


def run_now(run: Run, now: datetime, *, died: bool) -> dict[str, Any]:
    """A going run with the step it is at, since when, why it is held if it is, and what to do."""
    line = current(run, now)
    return {
        **run_data(run),
        "step": line.id if line else None,
        "part": line.part if line else None,
        "step_began": line.began if line else None,
        "step_seconds": line.seconds if line else None,
        "elapsed": max(0, int((now - from_rfc3339(run.started)).total_seconds())),
        "held": hold_of(run, line) or None,
        "error": str(run.errors[-1].data.get("brief", "")) if run.errors else None,
        "died": died,
        "next": what_next(run, died=died),
    }


def _due(standing: Standing, now: datetime, going: Run | None, undone: frozenset[str] | None) -> Iterator[str]:
    """What is to be done about groups and machines, a sentence each. `undone` None: the record could not be read."""
    observed = standing.observed
    if observed is None:
        return
    over = due(observed, now, undone or frozenset())
    for group in over:
        why = "is kept no longer" if group.keep_until else f"is left of {group.run}, which was undone"
        yield f"{group.name} {why}: `phoenix tend` burns it"
    if not standing.known:
        names = ", ".join(group.name for group in observed.groups)
        yield f"phoenix.yaml no longer has this service: `phoenix group delete` burns what is left of it ({names})"
    elif going is None and undone is not None:  # else it may be a run's
        yield from (_unlimited(g.name) for g in idle(observed) if g.keep_until is None and g not in over)
    for backend in observed.route.backends:
        if backend.share:
            group_there = observed.group(backend.group)
            yield from unwell(backend.group, group_there.size if group_there else None, backend.healthy)


def _unlimited(name: str) -> str:
    return f"{name} gets no traffic and has no time limit: `phoenix group delete {name}` burns it"


def unwell(name: str, size: int | None, healthy: int) -> Iterator[str]:
    """What is wrong with a group that serves. `size` None: it no longer stands."""
    if size is None:
        yield f"{name} gets traffic but no longer stands: `phoenix roll` starts another"
    elif healthy < size:
        yield f"{name} serves with {healthy} of {size} machines healthy: see `phoenix group show {name}`"


def standing_text(look: dict[str, Any]) -> str:
    """What `standing_data` says, for people."""
    head = f"{look['service']}/{look['environment']} on {look['cloud']}"
    lines = [f"{head}: unknown"]
    if look["address"] is not None:
        lines = [f"{head} at {look['address']}: {look['stable'] or 'nothing'} serves"]
    lines += [f"  {line}" for line in (look["error"] or "").splitlines()]
    if look["run"]:
        lines += _run_lines(look["run"])
    if look["groups"]:
        lines.append(str(_groups_table(look["groups"])))
    return "\n".join([*lines, *_dead(look["groups"])])


def _due_run(run: Run | None, *, died: bool) -> Iterator[str]:
    if run is None:
        return
    if run.state is RunState.STUCK:
        yield f"{run.id} is stuck: {what_next(run, died=died)}"
    elif died:
        yield f"{run.id} has no process any more: `phoenix tend` undoes or finishes it"


def _run_lines(run: dict[str, Any]) -> Iterator[str]:
    yield f"run {run['id']}: {run['state']} since {run['started']} by {run['who']} on {run['host']}" + (
        f": {run['why']}" if run["why"] else ""
    )
    if run["held"]:
        yield f"  held since {run['step_began']} ({lasted(run['step_seconds'])}): {run['held']}"
    elif run["state"] == RunState.STUCK and run["error"]:
        yield f"  {run['error']}"
    elif run["step"]:
        at = f"{run['step']} since {run['step_began']} ({lasted(run['step_seconds'])})"
        yield f"  at {at}; {lasted(run['elapsed'])} in all"
    yield f"  {run['next']}"


def _groups_table(groups: list[dict[str, Any]]) -> object:
    rows = [
        (
            group["name"],
            f"{group['share']}%",
            f"{group['healthy']}/{group['size']}",
            "-" if group["sessions"] is None else group["sessions"],
            group["image"] or "-",
            " ".join(f"{name}={version}" for name, version in group["packages"].items()) or "-",
            ", ".join(sorted({i["engine"] for i in group["instances"]})) or "-",
            _kept(group),
        )
        for group in groups
    ]
    return table("group", "share", "healthy", "requests", "image", "packages", "engine", "kept until", rows=rows)


def _kept(group: dict[str, Any]) -> str:
    if group["keep_until"] is None:
        return "-"
    left = group["keep_left"]
    return f"{group['keep_until']} ({lasted(left)} left)" if left > 0 else f"{group['keep_until']} (over)"


def _dead(groups: list[dict[str, Any]]) -> Iterator[str]:
    """The machines that are dead, or whose boot or service failed, with the reason."""
    ill = [i for g in groups for i in g["instances"] if i["state"] == "dead" or i["boot"] == "failed"]
    for instance in ill[:SHOWN]:
        state = f"{instance['state']}, boot {instance['boot']}"
        yield f"{instance['id']}: {state}: {instance['detail'] or 'no reason told'}"
    if len(ill) > SHOWN:
        yield f"and {len(ill) - SHOWN} more dead machines: see `phoenix group show`"
