"""Giving up old versions of packages: never one that somebody needs, and each with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.debs import Deb, Need, RepositoryState, State
from phoenix.errors import SpecError
from phoenix.execute import publication, states
from phoenix.execute.repositories import LOCK_DEADLINE, Writer
from phoenix.orders import needed
from phoenix.orders.planned import Planned
from phoenix.orders.publish import change
from phoenix.orders.repositories import pick
from phoenix.orders.site import Site
from phoenix.plan import retention
from phoenix.plan.actions import DropStates, Plan, PublishAction
from phoenix.plan.retention import Judged, Shelf

RETIRE = "retire"
"""The kind of a run that gives versions up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneOrder:
    """Give up what is not among the newest `keep` versions (None: as phoenix.yaml says) and not needed."""

    repository: str | None = None
    keep: int | None = None
    why: str = ""
    wait: float = LOCK_DEADLINE


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionFacts:
    """A version of a package, and why it stays or goes."""

    name: str
    version: str
    architecture: str
    sha256: str
    stays: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneResult:
    """Every version with its verdict, and the states that went with those that go. `run`: None where nothing did."""

    changed: bool
    repository: str
    run: str | None
    why: str
    versions: tuple[VersionFacts, ...]
    retired: tuple[str, ...]


def plan(site: Site, order: PruneOrder) -> tuple[Planned[PruneOrder], PruneResult]:
    """What would go now, what would stay, and why; changes nothing."""
    writer, keep = _meant(site, order)
    seen: list[tuple[Judged, ...]] = []
    needs = needed.of(site, writer.spec.name)
    decided = publication.preview(writer, lambda state: _decide(writer, state, keep, needs, order.why, seen))
    return Planned(order=order, plan=decided), _result(writer, decided, seen[-1], run=None)


def prune(site: Site, order: PruneOrder) -> PruneResult:
    """Give up what goes. CloudError where somebody who may need a package cannot be asked: unknown is not no."""
    writer, keep = _meant(site, order)
    seen: list[tuple[Judged, ...]] = []

    def decide(state: RepositoryState) -> Plan[PublishAction]:
        return _decide(writer, state, keep, needed.of(site, writer.spec.name), order.why, seen)

    doing = change(site, writer.spec.name, why=order.why, wait=order.wait, kind=RETIRE)
    done = publication.carry_out(writer, decide, doing)
    return _result(writer, done.plan, seen[-1], run=done.run.id if done.run else None)


def _meant(site: Site, order: PruneOrder) -> tuple[Writer, int]:
    spec = pick(site.project, order.repository)
    keep = spec.keep if order.keep is None else order.keep
    if keep < 1:
        raise SpecError(f"--keep {keep} keeps nothing", details="", resolution="Keep one version at least.")
    return site.writers[spec.name], keep


def _decide(
    writer: Writer,
    state: RepositoryState,
    keep: int,
    needs: tuple[Need, ...],
    why: str,
    seen: list[tuple[Judged, ...]],
) -> Plan[PublishAction]:
    standing = tuple(each for each in states.states(writer) if not each.retired)
    shelf = Shelf(state=state, states=standing, held={each.name: _held(writer, each) for each in standing})
    judged = retention.judge(shelf, keep, needs)
    seen.append(judged)
    return retention.retire(writer.spec, shelf, judged, why=why)


def _held(writer: Writer, state: State) -> tuple[Deb, ...]:
    return states.contents(writer, state)


def _result(
    writer: Writer, decided: Plan[PublishAction], judged: tuple[Judged, ...], *, run: str | None
) -> PruneResult:
    return PruneResult(
        changed=run is not None,
        repository=writer.spec.name,
        run=run,
        why=decided.why,
        versions=tuple(
            VersionFacts(
                name=each.deb.name,
                version=each.deb.version,
                architecture=each.deb.architecture,
                sha256=each.deb.sha256,
                stays=each.stays,
                why=each.why,
            )
            for each in judged
        ),
        retired=tuple(
            name for step in decided.cleanup if isinstance(step.action, DropStates) for name in step.action.snapshots
        ),
    )
