"""`phoenix logs`: what machines said, those that stand and those that are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from phoenix.cli import completion, options
from phoenix.cli.command import command, command_app
from phoenix.cli.session import Session, session_of
from phoenix.cli.text.machine_logs import followed, logs_text, new_text
from phoenix.clock import from_rfc3339, rfc3339
from phoenix.errors import SpecError
from phoenix.orders import logs as machine_logs
from phoenix.orders.facts import dump
from phoenix.orders.logs import LogsOrder

app = command_app()
PAUSE = 1.0
"""Seconds between two looks of --follow."""


@command(
    app,
    "phoenix logs web-tier",
    "phoenix logs web-tier-local-v001 --boot",
    "phoenix logs web-tier-local-v001-1 -f --tail 20",
)
def logs(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="SERVICE|GROUP|INSTANCE",
            help="Whose; a group or an instance may be gone.",
            autocompletion=completion.speakers,
        ),
    ],
    environment: options.Environment = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is said from now on.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, metavar="N", help="So many lines at the end of each log.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Of the console what was said since: a duration (10m) or a time in RFC 3339."),
    ] = None,
    console: Annotated[bool, typer.Option("--console", help="Only the console.")] = False,
    boot: Annotated[bool, typer.Option("--boot", help="Only the boot work.")] = False,
    service: Annotated[bool, typer.Option("--service", help="Only the service's own log.")] = False,
) -> None:
    """Show what machines said: console, boot work and service; of a group that is gone what its run saved."""
    session = session_of(ctx)
    options.refuse_together({"--console": console, "--boot": boot, "--service": service})
    options.refuse_beside("--since", since, {"--boot": boot, "--service": service})
    options.refuse_together({"--json": session.json, "--follow": follow})
    chosen = [kind for kind, wanted in (("boot", boot), ("service", service), ("console", console)) if wanted]
    order = LogsOrder(
        name=name,
        environment=environment,
        kind=chosen[0] if chosen else "console" if since else None,
        since=rfc3339(_moment(session, since)) if since else None,
        tail=tail,
    )
    if follow:
        _follow(session, order)
        return
    found = machine_logs.logs(session.site, order)
    session.out.result(dump(found), logs_text(found.machines))


def _follow(session: Session, order: LogsOrder) -> None:
    """Show what there is, then again and again what is new, until somebody ends it."""
    whole = LogsOrder(name=order.name, environment=order.environment, kind=order.kind, since=order.since)
    last = followed(machine_logs.logs(session.site, whole).machines)
    begun = followed(machine_logs.logs(session.site, replace(whole, tail=order.tail)).machines)
    session.out.show(logs_text(begun, prefixed=True).rstrip("\n"))
    while True:
        session.site.clock.sleep(PAUSE)
        now = followed(machine_logs.logs(session.site, whole).machines)
        session.out.show(new_text(last, now).rstrip("\n"))
        last = now


def _moment(session: Session, text: str) -> datetime:
    """The moment that `--since` means."""
    try:
        return from_rfc3339(text)
    except ValueError:
        pass
    try:
        seconds = options.duration("--since", text)
    except SpecError as error:
        raise SpecError(
            f"--since {text} is no time",
            details="accepted: a duration such as 10m, or a time such as 2026-01-31T12:00:00Z",
            resolution="Say it so.",
        ) from error
    return session.site.clock.now() - timedelta(seconds=seconds or 0)
