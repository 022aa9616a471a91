"""Publishing packages: checked, signed, shown to machines in one switch, read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix import names
from phoenix.debs import RepositoryState
from phoenix.errors import SpecError
from phoenix.execute import publication
from phoenix.execute.publication import Change, Publication
from phoenix.execute.repositories import LOCK_DEADLINE
from phoenix.orders import kinds, needed
from phoenix.orders.planned import Planned, stale
from phoenix.orders.repositories import pick
from phoenix.orders.site import Site
from phoenix.orders.tend import tend_run
from phoenix.plan.actions import Plan
from phoenix.plan.publish import Needs
from phoenix.plan.publish import publish as plan_publication
from phoenix.plan.publish_actions import PackageFile, PublishAction
from phoenix.record.journal import PUBLISH
from phoenix.record.origin import origin_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishOrder:
    """Publish these files. `repository` need not be named where there is one; `wait` seconds for others there."""

    files: tuple[str, ...]
    repository: str | None = None
    wait: float = LOCK_DEADLINE
    why: str = ""
    replace: bool = False
    """Other contents under a version that is published are meant; refused while somebody needs the old ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPackage:
    """A package that was asked to be published."""

    name: str
    version: str
    architecture: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishResult:
    """What machines see now. `run` is None where they saw it before."""

    changed: bool
    repository: str
    run: str | None
    why: str
    packages: tuple[PublishedPackage, ...]


def plan(site: Site, order: PublishOrder) -> Planned[PublishOrder]:
    """What a publication would do now; changes nothing. RefusedError where it would be refused."""
    return Planned(order=order, plan=_preview(site, order, publication.checked(map(Path, order.files))))


def _preview(site: Site, order: PublishOrder, packages: tuple[PackageFile, ...]) -> Plan[PublishAction]:
    name = repository_of(site, order)
    replace = _replace(site, order, name)

    def decide(state: RepositoryState) -> Plan[PublishAction]:
        return plan_publication(site.project.repository(name), packages, state, why=order.why, replace=replace)

    return publication.preview(site.writers[name], decide)


def _replace(site: Site, order: PublishOrder, repository: str) -> Needs | None:
    """Who needs what of the repository, where the order may replace. SpecError for a replacement without a reason."""
    if not order.replace:
        return None
    if not order.why:
        raise SpecError(
            "--replace needs a reason",
            details="other contents under a published version surprise whoever looks for a fault later",
            resolution="Say `--why TEXT`; it stands in the repository's history.",
        )
    return lambda: needed.of(site, repository)


def repository_of(site: Site, order: PublishOrder) -> str:
    """The repository that the order means. SpecError where it leaves that open."""
    return pick(site.project, order.repository).name


def carry_out(site: Site, asked: PublishOrder | Planned[PublishOrder]) -> PublishResult:
    """Publish the files, all or none. A plan that was looked at is refused where it would be another by now.

    RefusedError before anything was changed; the failed step's own error after everything was put back.
    """
    order = asked.order if isinstance(asked, Planned) else asked
    name = repository_of(site, order)
    replace = _replace(site, order, name)
    packages = publication.checked(map(Path, order.files))
    if isinstance(asked, Planned) and asked.plan is not None:
        today = _preview(site, order, packages)
        if today.fingerprint != asked.plan.fingerprint:
            raise stale(asked.plan, "something else was published since it was made")
    done = publish_files(site, name, packages, why=order.why, wait=order.wait, replace=replace)
    return PublishResult(
        changed=done.run is not None,
        repository=name,
        run=done.run.id if done.run else None,
        why=done.plan.why,
        packages=tuple(
            PublishedPackage(name=p.name, version=p.version, architecture=p.architecture, sha256=p.sha256)
            for p in packages
        ),
    )


def publish_files(
    site: Site,
    repository: str,
    packages: tuple[PackageFile, ...],
    *,
    why: str,
    wait: float = LOCK_DEADLINE,
    replace: Needs | None = None,
) -> Publication:
    """Publish checked files into a repository of the project, after one whose process died was taken over."""
    doing = change(site, repository, why=why, wait=wait)
    return publication.publish(site.writers[repository], packages, doing, replace=replace)


def change(site: Site, repository: str, *, why: str, wait: float = LOCK_DEADLINE, kind: str = PUBLISH) -> Change:
    """What a change of a repository of the project needs besides its plan; `kind`: of its run."""
    subject = str(names.of_repository(repository))
    return Change(
        engine=kinds.publications(site),
        store=site.store,
        clock=site.clock,
        say=site.say,
        tend=lambda: tend_run(site, subject, resume=False),
        kind=kind,
        why=why,
        origin=origin_of(site.environment),
        deadline=wait,
    )
