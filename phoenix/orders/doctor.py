"""What is there, what is missing, and what to do about it; with a project or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import checkup
from phoenix.manner import Finding, State
from phoenix.model import CloudKind
from phoenix.orders.facts import dump
from phoenix.orders.site import look_here
from phoenix.spec.clouds import CloudSpec, LocalCloud
from phoenix.spec.load import load
from phoenix.spec.project import Project
from phoenix.tell import Level, Teller, Told, nobody, unfailing


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorResult:
    """Everything that was looked at."""

    checks: tuple[Finding, ...]


def doctor(
    file: Path | None, environment: Mapping[str, str], cloud: str | None = None, teller: Teller = nobody
) -> DoctorResult:
    """Try the tools, the machine engines and the mirror for real; change nothing.

    `file` is None without a project: then what the local cloud needs. `cloud`: only what this one, or clouds of this
    kind, need. SpecError where there is no such cloud.
    """
    project = load(file, environment) if file else None
    clouds, kinds = _wanted(project, cloud)
    tell = unfailing(teller)

    def say(text: str) -> None:
        tell(Told(level=Level.SAY, text=text))

    checks = tuple(checkup.tools(kinds))
    if CloudKind.LOCAL in kinds:
        local = tuple(each for each in clouds if isinstance(each, LocalCloud))
        checks += look_here(local, _suites(project), say)
    return DoctorResult(checks=checks)


def refuse_lacks(result: DoctorResult) -> None:
    """RefusedError where something that is needed does not work; its facts are the result."""
    lacks = [check for check in result.checks if check.state is State.LACK]
    if lacks:
        raise RefusedError(
            f"{len(lacks)} lacks" if len(lacks) > 1 else "a lack",
            details="\n".join(f"{lack.subject}: {lack.found}" for lack in lacks),
            resolution="\n".join(dict.fromkeys(lack.remedy for lack in lacks if lack.remedy)),
            facts=dump(result),
        )


def _wanted(project: Project | None, cloud: str | None) -> tuple[tuple[CloudSpec, ...], frozenset[CloudKind]]:
    """The project's clouds to look at, and the kinds of clouds; without a project the local kind."""
    clouds = project.clouds if project else {}
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


def _suites(project: Project | None) -> frozenset[str]:
    """The suites that the project's images start from on a local cloud; without a project phoenix's own example's."""
    recipes = project.recipes.values() if project else ()
    found = frozenset(recipe.base[CloudKind.LOCAL] for recipe in recipes if CloudKind.LOCAL in recipe.base)
    return found or frozenset({"bookworm"})
