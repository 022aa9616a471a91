"""`phoenix repository prune` and `promote`: what old versions stay, and packages that move on."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.repository_states import Name, WaitLock
from phoenix.cli.session import session_of
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.table import Table, table
from phoenix.orders import promotion, retention
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.promotion import PromoteOrder
from phoenix.orders.retention import PruneOrder, PruneResult


def prune(
    ctx: typer.Context,
    name: Name = None,
    keep: Annotated[
        int | None,
        typer.Option(metavar="N", help="Newest versions that stay; default: as the file says."),
    ] = None,
    plan: options.Plan = False,
    yes: options.Yes = False,
    why: options.Why = "",
    wait_lock: WaitLock = "10m",
) -> None:
    """Give up versions that are not among the newest N of their package, and that nobody needs.

    Groups, kept ones too, images, held and resumable runs, ways back and the state that a rollback goes to need
    what they name. --plan says of each version why it stays or goes.
    """
    session = session_of(ctx)
    order = PruneOrder(repository=name, keep=keep, why=why, wait=options.duration("--wait-lock", wait_lock) or 0.0)
    planned, would = retention.plan(session.site, order)
    if plan:
        shown = f"{_verdicts(would)}\n\n{plan_text(shown_plans.shown(planned.only))}"
        session.out.result({"plan": shown_plans.as_data(planned.only), **dump(would)}, shown)
        return
    going = [version for version in would.versions if not version.stays]
    if going or would.retired:
        session.out.confirm(f"Give up {len(going)} versions and {len(would.retired)} states?", assume_yes=yes)
    done = retention.prune(session.site, order)
    session.out.result(dump(done), f"{_verdicts(done)}\n\n{done.why}" if done.changed else done.why)


def promote(
    ctx: typer.Context,
    packages: Annotated[
        list[str], typer.Argument(metavar="NAME=VERSION...", help="What was proven.", show_default=False)
    ],
    source: Annotated[str, typer.Option("--from", metavar="R", help="The repository that has it.")],
    target: Annotated[str, typer.Option("--to", metavar="R", help="The repository that gets it.")],
    plan: options.Plan = False,
    why: options.Why = "",
    wait_lock: WaitLock = "10m",
) -> None:
    """Publish packages of one repository in another, with the same bytes; nothing is built again."""
    session = session_of(ctx)
    wait = options.duration("--wait-lock", wait_lock) or 0.0
    order = PromoteOrder(packages=tuple(packages), source=source, target=target, why=why, wait=wait)
    if plan:
        decided = promotion.plan(session.site, order).only
        session.out.result({"plan": shown_plans.as_data(decided)}, plan_text(shown_plans.shown(decided)))
        return
    done = promotion.promote(session.site, order)
    session.out.result(dump(done), f"{done.repository}: {done.why}")


def _verdicts(result: PruneResult) -> Table:
    rows = [(v.name, v.version, "stays" if v.stays else "GOES", v.why) for v in result.versions]
    return table("package", "version", "verdict", "why", rows=rows)
