"""`phoenix group`: the managed sets of machines, and what a person does to one of them."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, group_app
from phoenix.cli.session import Session, session_of
from phoenix.cli.text.groups import group_rows, group_text
from phoenix.cli.text.plan import plan_text
from phoenix.errors import PhoenixError
from phoenix.orders import groups
from phoenix.orders import shown as shown_plans
from phoenix.orders.facts import dump
from phoenix.orders.groups import DeleteOrder, DisableOrder, EnableOrder, ResizeOrder

app = group_app("List and show groups; give one traffic, take it away, resize or delete it.")

LARGE = 2
"""A group is made so many times larger without a question, where there is nobody to ask."""
Name = Annotated[str, typer.Argument(help="The group.", autocompletion=completion.groups)]


@command(app, "phoenix group list", "phoenix group list --json", name="list")
def list_groups(ctx: typer.Context) -> None:
    """List the groups of every service, with the traffic they get; a cloud that fails hides no other."""
    session = session_of(ctx)
    try:
        found = groups.listed(session.site)
    except PhoenixError as error:
        if "groups" in error.facts:
            session.out.show(group_rows(error.facts["groups"]))
        raise
    session.out.result(dump(found), group_rows(dump(found)["groups"]))


@command(app, "phoenix group show web-tier-local-v001", name="show")
def show_group(ctx: typer.Context, name: Name) -> None:
    """Show one group with its instances."""
    session = session_of(ctx)
    found = groups.show(session.site, name)
    session.out.result(dump(found), group_text(found.group))


@command(
    app,
    "phoenix group enable web-tier-local-v001 --why 'the new one leaks'",
    "phoenix group enable web-tier-local-v002 --share 10",
    name="enable",
)
def enable_group(
    ctx: typer.Context,
    name: Name,
    share: Annotated[
        int, typer.Option(min=1, max=100, metavar="PERCENT", help="So much, beside the groups that serve now.")
    ] = 100,
    why: options.Why = "",
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Give a group all traffic, or a share of it, once it is large enough and healthy."""
    _change(session_of(ctx), EnableOrder(group=name, share=share, why=why), yes=yes, plan=plan)


@command(
    app,
    "phoenix group disable web-tier-local-v002 --why 'errors'",
    "phoenix group disable web-tier-local-v002 --to web-tier-local-v001 --plan",
    name="disable",
)
def disable_group(
    ctx: typer.Context,
    name: Name,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP",
            help="Who gets its traffic; else those that serve beside it, or the only other healthy group.",
            autocompletion=completion.groups,
        ),
    ] = None,
    why: options.Why = "",
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Take a group's traffic away and give it to others; the group stays, and is not burnt by itself."""
    _change(session_of(ctx), DisableOrder(group=name, to=to, why=why), yes=yes, plan=plan)


@command(
    app,
    "phoenix group resize web-tier-local-v001 4",
    "phoenix group resize web-tier-local-v001 2 --plan",
    name="resize",
)
def resize_group(
    ctx: typer.Context,
    name: Name,
    size: Annotated[int, typer.Argument(min=1, metavar="SIZE", help="How many machines.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also smaller than phoenix.yaml says, while the group has traffic.")
    ] = False,
    why: options.Why = "",
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Give a group more or fewer machines; dead ones are replaced. With the size it has, only that.

    The size of phoenix.yaml stays what the next roll starts with at least.
    """
    _change(session_of(ctx), ResizeOrder(group=name, size=size, force=force, why=why), yes=yes, plan=plan)


@command(app, "phoenix group delete web-tier-local-v001 --yes", name="delete")
def delete_group(
    ctx: typer.Context,
    name: Name,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also with traffic, where phoenix.yaml no longer has the service (local only)."),
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Also one that phoenix did not make and that served before a roll.")
    ] = False,
    why: options.Why = "",
    yes: options.Yes = False,
    plan: options.Plan = False,
) -> None:
    """Drain and burn a group that gets no traffic, before its time as the kept group is over."""
    _change(session_of(ctx), DeleteOrder(group=name, force=force, adopt=adopt, why=why), yes=yes, plan=plan)


def _change(session: Session, order: groups.Order, *, yes: bool, plan: bool) -> None:
    """Plan, show or ask, carry out, show."""
    if not plan:
        groups.ready(session.site, order)
    decided = groups.plan(session.site, order)
    if plan:
        session.out.result({"plan": shown_plans.as_data(decided.only)}, plan_text(shown_plans.shown(decided.only)))
        return
    if not decided.only.empty:
        insist = (
            isinstance(order, ResizeOrder) and order.size > LARGE * groups.show(session.site, order.group).group.size
        )
        session.out.confirm(f"{decided.only.why}. Do it?", assume_yes=yes, insist=insist)
    done = groups.carry_out(session.site, decided)
    session.out.result(dump(done), f"{done.why}: done ({done.run})" if done.changed else done.why)
