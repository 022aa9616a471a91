"""What serves a place after a run, and the way back from it: what a person wants to know last."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.clock import rfc3339
from phoenix.errors import PhoenixError
from phoenix.model import Observed
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.record.journal import Run, What


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """The group that serves, and the one that stands by. What nobody can tell is None."""

    group: str
    share: int
    address: str
    healthy: int
    size: int | None
    others: dict[str, int]
    """Groups that serve beside it, with their shares."""
    cut: int | None
    """Requests that the run cut when the time to drain was over; None where the cloud itself drains."""
    former: str | None
    """The group that served before it."""
    kept: str | None
    """The same, while it stands and can serve again at once."""
    kept_until: str | None
    kept_left: int | None
    """Seconds."""
    rollback: str
    """The command that goes back."""


def serving(site: Site, place: Place, run: Run | None) -> Serving | None:
    """What serves now; None where nothing does. A silent balancer is only told: the run has ended all the same."""
    try:
        observed = site.observed(place)
    except PhoenixError as error:
        site.warn(f"the run has ended; what serves now could not be asked: {error.brief}")
        return None
    stable = observed.route.stable
    backend = observed.route.backend(stable) if stable else None
    if backend is None:
        return None
    group = observed.group(backend.group)
    kept = observed.group(observed.former) if observed.former else None
    until = kept.keep_until if kept else None
    alone = len(place.service.environments) == 1
    return Serving(
        group=backend.group,
        share=backend.share,
        address=observed.route.address,
        healthy=backend.healthy,
        size=group.size if group else None,
        others={name: share for name, share in observed.route.shares if name != backend.group},
        cut=_cut(observed, run),
        former=observed.former,
        kept=kept.name if kept and until else None,
        kept_until=rfc3339(until) if until else None,
        kept_left=max(0, int((until - site.clock.now()).total_seconds())) if until else None,
        rollback=f"phoenix rollback {place.service.name}{'' if alone else f' -e {place.environment.name}'}",
    )


def _cut(observed: Observed, run: Run | None) -> int | None:
    """What the run's drains left, by its journal."""
    if run is None or any(backend.requests is None for backend in observed.route.backends):
        return None
    left = (event.data.get("left") for event in run.events if event.what is What.OUTCOME)
    return sum(count for count in left if isinstance(count, int))
