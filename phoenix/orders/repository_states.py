"""The history of a repository: what each state holds, how two differ, and going back to one."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.debs import Deb, Need, RepositoryState, State
from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.execute import publication, states
from phoenix.execute.repositories import LOCK_DEADLINE, Writer
from phoenix.orders import needed
from phoenix.orders.planned import Planned
from phoenix.orders.publish import change
from phoenix.orders.repositories import pick
from phoenix.orders.site import Site
from phoenix.plan import states as plans
from phoenix.plan.actions import Plan
from phoenix.plan.publish_actions import PublishAction, TakeSnapshot
from phoenix.record.origin import VARIABLES, Origin

RESTORE = "restore"
"""The kind of a run that goes back to a state."""
READ_DEADLINE = 60.0
"""Seconds to wait for whoever changes the repository before its history is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFacts:
    """A state of a repository. `shown`: machines see it now. `retired`: when its packages were given up.

    `origin`: the build and the commit that it was made for.
    """

    name: str
    at: str
    who: str | None
    host: str | None
    run: str | None
    what: str
    why: str
    of: str | None
    shown: bool
    retired: str | None
    origin: Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryHistory:
    """The states of a repository, newest first."""

    repository: str
    states: tuple[StateFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatePackage:
    """A package of a state."""

    name: str
    version: str
    architecture: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StateDifference:
    """What the state `b` has that `a` has not, and the other way round; `replaced`: the same version, other bytes."""

    repository: str
    a: str
    b: str
    added: tuple[StatePackage, ...]
    removed: tuple[StatePackage, ...]
    replaced: tuple[StatePackage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreOrder:
    """Make machines see a former state. `to`: its name or number; None: the one before."""

    repository: str | None = None
    to: str | None = None
    force: bool = False
    """Also where somebody needs what machines would no longer see."""
    why: str = ""
    wait: float = LOCK_DEADLINE


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreResult:
    """The state that machines see now, and the former one whose packages it has. `run`: None where nothing was done."""

    changed: bool
    repository: str
    run: str | None
    why: str
    state: str | None
    of: str | None


def history(site: Site, name: str | None = None) -> RepositoryHistory:
    """Every state of the repository. Waits for whoever changes it just now."""
    writer = site.writers[pick(site.project, name).name]
    with writer.held(deadline=READ_DEADLINE):
        shown = writer.state(bucket=False).published
        found = tuple(_facts(state, shown) for state in reversed(states.states(writer)))
    return RepositoryHistory(repository=writer.spec.name, states=found)


def diff(site: Site, a: str, b: str, name: str | None = None) -> StateDifference:
    """How the packages of two states differ. SpecError for a state that there never was."""
    writer = site.writers[pick(site.project, name).name]
    with writer.held(deadline=READ_DEADLINE):
        every = states.states(writer)
        first, second = (plans.pick(writer.spec, every, each) for each in (a, b))
        one, other = (states.contents(writer, each) for each in (first, second))
    both = {(deb.name, deb.version, deb.architecture) for deb in one}
    fresh = [deb for deb in other if deb not in one]
    still = {(deb.name, deb.version, deb.architecture) for deb in other}
    return StateDifference(
        repository=writer.spec.name,
        a=first.name,
        b=second.name,
        added=tuple(_package(d) for d in fresh if (d.name, d.version, d.architecture) not in both),
        removed=tuple(_package(d) for d in one if (d.name, d.version, d.architecture) not in still),
        replaced=tuple(_package(d) for d in fresh if (d.name, d.version, d.architecture) in both),
    )


def plan_rollback(site: Site, order: RestoreOrder) -> Planned[RestoreOrder]:
    """What a rollback would do now; changes nothing. RefusedError where it would be refused."""
    _refuse_unexplained(order)
    writer = site.writers[pick(site.project, order.repository).name]
    return Planned(order=order, plan=publication.preview(writer, lambda state: _decide(site, writer, order, state)))


def rollback(site: Site, order: RestoreOrder) -> RestoreResult:
    """Make machines see the former state's packages, as a new state, in one switch.

    RefusedError where there is none, or where somebody needs what they would no longer see (unless `force`).
    """
    _refuse_unexplained(order)
    writer = site.writers[pick(site.project, order.repository).name]
    doing = change(site, writer.spec.name, why=order.why, wait=order.wait, kind=RESTORE)
    done = publication.carry_out(writer, lambda state: _decide(site, writer, order, state), doing)
    taken = [step.action for step in done.plan.steps if isinstance(step.action, TakeSnapshot)]
    return RestoreResult(
        changed=done.run is not None,
        repository=writer.spec.name,
        run=done.run.id if done.run else None,
        why=done.plan.why,
        state=taken[-1].snapshot if taken else None,
        of=taken[-1].of if taken else None,
    )


def _decide(site: Site, writer: Writer, order: RestoreOrder, state: RepositoryState) -> Plan[PublishAction]:
    published = plans.published_state(writer.spec, state)
    every = states.states(writer)
    if order.to is not None:
        target = plans.pick(writer.spec, every, order.to)
    else:
        standing = tuple(each for each in every if not each.retired)
        target = plans.way_back(standing, published) or _nothing_before(published)
    return plans.rollback(
        writer.spec,
        state,
        target,
        contents=states.contents(writer, target),
        needs=_needs(site, writer.spec.name, force=order.force),
        why=order.why,
        force=order.force,
    )


def _needs(site: Site, repository: str, *, force: bool) -> tuple[Need, ...]:
    """Who needs what of it. A cloud that gives no answer stops nobody who goes back with force and a reason."""
    try:
        return needed.of(site, repository)
    except PhoenixError as error:
        if not force:
            raise
        site.warn(f"who needs what is taken away could not be asked: {error.brief}")
        return ()


def _nothing_before(published: str) -> State:
    raise RefusedError(
        f"there is no state before {published}",
        details="nothing else was ever published, or what was is retired",
        resolution="See `phoenix repository history`; `--to STATE` names one.",
    )


def _refuse_unexplained(order: RestoreOrder) -> None:
    if order.force and not order.why:
        raise SpecError(
            "--force needs a reason",
            details="machines that need what is taken away will not start",
            resolution="Say `--why TEXT`; it stands in the repository's history.",
        )


def _facts(state: State, shown: str | None) -> StateFacts:
    return StateFacts(
        name=state.name,
        at=state.at,
        who=state.who or None,
        host=state.host or None,
        run=state.run or None,
        what=state.what or ("nothing yet" if state.number == 0 else ""),
        why=state.why,
        of=state.of or None,
        shown=state.name == shown,
        retired=state.retired or None,
        origin=Origin(**{name: getattr(state, name) for name in VARIABLES}),
    )


def _package(deb: Deb) -> StatePackage:
    return StatePackage(name=deb.name, version=deb.version, architecture=deb.architecture, sha256=deb.sha256)
