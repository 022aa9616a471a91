"""Putting a project down: its machines, balancers and repository servers on this computer end; images stay."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.errors import RefusedError
from phoenix.execute.claims import abandon_by_force
from phoenix.execute.ownership import describe
from phoenix.execute.repositories import server_of, stop_serving
from phoenix.names import Noun
from phoenix.orders import kinds
from phoenix.orders.here import is_here
from phoenix.orders.site import Site
from phoenix.record.journal import Run, RunState

_STANDS = {RunState.HELD: "is held", RunState.STUCK: "is stuck and waits for a human"}
_GOES_ON = "is going on"


@dataclass(frozen=True, kw_only=True, slots=True)
class DownResult:
    """What was stopped, in words."""

    stopped: tuple[str, ...]


def plan(site: Site) -> tuple[str, ...]:
    """What would be stopped, in words."""
    found: list[str] = []
    for cloud in site.project.clouds:
        found += site.cloud(cloud).running()
    for name, spec in site.project.repositories.items():
        if server_of(spec) is not None:
            found.append(f"the server of the repository {name}")
    return (*found, *(f"the run {run.id} ({run.state})" for run in _runs_here(site)))


def down(site: Site, *, force: bool = False) -> DownResult:
    """Stop it all. RefusedError while a run goes on or waits for somebody; `force` gives it up first."""
    runs = _runs_here(site)
    if runs and not force:
        raise RefusedError(
            f"a run of this project {_STANDS.get(runs[0].state, _GOES_ON)}",
            details="\n".join(map(describe, runs)),
            resolution=f"Wait for it, or `phoenix abort {runs[0].id}` first; `phoenix down --force` gives it up.",
        )
    stopped = plan(site)
    for run in runs:
        abandon_by_force(site.store, site.clock, run.subject, "phoenix down --force", site.say)
    for cloud in site.project.clouds:
        site.cloud(cloud).stop()
    for spec in site.project.repositories.values():
        stop_serving(spec)
    return DownResult(stopped=stopped)


def _runs_here(site: Site) -> list[Run]:
    """The runs that have not ended and need what would be stopped: of this computer's clouds, and publications."""
    found = [run for run in site.history.live() if not run.state.ended and is_here(site, run)]
    return [run for run in found if _needs_this_computer(site, run)]


def _needs_this_computer(site: Site, run: Run) -> bool:
    if run.about.noun is Noun.STACK:  # Terraform works elsewhere: ended in the midst of it, it leaves half of a change
        return False
    try:
        cloud = kinds.of(run).cloud(site, run)
    except RefusedError:  # phoenix.yaml no longer says where it is: unknown is not no
        return True
    return cloud is None or cloud not in site.project.clouds or site.cloud(cloud).abilities.here_only
