"""The apt repositories of a project: what they are, what machines see in them, and serving them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from phoenix.debs import Need
from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.execute import repositories
from phoenix.orders import needed
from phoenix.orders.site import Site
from phoenix.spec.project import Project
from phoenix.spec.repositories import RepositorySpec


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryFacts:
    """A repository. `machine_url`: as machines of the local cloud reach it; `urls`: as those of each cloud do, where
    phoenix.yaml says so; `bucket`: the place in a bucket that shows it; `pid`: of the web server phoenix runs.
    """

    name: str
    distribution: str
    component: str
    url: str
    machine_url: str
    urls: dict[str, str]
    root: str
    bucket: str | None
    sign: str
    key: str | None
    served_by_phoenix: bool
    pid: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPackage:
    """A package as machines see it, its bytes, and who needs it; `needed_by` is None where that could not be asked."""

    name: str
    version: str
    architecture: str
    sha256: str
    size: int
    needed_by: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeRepository(RepositoryFacts):
    """A repository with what machines see in it, newest version first."""

    packages: tuple[ShownPackage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryList:
    """The repositories of phoenix.yaml."""

    repositories: tuple[RepositoryFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryShown:
    """One repository."""

    repository: WholeRepository


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryServed:
    """A repository that is served at its url."""

    repository: RepositoryFacts


def listed(site: Site) -> RepositoryList:
    """The repositories of phoenix.yaml."""
    return RepositoryList(repositories=tuple(map(_facts, site.project.repositories.values())))


def show(site: Site, name: str | None = None) -> RepositoryShown:
    """A repository with the packages that machines see in it. RefusedError before its first publication."""
    spec = pick(site.project, name)
    needs = _needs(site, spec.name)
    packages = tuple(
        ShownPackage(
            name=deb.name,
            version=deb.version,
            architecture=deb.architecture,
            sha256=deb.sha256,
            size=entry.size,
            needed_by=None if needs is None else tuple(need.who for need in needs if need.of([deb])),
        )
        for entry in repositories.visible(spec)
        for deb in (entry.deb,)
    )
    return RepositoryShown(repository=WholeRepository(**asdict(_facts(spec)), packages=packages))


def _needs(site: Site, repository: str) -> tuple[Need, ...] | None:
    """Who needs what of it; None where a cloud gives no answer, which is told: a look is not refused for that."""
    try:
        return needed.of(site, repository)
    except PhoenixError as error:
        site.warn(f"who needs these packages could not be asked: {error.brief}")
        return None


def plan_serving(site: Site, name: str | None = None) -> RepositoryServed:
    """Which repository would be served. RefusedError where its url does not lead to this computer."""
    spec = pick(site.project, name)
    if not repositories.is_loopback(spec.url):
        raise RefusedError(
            f"phoenix does not serve {spec.url}",
            details="it serves urls that lead to this computer, such as http://127.0.0.1:9999",
            resolution=f"{spec.bucket} shows it there; `phoenix publish` keeps that up to date."
            if spec.bucket
            else f"Let a web server there serve {spec.root}/public.",
        )
    return RepositoryServed(repository=_facts(spec))


def serve(site: Site, name: str | None = None) -> RepositoryServed:
    """See that a repository on this computer is served at its url; the server stays until the project is put down."""
    plan_serving(site, name)
    spec = pick(site.project, name)
    repositories.ensure_served(spec, clock=site.clock, say=site.say)
    return RepositoryServed(repository=_facts(spec))


def pick(project: Project, name: str | None) -> RepositorySpec:
    """The repository called `name`; without a name the only one. SpecError naming those there are."""
    if name is not None or len(project.repositories) == 1:
        return project.repository(name or next(iter(project.repositories)))
    raise SpecError(
        "phoenix.yaml has several repositories" if project.repositories else "phoenix.yaml has no repositories",
        details=f"repositories: {', '.join(sorted(project.repositories)) or 'none'}",
        resolution="Name one of them." if project.repositories else "Add one under `repositories`.",
    )


def _facts(spec: RepositorySpec) -> RepositoryFacts:
    root = repositories.root_of(spec)
    return RepositoryFacts(
        name=spec.name,
        distribution=spec.distribution,
        component=spec.component,
        url=spec.url,
        machine_url=repositories.machine_url(spec.url),
        urls=dict(spec.urls),
        root=str(spec.root),
        bucket=spec.bucket or None,
        sign=spec.sign,
        key=str(root.key) if root.key.exists() else None,
        served_by_phoenix=repositories.is_loopback(spec.url),
        pid=repositories.server_of(spec),
    )
