"""`phoenix repository history`, `diff` and `rollback`: every change of a repository is a state to go back to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from phoenix.cli import options
from phoenix.cli.session import session_of
from phoenix.cli.text.origin import with_origins
from phoenix.cli.text.plan import plan_text
from phoenix.cli.text.table import table
from phoenix.orders import repository_states as states
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.repository_states import RestoreOrder, StateDifference, StateFacts

Name = Annotated[str | None, typer.Argument(help="The repository; not needed where there is one.")]
Repository = Annotated[str | None, typer.Option(metavar="NAME", help="The repository; not needed where there is one.")]
WaitLock = Annotated[str, typer.Option(metavar="DURATION", help="How long to wait while others change it.")]


def history(ctx: typer.Context, name: Name = None) -> None:
    """List every state of a repository, newest first: who made it, when, how it differs, and why."""
    session = session_of(ctx)
    found = states.history(session.site, name)
    rows = [(_named(s), s.at, f"{s.who or '?'}@{s.host or '?'}", s.what, s.why) for s in found.states]
    origins = [asdict(state.origin) for state in found.states]
    heads, cells = with_origins(("state", "made", "by", "what", "why"), rows, origins)
    listed = table(*heads, rows=cells) if rows else "nothing was published yet"
    session.out.result(dump(found), listed)


def diff(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="A state: its name, or its number.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, which is looked at from there.")],
    repository: Repository = None,
) -> None:
    """Show which packages the state B has more than A, which less, and which with other contents."""
    session = session_of(ctx)
    found = states.diff(session.site, a, b, repository)
    session.out.result(dump(found), _difference(found))


def rollback(
    ctx: typer.Context,
    name: Name = None,
    to: Annotated[
        str | None, typer.Option(metavar="STATE", help="A state's name or number; default: the one before.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Also where somebody needs what it takes away (with --why).")] = False,
    plan: options.Plan = False,
    why: options.Why = "",
    wait_lock: WaitLock = "10m",
) -> None:
    """Make machines see a former state's packages again, as a new state, in one switch.

    Refused where a live or kept group, an image, a run or a way back needs a package that it would take away.
    """
    session = session_of(ctx)
    wait = options.duration("--wait-lock", wait_lock) or 0.0
    order = RestoreOrder(repository=name, to=to, force=force, why=why, wait=wait)
    if plan:
        decided = states.plan_rollback(session.site, order).only
        session.out.result({"plan": shown_plans.as_data(decided)}, plan_text(shown_plans.shown(decided)))
        return
    done = states.rollback(session.site, order)
    said = f"{done.repository} is {done.why}; that is the state {done.state}" if done.changed else done.why
    session.out.result(dump(done), said)


def _named(state: StateFacts) -> str:
    return state.name + (" (shown)" if state.shown else " (retired)" if state.retired else "")


def _difference(found: StateDifference) -> str:
    lines = [
        f"{mark} {package.name} {package.version} {package.architecture}"
        for mark, packages in (("+", found.added), ("-", found.removed), ("~", found.replaced))
        for package in packages
    ]
    return "\n".join(lines) or f"{found.a} and {found.b} hold the same packages"
