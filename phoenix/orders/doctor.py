"""What is there, what is missing, and what to do about it; with a project or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import checkup, jenkins
from phoenix.manner import Finding, State
from phoenix.orders import clouds
from phoenix.orders.facts import dump
from phoenix.orders.site import Site, recorded
from phoenix.spec.load import load
from phoenix.tell import Level, Teller, Told, nobody, unfailing


@dataclass(frozen=True, kw_only=True, slots=True)
class DoctorResult:
    """Everything that was looked at."""

    checks: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyResult:
    """What has to be allowed, in the cloud's own words, by kind of work."""

    cloud: str
    policies: dict[str, Any]


def doctor(
    file: Path | None,
    environment: Mapping[str, str],
    cloud: str | None = None,
    teller: Teller = nobody,
    *,
    rights: bool = False,
) -> DoctorResult:
    """Try the tools, the machine engines and the mirror for real; change nothing.

    `file` is None without a project: then what the local cloud needs. `cloud`: only what this one, or clouds of this
    kind, need. `rights`: also whether phoenix may do its work there. SpecError where there is no such cloud.
    """
    project = load(file, environment, recorded(file, environment)) if file else None
    wanted, local = clouds.chosen(project, cloud)
    tell = unfailing(teller)

    def say(text: str) -> None:
        tell(Told(level=Level.SAY, text=text))

    opened = [clouds.open_cloud(project, spec) for spec in wanted if project]
    elsewhere = not local or any(not each.abilities.here_only for each in opened)
    tools = tuple(checkup.tools(local=local, elsewhere=elsewhere))
    keys = tuple(checkup.repositories(project, Site(project, environment).clock.now())) if project else ()
    grounds = tuple(checkup.stacks(project)) if project else ()
    none = () if wanted or local else (_none_of(cloud),)
    return DoctorResult(
        checks=(*tools, *grounds, *keys, *none, *clouds.look(project, wanted, local=local, rights=rights, say=say))
    )


def doctor_of_jenkins(url: str, environment: Mapping[str, str]) -> DoctorResult:
    """Look at a Jenkins from here; change nothing. SpecError where that is no address, or half a login is given."""
    return DoctorResult(checks=tuple(jenkins.look(url, _login(environment))))


def _login(environment: Mapping[str, str]) -> jenkins.Login | None:
    """Who asks, of the variables that say it; None where they do not."""
    user, file = environment.get(jenkins.USER, ""), environment.get(jenkins.TOKEN_FILE, "")
    token = environment.get(jenkins.TOKEN, "")
    if file:
        try:
            token = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            raise SpecError(
                "the token for Jenkins cannot be read",
                details=f"{jenkins.TOKEN_FILE} names {file}: {error}",
                resolution="Name a file with the token alone in it, which this user can read.",
            ) from error
    if bool(user) != bool(token):
        raise SpecError(
            "half a login for Jenkins",
            details=f"{jenkins.USER} and a token belong together; only {'the user' if user else 'a token'} is given",
            resolution=f"Set {jenkins.USER}, and {jenkins.TOKEN_FILE} or {jenkins.TOKEN}; or neither.",
        )
    return jenkins.Login(user=user, token=token) if user else None


def _none_of(cloud: str | None) -> Finding:
    """Programs alone say nothing of a cloud that nobody has named."""
    return Finding(
        state=State.NOTE,
        subject=f"clouds of kind {cloud}",
        found="there is none in phoenix.yaml, so only the programs of this computer were looked at",
        remedy=f"Write one into `clouds:` (`kind: {cloud}`), then say it again.",
    )


def policy(site: Site, cloud: str) -> PolicyResult:
    """The least rights that phoenix needs on the cloud."""
    return PolicyResult(cloud=cloud, policies=dict(site.cloud(cloud).policy()))


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
