"""`phoenix repository`: what apt repositories there are, what they show, serving them; what else is done to them."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion, options, repository_key, repository_states, repository_upkeep
from phoenix.cli.command import command, group_app
from phoenix.cli.session import session_of
from phoenix.cli.text.facts import fact_lines
from phoenix.cli.text.table import table
from phoenix.orders import repositories
from phoenix.orders.facts import dump
from phoenix.orders.repositories import RepositoryFacts, ShownPackage

app = group_app("List, show, serve apt repositories; their history, and going back in it.")
Name = Annotated[
    str | None,
    typer.Argument(
        help="The repository; not needed where there is one.",
        autocompletion=completion.repositories,
    ),
]


@command(app, "phoenix repository list", name="list")
def list_repositories(ctx: typer.Context) -> None:
    """List the repositories of phoenix.yaml."""
    session = session_of(ctx)
    found = repositories.listed(session.site)
    rows = [(r.name, r.distribution, r.url, r.sign, _serving(r)) for r in found.repositories]
    shown = table("repository", "distribution", "url", "sign", "served", rows=rows)
    session.out.result(dump(found), shown if rows else "phoenix.yaml has no repositories")


@command(app, "phoenix repository show main", "phoenix repository show --json", name="show")
def show_repository(ctx: typer.Context, name: Name = None) -> None:
    """Show a repository with the packages that machines see in it, newest version first, and who needs each."""
    session = session_of(ctx)
    found = repositories.show(session.site, name)
    head = fact_lines({key: value for key, value in dump(found.repository).items() if key != "packages"})
    rows = [(p.name, p.version, p.architecture, p.size, p.sha256, _users(p)) for p in found.repository.packages]
    heads = ("package", "version", "architecture", "bytes", "sha256", "needed by")
    listed = table(*heads, rows=rows) if rows else "no packages"
    session.out.result(dump(found), f"{head}\n\n{listed}")


@command(app, "phoenix repository serve main", name="serve")
def serve_repository(
    ctx: typer.Context,
    name: Name = None,
    plan: options.Plan = False,
) -> None:
    """See that a repository on this computer is served at its url; the server stays until `phoenix down`."""
    session = session_of(ctx)
    if plan:
        planned = repositories.plan_serving(session.site, name)
        would = f"serve {planned.repository.root}/public at {planned.repository.url}"
        session.out.result({"plan": would, **dump(planned)}, would)
        return
    done = repositories.serve(session.site, name)
    session.out.result(dump(done), f"{done.repository.name} is served at {done.repository.url}")


command(app, "phoenix repository history main")(repository_states.history)
command(app, "phoenix repository diff main-0003 main-0005", "phoenix repository diff 3 5")(repository_states.diff)
command(app, "phoenix repository rollback", 'phoenix repository rollback main --to main-0003 --why "2.0 is slow"')(
    repository_states.rollback
)


command(app, "phoenix repository prune --plan", "phoenix repository prune main --keep 3 --yes")(repository_upkeep.prune)
command(app, "phoenix repository promote hello=1.2.3 --from staging --to main")(repository_upkeep.promote)


app.add_typer(repository_key.group, name="key")


def _users(package: ShownPackage) -> str:
    return "?" if package.needed_by is None else ", ".join(package.needed_by) or "nobody"


def _serving(repository: RepositoryFacts) -> str:
    if not repository.served_by_phoenix:
        return "elsewhere"
    return f"process {repository.pid}" if repository.pid else "no"
