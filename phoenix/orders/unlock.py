"""Freeing a service from a run that nobody will end: it is given up as it stands, nothing is undone."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.errors import SpecError
from phoenix.execute.claims import abandon
from phoenix.orders import runs, status
from phoenix.orders.facts import RunFacts, run_facts
from phoenix.orders.runs import RunOrder
from phoenix.orders.site import Site
from phoenix.orders.status import ServiceStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlockResult:
    """The run that was given up, and what it left: how its place stands now, none where phoenix.yaml lost it."""

    run: RunFacts
    services: tuple[ServiceStatus, ...]


def plan(site: Site, order: RunOrder) -> RunFacts:
    """Which run would be given up. The service need not be in phoenix.yaml any more."""
    return run_facts(runs.going(site, order.run, order.environment))


def unlock(site: Site, order: RunOrder) -> UnlockResult:
    """Give up a held, stuck or dead run. RefusedError where a process works on it; SpecError without a reason."""
    refuse_without_reason(order)
    run = runs.going(site, order.run, order.environment)
    given_up = abandon(site.store, site.clock, run.subject, order.why, site.say)
    left = [each for each in status.everything(site).seen if each.place.subject == given_up.subject]
    return UnlockResult(run=run_facts(given_up), services=tuple(status.service_status(site, each) for each in left))


def refuse_without_reason(order: RunOrder) -> None:
    """SpecError where the order does not say why."""
    if not order.why.strip():
        raise SpecError(
            "a service is unlocked for a reason",
            details="--why is missing; the record keeps it for whoever asks next",
            resolution="Say --why TEXT.",
        )
