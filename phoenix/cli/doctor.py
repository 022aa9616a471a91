"""`phoenix doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import Session, session_of
from phoenix.errors import RefusedError, SpecError
from phoenix.manner import State

if TYPE_CHECKING:
    from phoenix.model import CloudKind
    from phoenix.spec.clouds import CloudSpec

app = command_app()


@command(app, "phoenix doctor", "phoenix doctor --cloud local --json")
def doctor(
    ctx: typer.Context,
    cloud: Annotated[
        str | None, typer.Option(help="Only what this cloud needs: one of the project, or gcp, aws, local.")
    ] = None,
) -> None:
    """Try the tools, the machine engines and the mirror for real; name each lack with its remedy.

    Without a project it looks at what the local cloud needs. Ends with 3 where something needed is missing.
    """
    from phoenix.cli import checkup
    from phoenix.cli.output import table

    session = session_of(ctx)
    clouds, kinds = _wanted(session, cloud)
    findings = [*checkup.tools(kinds), *checkup.local_clouds(clouds, kinds, _suites(session), session.out.say)]
    rows = [(finding.state, finding.subject, finding.found) for finding in findings]
    remedies = [f"  {finding.subject}: {finding.remedy}" for finding in findings if finding.remedy]
    text = "\n".join(
        [str(table("", "what", "found", rows=rows)), *(["", "what to do:"] if remedies else []), *remedies]
    )
    data = {"checks": [finding.data() for finding in findings]}
    lacks = [finding for finding in findings if finding.state is State.LACK]
    if not lacks:
        session.out.result(data, f"{text}\n\neverything that is needed is there")
        return
    session.out.evidence(data, text)
    raise RefusedError(
        f"{len(lacks)} lacks" if len(lacks) > 1 else "a lack",
        details="\n".join(f"{lack.subject}: {lack.found}" for lack in lacks),
        resolution="\n".join(dict.fromkeys(lack.remedy for lack in lacks if lack.remedy)),
    )


def _wanted(session: Session, cloud: str | None) -> tuple[tuple[CloudSpec, ...], frozenset[CloudKind]]:
    """The project's clouds to look at, and the kinds of clouds; without a project the local kind."""
    from phoenix.model import CloudKind

    clouds = session.project.clouds if session.project_file() else {}
    if cloud is None:
        wanted = tuple(clouds.values())
    elif cloud in clouds:
        wanted = (clouds[cloud],)
    elif cloud in list(CloudKind):
        wanted = tuple(spec for spec in clouds.values() if spec.kind == cloud)
    else:
        raise SpecError(
            f"there is no cloud '{cloud}'",
            details=f"clouds of the project: {', '.join(clouds) or 'none'}; kinds: {', '.join(CloudKind)}",
            resolution="Name one of these.",
        )
    kind = CloudKind(cloud) if cloud in list(CloudKind) else CloudKind.LOCAL
    return wanted, frozenset(spec.kind for spec in wanted) or frozenset({kind})


def _suites(session: Session) -> frozenset[str]:
    """The suites that the project's images start from on a local cloud; without a project phoenix's own example's."""
    from phoenix.model import CloudKind

    recipes = session.project.recipes.values() if session.project_file() else ()
    found = frozenset(recipe.base[CloudKind.LOCAL] for recipe in recipes if CloudKind.LOCAL in recipe.base)
    return found or frozenset({"bookworm"})
