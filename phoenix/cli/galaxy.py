"""`phoenix galaxy install`: the roles and collections of others that a project's playbooks use."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, group_app
from phoenix.cli.session import session_of
from phoenix.cli.text.table import table
from phoenix.orders import galaxy
from phoenix.orders.facts import dump

app = group_app("Install the roles and collections of playbooks/requirements.yml.")


@command(app, "phoenix galaxy install", "phoenix galaxy install --upgrade", name="install")
def install(
    ctx: typer.Context,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="What the sources have today, and not what the lock says.")
    ] = False,
    plan: options.Plan = False,
) -> None:
    """Install what playbooks/requirements.yml names into playbooks/galaxy/; ansible-galaxy fetches it.

    The exact versions and contents go into playbooks/requirements.lock, and the next install, on whichever computer,
    brings the same or fails. Keep the lock in git; the directory need not be there.
    """
    session = session_of(ctx)
    project = session.found_file().parent
    if plan:
        would = galaxy.plan(project, upgrade=upgrade)
        head = "install again what the lock says:" if would.again else "ask for:"
        session.out.result(dump(would), "\n".join((head, *(f"  {each}" for each in would.asked))))
        return
    done = galaxy.install(project, upgrade=upgrade, teller=session.out.tell)
    rows = [(each.kind, each.name, each.version, each.change or "as before") for each in done.installed]
    shown = table("kind", "name", "version", "is", rows=rows) if rows else "nothing is asked for"
    session.out.result(dump(done), shown)
