"""What is due, done: runs whose process died, groups that are kept no longer, what bakes left, a dead balancer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from phoenix import model
from phoenix.clouds.api import Say
from phoenix.errors import CloudError, HeldError, LostRunError, PhoenixError
from phoenix.execute.claims import claim_dead
from phoenix.model import Group, Observed
from phoenix.orders import here, kinds, places, renewals, runs
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan import due as dues
from phoenix.plan.rollback import burn, give_back
from phoenix.record.journal import Run, RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class Tended:
    """What one round did, in sentences."""

    did: tuple[str, ...]


def tend(site: Site) -> Tended:
    """One round over every place (of phoenix.yaml, or with groups that stand), every other run and every cloud.

    A trouble with one keeps no other from being tended: the first is raised at the end, with what was done as its
    facts; the others are told.
    """
    did: list[str] = []
    troubles: list[PhoenixError] = []
    for task in _tasks(site, troubles):
        try:
            did += task()
        except LostRunError:
            continue  # somebody else tends it
        except PhoenixError as error:
            troubles.append(error)
    for each in did:
        site.say(each)
    first, *others = {str(trouble): trouble for trouble in troubles}.values() or [None]
    for other in others:
        site.warn(str(other))
    if first is not None:
        first.know({"did": did})
        raise first
    return Tended(did=tuple(did))


def _tasks(site: Site, troubles: list[PhoenixError]) -> list[Callable[[], list[str]]]:
    """What a round looks after, each by itself. No run of this process is going on: one under its name was given up."""
    found = list(places.known(site))
    try:
        found += places.forgotten(site)  # what phoenix.yaml no longer has and left behind
    except PhoenixError as error:
        troubles.append(error)
    subjects = {place.subject for place in found}
    tasks: list[Callable[[], list[str]]] = [partial(_tend_place, site, place) for place in found]
    tasks += [
        partial(tend_run, site, run.subject, resume=False, idle=True)
        for run in site.history.live(troubles.append)
        if run.subject not in subjects
    ]
    return [*tasks, *(partial(task, site, name) for name in site.project.clouds for task in (_sweep, _tidy))]


def _tend_place(site: Site, place: Place) -> list[str]:
    """Do what is due for one place; what was done."""
    return [*revive(site, place, idle=True), *burn_due(site, place), *renewals.renew(site, place)]


def _sweep(site: Site, cloud: str) -> list[str]:
    """Remove what bakes and machines that died have left on one cloud."""
    door = site.cloud(cloud)
    return [f"removed {left}" for left in (*door.images.sweep(), *door.groups.sweep())]


def _tidy(site: Site, cloud: str) -> list[str]:
    """End the balancers of services that never served, or that phoenix.yaml no longer has, where no group is left."""
    return [f"ended {each}" for each in site.cloud(cloud).tidy(_needed(site, cloud))]


def _needed(site: Site, cloud: str) -> frozenset[model.Place]:
    """The places that served once, have a group or a run: their balancers stay."""
    named = [(group.service, group.environment) for group in site.cloud(cloud).groups.list()]
    named += [(run.about.parts[0], run.about.parts[-1]) for run in site.history.live()]
    served = [each.name for each in places.known(site) if site.history.served(each.name.service, each.name.environment)]
    return frozenset((*served, *(model.Place(service=service, environment=where) for service, where in named)))


def make_way(site: Site, place: Place, *, burns: bool = False) -> None:
    """What every order does first for its own place: take over a run whose process died; with `burns` what is due.

    An old group that will not go does not keep the order away: that is told.
    """
    for done in revive(site, place):
        site.say(done)
    try:
        for done in burn_due(site, place) if burns else ():
            site.say(done)
    except CloudError as error:
        site.warn(str(error))


def revive(site: Site, place: Place, *, idle: bool = False) -> list[str]:
    """Start a balancer that died and take over a run whose process died; nothing is burnt. What was done."""
    if place.cloud not in site.project.clouds:
        return []
    did = list(site.cloud(place.cloud).mend(place.name))
    return did + tend_run(site, place.subject, resume=place.service.orphan == "resume", idle=idle)


def tend_run(site: Site, subject: str, *, resume: bool, idle: bool = False, say: Say | None = None) -> list[str]:
    """Take over the run of `subject` if its process has died; what came of it.

    `idle`: this process works on no run, so one of its own was given up by it. `say` hears that a lease is watched;
    the site's own unless given.
    """
    run = site.history.live_run(subject)
    if run is None or run.state is RunState.HELD:
        return []
    if run.state is RunState.STUCK:
        return [f"{run.id} is stuck and waits for a human: `phoenix abort {run.id}` tries its way back again"]
    if not here.is_here(site, run):
        return [f"{run.id} ({subject}) is left to {run.owner.host}: its machines are there"]
    owned = claim_dead(site.store, site.clock, run.subject, say or site.say, idle=idle)
    if owned is None:
        return []
    try:
        kinds.of(owned.run).walk(site, owned, abort=None if resume else "its process had died")
    except HeldError:
        return [f"went on with {owned.run.id} ({subject}), whose process had died: it is held now"]
    except PhoenixError as error:
        if owned.run.state is RunState.UNDONE:
            return [f"undid {owned.run.id} ({subject}), whose process had died"]
        if owned.run.state is RunState.FAILED:
            return [f"ended {owned.run.id} ({subject}), whose process had died; what it did stands"]
        raise error
    return [f"finished {owned.run.id} ({subject}), whose process had died"]


def due_groups(site: Site, observed: Observed) -> tuple[Group, ...]:
    """The groups that are to be burnt now (`plan.due`), by the clock and the record."""
    return dues.due(observed, site.clock.now(), undone_among(site, observed))


def undone_among(site: Site, observed: Observed) -> frozenset[str]:
    """Which runs that made a group without traffic and without a time limit were undone."""
    named = {group.run for group in dues.idle(observed) if group.run and group.keep_until is None}
    found = [site.history.run(run_id) for run_id in sorted(named)]
    return frozenset(run.id for run in found if run is not None and run.state is RunState.UNDONE)


def burn_due(site: Site, place: Place) -> list[str]:
    """Burn the groups whose time is over; what was burnt. CloudError where one could not be, after the others."""
    if place.cloud not in site.project.clouds or site.history.live_run(place.subject) is not None:
        return []
    did: list[str] = []
    troubles: list[PhoenixError] = []
    observed = site.observed(place)
    pins = dues.overdue_pins(observed, site.clock.now())
    if pins:
        plan = give_back(place.service, place.environment, observed, pins)
        runs.carry_out(site, place, kind="burn", plan=plan)
        did += [f"gave the pin of {group.name} back: it was over" for group in pins]
    for group in due_groups(site, observed):
        try:  # a run for each: one that cannot be burnt does not keep the others
            _burn(site, place, group)
        except CloudError as error:
            troubles.append(error)
        else:
            why = "its time as the kept group was over" if group.keep_until else f"{group.run} was undone without it"
            did.append(f"burnt {group.name}: {why}")
    if troubles:
        raise troubles[0]
    return did


def _burn(site: Site, place: Place, group: Group) -> None:
    """Drain and end the group in a run of its own; CloudError where it still stands afterwards."""
    plan = burn(place.service, place.environment, site.observed(place), (group,))
    run = runs.carry_out(site, place, kind="burn", plan=plan)
    if site.cloud(place.cloud).groups.find(group.name):
        raise not_burnt(group.name, run)


def not_burnt(name: str, run: Run) -> CloudError:
    """The error of a group that still stands after its burning was cleaned up as far as it went."""
    return CloudError(
        f"{name} could not be burnt",
        details=str(run.errors[-1].data.get("brief")) if run.errors else "it still stands",
        resolution=f"See `phoenix run show {run.id}`; `phoenix tend` tries again.",
    )
