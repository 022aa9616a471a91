"""`phoenix repository`: what apt repositories there are, what they show, and serving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from phoenix.spec.project import Project
    from phoenix.spec.repositories import RepositorySpec

app = group_app("List, show and serve apt repositories.")
Name = Annotated[str | None, typer.Argument(help="The repository; not needed where there is one.")]


@command(app, "phoenix repository list", name="list")
def list_repositories(ctx: typer.Context) -> None:
    """List the repositories of phoenix.yaml."""
    session = session_of(ctx)
    found = [_facts(spec) for spec in session.project.repositories.values()]
    rows = [(r["name"], r["distribution"], r["url"], r["sign"], _serving(r)) for r in found]
    shown = table("repository", "distribution", "url", "sign", "served", rows=rows)
    session.out.result({"repositories": found}, shown if found else "phoenix.yaml has no repositories")


@command(app, "phoenix repository show main", "phoenix repository show --json", name="show")
def show_repository(ctx: typer.Context, name: Name = None) -> None:
    """Show a repository with the packages that machines see in it, newest version first."""
    from phoenix.execute.repositories import repository_here
    from phoenix.tools import apt_index
    from phoenix.tools.deb import version_key

    session = session_of(ctx)
    spec = pick(session.project, name)
    packages = sorted(apt_index.fetch(repository_here(spec)), key=lambda d: version_key(d.version), reverse=True)
    packages.sort(key=lambda deb: deb.name)
    facts = {
        **_facts(spec),
        "packages": [
            {"name": p.name, "version": p.version, "architecture": p.architecture, "sha256": p.sha256} for p in packages
        ],
    }
    head = "\n".join(f"{key}: {value}" for key, value in facts.items() if key != "packages")
    rows = [(p.name, p.version, p.architecture, p.sha256) for p in packages]
    listed = table("package", "version", "architecture", "sha256", rows=rows) if rows else "no packages"
    session.out.result({"repository": facts}, f"{head}\n\n{listed}")


@command(app, "phoenix repository serve main", name="serve")
def serve_repository(
    ctx: typer.Context,
    name: Name = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
) -> None:
    """See that a repository on this computer is served at its url; the server stays until `phoenix down`."""
    from phoenix.clock import SystemClock
    from phoenix.errors import RefusedError
    from phoenix.execute.repositories import ensure_served
    from phoenix.tools.loopback import is_loopback

    session = session_of(ctx)
    spec = pick(session.project, name)
    if not is_loopback(spec.url):
        raise RefusedError(
            f"phoenix does not serve {spec.url}",
            details="it serves urls that lead to this computer, such as http://127.0.0.1:9999",
            resolution=f"Let a web server there serve {spec.root}/public.",
        )
    if not plan:
        ensure_served(spec, clock=SystemClock(), say=session.out.say)
    facts = _facts(spec)
    planned = {"plan": f"serve {spec.root}/public at {spec.url}"} if plan else {}
    session.out.result({**planned, "repository": facts}, planned.get("plan") or f"{spec.name} is served at {spec.url}")


def pick(project: Project, name: str | None) -> RepositorySpec:
    """The repository called `name`; without a name the only one. SpecError naming those there are."""
    from phoenix.errors import SpecError

    if name is not None or len(project.repositories) == 1:
        return project.repository(name or next(iter(project.repositories)))
    raise SpecError(
        "phoenix.yaml has several repositories" if project.repositories else "phoenix.yaml has no repositories",
        details=f"repositories: {', '.join(sorted(project.repositories)) or 'none'}",
        resolution="Name one of them." if project.repositories else "Add one under `repositories`.",
    )


def _facts(spec: RepositorySpec) -> dict[str, Any]:
    from phoenix.execute.repositories import root_of
    from phoenix.tools import serve
    from phoenix.tools.loopback import is_loopback, machine_url

    root = root_of(spec)
    server = serve.find(root) if is_loopback(spec.url) else None
    return {
        "name": spec.name,
        "distribution": spec.distribution,
        "component": spec.component,
        "url": spec.url,
        "machine_url": machine_url(spec.url),
        "root": str(spec.root),
        "sign": spec.sign,
        "key": str(root.key) if root.key.exists() else None,
        "served_by_phoenix": is_loopback(spec.url),
        "pid": server.process.pid if server else None,
    }


def _serving(facts: dict[str, Any]) -> str:
    if not facts["served_by_phoenix"]:
        return "elsewhere"
    return f"process {facts['pid']}" if facts["pid"] else "no"
