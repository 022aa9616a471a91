"""Putting a project down: its machines, balancers and repository servers on this computer end; images stay."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.errors import RefusedError
from phoenix.execute.claims import claim_watched
from phoenix.execute.ownership import describe, provably_dead
from phoenix.execute.repositories import server_of, stop_serving
from phoenix.orders.here import is_here
from phoenix.orders.site import Site
from phoenix.record.journal import Run, RunState, What


@dataclass(frozen=True, kw_only=True, slots=True)
class DownResult:
    """What was stopped, in words."""

    stopped: tuple[str, ...]


def plan(site: Site) -> tuple[str, ...]:
    """What would be stopped, in words."""
    found: list[str] = []
    here = [name for name in site.project.clouds if site.cloud(name).abilities.here_only]
    for cloud in here:
        found += [f"group {group.name} ({group.size} machines)" for group in site.cloud(cloud).groups.list()]
    found += [f"the balancer of {name}" for name, balancer in site.balancers() if balancer.is_running()]
    for name, spec in site.project.repositories.items():
        if server_of(spec) is not None:
            found.append(f"the server of the repository {name}")
    return (*found, *(f"the run {run.id} ({run.state})" for run in _runs_here(site)))


def down(site: Site) -> DownResult:
    """Stop it all. RefusedError while a run of this project lives."""
    living = [run for run in _runs_here(site) if _lives(run)]
    if living:
        raise RefusedError(
            "a run of this project is going on",
            details=describe(living[0]),
            resolution=f"Wait for it, or `phoenix abort {living[0].id}` first.",
        )
    stopped = plan(site)
    for cloud in site.project.clouds:
        site.cloud(cloud).stop()
    for spec in site.project.repositories.values():
        stop_serving(spec)
    for run in _runs_here(site):
        _end_run(site, run)
    return DownResult(stopped=stopped)


def _runs_here(site: Site) -> list[Run]:
    """The runs that go on, are held or stuck, and are about this computer's machines."""
    return [run for run in site.history.live() if is_here(site, run)]


def _lives(run: Run) -> bool:
    waits = run.state.ended or run.state in (RunState.HELD, RunState.STUCK)
    return not waits and not provably_dead(run.owner)


def _end_run(site: Site, run: Run) -> None:
    """A run without a process, held or stuck, has nothing left to go back to: it ends with its machines."""
    owned = claim_watched(site.store, site.clock, run.subject, site.say, run_id=run.id)
    if owned is not None:
        owned.end(RunState.UNDONE, owned.event(What.NOTE, data={"text": "ended by `phoenix down`"}))
