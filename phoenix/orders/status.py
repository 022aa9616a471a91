"""How every place stands: what serves, what runs, what is due. A cloud is asked once; one that fails hides no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from phoenix import observe
from phoenix.clock import from_rfc3339, rfc3339
from phoenix.errors import CloudError, PhoenixError, SpecError
from phoenix.model import Group, Observed
from phoenix.orders import places, renewals
from phoenix.orders.advice import has_died, what_next
from phoenix.orders.facts import RunFacts, dump, head
from phoenix.orders.group_facts import GroupFacts, group_facts
from phoenix.orders.places import Place, forgotten_among
from phoenix.orders.renewals import Setback
from phoenix.orders.site import Site
from phoenix.orders.tend import undone_among
from phoenix.plan.due import due, idle
from phoenix.record.journal import Run, RunState
from phoenix.record.last_times import last_times
from phoenix.record.timeline import current, hold_of
from phoenix.units import write_duration

OFTEN = 3
"""So many restarts of a service that serves are told unasked."""
Listed = tuple[Group, ...] | PhoenixError


@dataclass(frozen=True, kw_only=True, slots=True)
class RunNow(RunFacts):
    """A going run with the step it is at, since when, why it is held if it is, and what to do."""

    step: str | None
    part: str | None
    step_began: str | None
    step_seconds: int | None
    step_last_time: int | None
    """How many seconds that step took in the last such run that was done; None where there is none."""
    elapsed: int
    held: str | None
    error: str | None
    died: bool
    next: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """One place. What could not be seen is None or empty, with `error` saying why. `known`: phoenix.yaml has it."""

    service: str
    environment: str
    cloud: str
    known: bool
    address: str | None
    stable: str | None
    groups: tuple[GroupFacts, ...]
    run: RunNow | None
    due: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusResult:
    """Every place that was asked for. `unseen`: what could not be asked, a sentence each; empty: this is all.

    `strays`: machines that somebody took out of a group and that run on, a sentence each, where all was asked for.
    """

    services: tuple[ServiceStatus, ...]
    unseen: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def refuse_unseen(found: StatusResult) -> None:
    """CloudError, with all that was seen as its facts, where something could not be asked."""
    if found.unseen:
        raise CloudError(
            "not everything could be asked",
            details="\n".join(found.unseen),
            resolution="What could be seen is shown; of the rest nobody knows how it stands. Ask again.",
            facts=dump(found),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One place: what was seen there, or why it could not be."""

    place: Place
    observed: Observed | None
    """Groups and routes; what only the record knows is left out."""
    error: PhoenixError | None
    known: bool = True
    """Whether phoenix.yaml still has it."""


def status(site: Site, service: str | None = None, environment: str | None = None) -> StatusResult:
    """How the places stand; with `service` or `environment` only those. Reads only; what is due is told as well.

    What could not be asked hides nothing else: it is told in `unseen` (`refuse_unseen` makes an error of it).
    """
    whole = everything(site, service, environment)
    found = tuple(service_status(site, each) for each in whole.seen)
    for each in found:
        for warning in each.due:
            site.warn(warning)
    of_places = (
        f"{each.service}/{each.environment}: {'; '.join(each.error.splitlines())}" for each in found if each.error
    )
    strays = _strays(site, whole) if service is None and environment is None else ()
    for stray in strays:
        site.warn(stray)
    of_clouds = (f"{cloud}: {'; '.join(str(error).splitlines())}" for cloud, error in whole.unlisted)
    return StatusResult(services=found, unseen=(*of_places, *of_clouds), strays=strays)


def _strays(site: Site, whole: Everything) -> tuple[str, ...]:
    """The machines that somebody took out of their groups, a sentence each.

    Where these may not be looked for, as by an older policy, that is said: all that serves was seen.
    """
    told: list[str] = []
    for cloud, groups in whole.listed.items():
        try:
            found = () if isinstance(groups, PhoenixError) else site.cloud(cloud).groups.strays(groups)
        except PhoenixError as error:
            site.warn(f"{cloud}: machines outside of groups could not be looked for: {error.brief}")
            continue
        told += [
            f"{each.id} on {cloud} was taken out of {each.group} by hand and is {each.state} ({each.zone}): "
            "no group manages it; terminate it in the cloud if it is not needed"
            for each in found
        ]
    return tuple(told)


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """What was seen, place by place; `unlisted`: clouds without a place among these whose groups nobody could list."""

    seen: tuple[Seen, ...]
    unlisted: tuple[tuple[str, PhoenixError], ...]
    listed: Mapping[str, Listed]
    """The groups of every cloud that was asked, or why they could not be listed."""

    @property
    def errors(self) -> tuple[tuple[str, PhoenixError], ...]:
        """What was not seen, and why."""
        return (*((each.place.subject, each.error) for each in self.seen if each.error), *self.unlisted)


def everything(site: Site, service: str | None = None, environment: str | None = None) -> Everything:
    """Every service in every environment; with `service` or `environment` only those.

    Without them also what services left behind that phoenix.yaml no longer has, on every cloud where `tend` looks.
    SpecError for unknown names.
    """
    project = site.project
    wanted = [project.service(service).name] if service else list(project.services)
    mine = [place for place in places.known(site) if place.service.name in wanted]
    chosen = [place for place in mine if environment in (None, place.environment.name)]
    if environment and not chosen and wanted:
        project.environment(project.service(wanted[0]), environment)  # names those there are
    whole = service is None and environment is None
    clouds = [place.cloud for place in chosen] + list(site.project.clouds if whole else ())
    listed = {name: _list(site, name) for name in dict.fromkeys(clouds)}
    found = [_look(site, place, listed[place.cloud], known=True) for place in chosen]
    for cloud, groups in listed.items() if whole else ():
        if not isinstance(groups, PhoenixError):
            found += [_look(site, place, groups, known=False) for place in forgotten_among(site, cloud, groups)]
    used = {place.cloud for place in chosen}
    failed = ((name, groups) for name, groups in listed.items() if isinstance(groups, PhoenixError))
    unlisted = tuple(each for each in failed if each[0] not in used)
    return Everything(seen=tuple(found), unlisted=unlisted, listed=listed)


def place_of_group(site: Site, name: str) -> Seen:
    """Where the group stands, or still gets traffic. SpecError where it does not; else what kept it from being seen."""
    whole = everything(site)
    seen = whole.seen
    stands = [each for each in seen if each.observed and each.observed.group(name)]
    stands.sort(key=lambda each: not (each.observed and (group := each.observed.group(name)) and group.made))
    routed = (each for each in seen if each.observed and each.observed.route.backend(name))
    found = next(iter(stands), None) or next(routed, None)
    if found is not None:
        return found
    unseen = next((error for _what, error in whole.errors), None)
    if unseen is not None:
        raise unseen
    names = [group.name for each in seen if each.observed for group in each.observed.groups]
    raise SpecError(
        f"there is no group '{name}'",
        details=f"groups: {', '.join(names) or 'none'}",
        resolution="Name one of these.",
    )


def _look(site: Site, place: Place, listed: Listed, *, known: bool) -> Seen:
    try:
        if isinstance(listed, PhoenixError):
            raise listed
        observed = observe.standing(site.cloud(place.cloud), place.name, listed)
    except PhoenixError as error:
        return Seen(place=place, observed=None, error=error, known=known)
    return Seen(place=place, observed=observed, error=None, known=known)


def _list(site: Site, cloud: str) -> Listed:
    try:
        return site.cloud(cloud).groups.list()
    except PhoenixError as error:
        return error


def service_status(site: Site, seen: Seen) -> ServiceStatus:
    """How the place stands. One that could not be seen has `error`; its run is told all the same."""
    now, errors = site.clock.now(), [seen.error] if seen.error else []
    observed, going = seen.observed, None
    undone: frozenset[str] | None = None
    setbacks: Mapping[str, Setback] = {}
    try:
        going = site.history.live_run(seen.place.subject)
        undone = undone_among(site, observed) if observed else None
        setbacks = renewals.setbacks(site, seen.place, observed) if observed else {}
    except PhoenixError as error:  # what serves is shown all the same
        errors.append(error)
    if going is not None and going.state.ended:  # its process died before it was moved to the history
        going = None
    died = going is not None and has_died(going)
    return ServiceStatus(
        service=seen.place.service.name,
        environment=seen.place.environment.name,
        cloud=seen.place.cloud,
        known=seen.known,
        address=observed.route.address if observed else None,
        stable=observed.route.stable if observed else None,
        groups=tuple(group_facts(group, observed.route, now) for group in observed.groups) if observed else (),
        run=_run_now(site, going, now, died=died) if going else None,
        due=(*_due_run(going, died=died), *_due(seen, now, going, undone, setbacks)),
        error="\n".join(map(str, errors)) or None,
    )


def _run_now(site: Site, run: Run, now: datetime, *, died: bool) -> RunNow:
    line = current(run, now)
    return RunNow(
        **head(run),
        step=line.id if line else None,
        part=line.part if line else None,
        step_began=line.began if line else None,
        step_seconds=line.seconds if line else None,
        step_last_time=last_times(site.history, run).get((line.part, line.id)) if line else None,
        elapsed=max(0, int((now - from_rfc3339(run.started)).total_seconds())),
        held=hold_of(run, line) or None,
        error=str(run.errors[-1].data.get("brief", "")) if run.errors else None,
        died=died,
        next=what_next(run, died=died),
    )


def _due(
    seen: Seen, now: datetime, going: Run | None, undone: frozenset[str] | None, setbacks: Mapping[str, Setback]
) -> Iterator[str]:
    """What is to be done about groups and machines, a sentence each. `undone` None: the record could not be read."""
    observed = seen.observed
    if observed is None:
        return
    over = due(observed, now, undone or frozenset())
    for group in over:
        why = "is kept no longer" if group.keep_until else f"is left of {group.run}, which was undone"
        yield f"{group.name} {why}: `phoenix tend` burns it"
    if not seen.known:
        names = ", ".join(group.name for group in observed.groups)
        yield f"phoenix.yaml no longer has this service: `phoenix group delete` burns what is left of it ({names})"
    elif going is None and undone is not None:  # else it may be a run's
        yield from (_unlimited(g) for g in idle(observed) if g.keep_until is None and g not in over)
    for backend in observed.route.backends:
        if backend.share:
            group_there = observed.group(backend.group)
            yield from unwell(backend.group, group_there.size if group_there else None, backend.healthy)
            yield from troubled(group_there)
            yield from dying(group_there)
            yield from snowflakes(group_there, seen.place.environment.touched_for, setbacks.get(backend.group))


def _unlimited(group: Group) -> str:
    words = group.name if group.made else f"{group.name} --adopt"
    return f"{group.name} gets no traffic and has no time limit: `phoenix group delete {words}` burns it"


def unwell(name: str, size: int | None, healthy: int) -> Iterator[str]:
    """What is wrong with a group that serves. `size` None: it no longer stands."""
    if size is None:
        yield f"{name} gets traffic but no longer stands: `phoenix roll` starts another"
    elif healthy < size:
        yield f"{name} serves with {healthy} of {size} machines healthy: see `phoenix group show {name}`"


def troubled(group: Group | None) -> Iterator[str]:
    """What keeps a group that serves from starting machines."""
    if group and group.trouble:
        yield f"{group.name} can start no machines: {group.trouble}"


def dying(group: Group | None) -> Iterator[str]:
    """What is to be said of a group that serves and whose services end again and again."""
    again = {each.id: each.restarts for each in (group.staying if group else ()) if each.restarts}
    if group and max(again.values(), default=0) >= OFTEN:
        told = ", ".join(f"{times} times on {name}" for name, times in again.items())
        yield f"the service of {group.name} ended and was started again ({told}): see `phoenix logs`"


def snowflakes(group: Group | None, touched_for: float | None, setback: Setback | None = None) -> Iterator[str]:
    """What is to be said of machines that serve and that somebody was inside of; `touched_for` is the environment's."""
    then = "the next roll replaces it"
    if touched_for is not None:
        then += f", or `phoenix tend` {write_duration(touched_for)} after that"
    if setback is not None:
        times = "the last try" if setback.failures == 1 else f"{setback.failures} tries in a row"
        then += f"; {times} failed (`phoenix run show {setback.run}`), the next is not before {rfc3339(setback.until)}"
    for each in group.staying if group else ():
        if each.inside:
            yield f"{each.id} is a snowflake: somebody is inside of it now ({each.touched}); the next roll replaces it"
        elif each.touched:
            yield f"{each.id} is a snowflake: {each.touched} was inside of it; {then}"


def _due_run(run: Run | None, *, died: bool) -> Iterator[str]:
    if run is None:
        return
    if run.state is RunState.STUCK:
        yield f"{run.id} is stuck: {what_next(run, died=died)}"
    elif died:
        yield f"{run.id} has no process any more: `phoenix tend` undoes or finishes it"
