"""`phoenix repository key`: the keys that sign a repository, and changing them without leaving a machine behind."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.command import command, group_app
from phoenix.cli.repository_states import Name, WaitLock
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.table import table
from phoenix.orders import repository_keys as keys
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.repository_keys import RotateOrder

group = group_app("Show and change the key that signs a repository.")


@command(group, "phoenix repository key show main", name="show")
def show(ctx: typer.Context, name: Name = None) -> None:
    """Show the keys that sign, until when they are good, and groups that know only an older one."""
    session = session_of(ctx)
    found = keys.show(session.site, name)
    rows = [(key.fingerprint, key.created, key.expires or "never") for key in found.keys]
    lines = [str(table("key", "made", "good until", rows=rows)) if rows else "no key signs"]
    lines += [f"machines verify with {found.url}"] if found.url else []
    lines += [f"{name} knows only an older key: roll its service" for name in found.left_behind]
    session.out.result(dump(found), "\n".join([*lines, *found.warnings]))


@command(group, "phoenix repository key rotate main", "phoenix repository key rotate main --finish", name="rotate")
def rotate(
    ctx: typer.Context,
    name: Name = None,
    finish: Annotated[bool, typer.Option(help="Let the new key sign alone; the old one is removed.")] = False,
    plan: options.Plan = False,
    why: options.Why = "",
    wait_lock: WaitLock = "10m",
) -> None:
    """Let a new key sign beside the old one. Later, when every group knows it, --finish lets it sign alone.

    --finish is refused while new machines of a live group would know only the old key.
    """
    session = session_of(ctx)
    wait = options.duration("--wait-lock", wait_lock) or 0.0
    order = RotateOrder(repository=name, finish=finish, why=why, wait=wait)
    if plan:
        decided = keys.plan(session.site, order).only
        session.out.result({"plan": shown_plans.as_data(decided)}, plan_text(shown_plans.shown(decided)))
        return
    done = keys.rotate(session.site, order)
    session.out.result(dump(done), f"{done.repository}: {done.why}")
