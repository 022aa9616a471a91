"""Giving up old versions of packages: never one that somebody needs, and each with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.debs import Need, RepositoryState
from phoenix.errors import SpecError
from phoenix.execute import publication, states
from phoenix.execute.repositories import LOCK_DEADLINE, Writer
from phoenix.orders import needed
from phoenix.orders.planned import Planned
from phoenix.orders.publish import change
from phoenix.orders.repositories import pick
from phoenix.orders.site import Site
from phoenix.plan import retention
from phoenix.plan.actions import Plan
from phoenix.plan.publish_actions import DropStates, PublishAction
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
    looked = _Look(writer=writer, keep=keep, needs=needed.of(site, writer.spec.name), why=order.why)
    decided = publication.preview(writer, looked.decide)
    return Planned(order=order, plan=decided), looked.result(decided, run=None)


def prune(site: Site, order: PruneOrder) -> PruneResult:
    """Give up what goes. CloudError where somebody who may need a package cannot be asked: unknown is not no."""
    writer, keep = _meant(site, order)
    with writer.held(deadline=order.wait):  # who needs what is asked while nobody else can change it
        looked = _Look(writer=writer, keep=keep, needs=needed.of(site, writer.spec.name), why=order.why)
        doing = change(site, writer.spec.name, why=order.why, wait=order.wait, kind=RETIRE)
        done = publication.carry_out(writer, looked.decide, doing)
    return looked.result(done.plan, run=done.run.id if done.run else None)


def _meant(site: Site, order: PruneOrder) -> tuple[Writer, int]:
    spec = pick(site.project, order.repository)
    keep = spec.keep if order.keep is None else order.keep
    if keep < 1:
        raise SpecError(f"--keep {keep} keeps nothing", details="", resolution="Keep one version at least.")
    return site.writers[spec.name], keep


class _Look:
    """One look at a repository's versions: the plan that it came to, and the verdicts that led there."""

    def __init__(self, *, writer: Writer, keep: int, needs: tuple[Need, ...], why: str) -> None:
        self._writer = writer
        self._keep = keep
        self._needs = needs
        self._why = why
        self._judged: tuple[Judged, ...] = ()

    def decide(self, state: RepositoryState) -> Plan[PublishAction]:
        """The plan for that state."""
        writer = self._writer
        standing = tuple(each for each in states.states(writer) if not each.retired)
        held = {each.name: states.contents(writer, each) for each in standing}
        shelf = Shelf(state=state, states=standing, held=held)
        self._judged = retention.judge(shelf, self._keep, self._needs)
        return retention.retire(writer.spec, shelf, self._judged, why=self._why)

    def result(self, decided: Plan[PublishAction], *, run: str | None) -> PruneResult:
        """What was decided, for whoever asked."""
        return PruneResult(
            changed=run is not None,
            repository=self._writer.spec.name,
            run=run,
            why=decided.why,
            versions=tuple(map(_version, self._judged)),
            retired=tuple(
                name
                for step in decided.cleanup
                if isinstance(step.action, DropStates)
                for name in step.action.snapshots
            ),
        )


def _version(judged: Judged) -> VersionFacts:
    return VersionFacts(
        name=judged.deb.name,
        version=judged.deb.version,
        architecture=judged.deb.architecture,
        sha256=judged.deb.sha256,
        stays=judged.stays,
        why=judged.why,
    )
