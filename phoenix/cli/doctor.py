"""`phoenix doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.options import refuse_beside
from phoenix.cli.session import Session, session_of
from phoenix.cli.text.table import table
from phoenix.errors import RefusedError, SpecError
from phoenix.orders import doctor as looking
from phoenix.orders.doctor import DoctorResult
from phoenix.orders.facts import dump

app = command_app()


@command(
    app,
    "phoenix doctor",
    "phoenix doctor --cloud local --json",
    "phoenix doctor --cloud aws --policy > policy.json",
    "phoenix doctor --jenkins https://ci.acme.example",
)
def doctor(
    ctx: typer.Context,
    cloud: Annotated[
        str | None, typer.Option(help="Only what this cloud needs: one of the project, or gcp, aws, local.")
    ] = None,
    permissions: Annotated[bool, typer.Option("--permissions", help="Ask for each right, too.")] = False,
    policy: Annotated[bool, typer.Option("--policy", help="Print the least rights that phoenix needs there.")] = False,
    jenkins: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Look at this Jenkins instead; login: JENKINS_USER, JENKINS_TOKEN_FILE."),
    ] = None,
) -> None:
    """Try the tools, the machine engines and the mirror for real; name each lack with its remedy.

    Without a project it looks at what the local cloud needs. Ends with 3 where something needed is missing.
    """
    session = session_of(ctx)
    refuse_beside("--jenkins", jenkins, {"--cloud": cloud, "--permissions": permissions, "--policy": policy})
    if policy:
        _show_policy(session, cloud)
        return
    if jenkins is not None:
        found = looking.doctor_of_jenkins(jenkins, session.environment)
    else:
        found = looking.doctor(session.project_file(), session.environment, cloud, session.out.tell, rights=permissions)
    try:
        looking.refuse_lacks(found)
    except RefusedError:
        session.out.show(_text(found))
        raise
    session.out.result(dump(found), f"{_text(found)}\n\neverything that is needed is there")


def _show_policy(session: Session, cloud: str | None) -> None:
    """A policy is a result: it goes to stdout, to be kept in a file."""
    if cloud is None:
        raise SpecError(
            "--policy does not say for which cloud",
            details="each cloud has rights of its own",
            resolution="Name one of phoenix.yaml with --cloud.",
        )
    found = looking.policy(session.site, cloud)
    session.out.result(dump(found), json.dumps(found.policies, indent=2))


def _text(found: DoctorResult) -> str:
    rows = [(check.state, check.subject, check.found) for check in found.checks]
    remedies = [f"  {check.subject}: {check.remedy}" for check in found.checks if check.remedy]
    lines = [str(table("", "what", "found", rows=rows)), *(["", "what to do:"] if remedies else []), *remedies]
    return "\n".join(lines)
