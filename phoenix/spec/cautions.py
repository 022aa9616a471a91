"""What is no mistake in `phoenix.yaml` and yet unwise: told by `validate`, and in one case refused where it hurts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from phoenix.errors import RefusedError
from phoenix.model import CloudKind
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_?KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:machine-file:|file:|aws-sm://|gcp-sm://)\S+|cmd:.+")


def warnings(project: Project) -> tuple[str, ...]:
    """One sentence for each thing a person should look at."""
    return (*_unshared_state(project), *_secrets(project), *_unsigned(project), *_others_limits(project))


def refuse_unshared_state(project: Project, environment: EnvironmentSpec, variables: Mapping[str, str]) -> None:
    """Raise RefusedError where a build server would keep the state of a gcp or aws environment on its own disk.

    `variables` is the process's environment: `CI` or `BUILD_URL` in it say that this is a build server. There the
    next agent would know nothing of this one's runs and locks.
    """
    in_ci = bool(variables.get("CI") or variables.get("BUILD_URL"))
    if in_ci and not _is_shared(project) and project.cloud(environment.cloud).kind is not CloudKind.LOCAL:
        raise RefusedError(
            f"the state of environment {environment.name} would stand on this build server's own disk",
            details=f"state: {project.state}; CI or BUILD_URL is set, so other agents work on the same service",
            resolution="Set `state` to s3://... or gs://..., or `state_is_shared: true` where agents share the disk.",
        )


def _is_shared(project: Project) -> bool:
    return "://" in project.state or project.state_is_shared


def _unshared_state(project: Project) -> Iterator[str]:
    if _is_shared(project):
        return
    for service in project.services.values():
        for environment in service.environments.values():
            kind = project.cloud(environment.cloud).kind
            if kind is not CloudKind.LOCAL:
                yield (
                    f"services.{service.name}.environments.{environment.name} is on {kind}, but `state` is a directory "
                    "of one machine: whoever works from another machine knows nothing of its runs and locks"
                )


def _secrets(project: Project) -> Iterator[str]:
    for service in project.services.values():
        places = [("", service.settings)]
        places += [(f".environments.{each.name}", each.settings) for each in service.environments.values()]
        for where, name, value in ((w, n, v) for w, settings in places for n, v in settings.items()):
            if value and _SECRET.search(name) and not _REFERENCE.fullmatch(value):
                yield (
                    f"services.{service.name}{where}.settings.{name} looks like a secret that stands in the file; "
                    "write a reference: machine-file:PATH, on local file:PATH or cmd:COMMAND, on aws aws-sm://NAME, "
                    "on gcp gcp-sm://NAME"
                )


_LIMITS = {
    CloudKind.AWS: "the load balancer's own attributes (idle_timeout.timeout_seconds)",
    CloudKind.GCP: "the backend service's own timeoutSec",
}


def _others_limits(project: Project) -> Iterator[str]:
    for service in project.services.values():
        for environment in service.environments.values() if service.timeouts else ():
            kind = project.cloud(environment.cloud).kind
            if kind in _LIMITS:
                yield (
                    f"services.{service.name}.timeouts is not for environments.{environment.name}: on {kind} "
                    f"{_LIMITS[kind]} say how long a request may take; see that it is longer than `drain`"
                )


def _unsigned(project: Project) -> Iterator[str]:
    for repository in project.repositories.values():
        if repository.sign == "none":
            yield (
                f"repositories.{repository.name} is not signed (`sign: none`): machines trust whoever answers at "
                f"{repository.url}; `sign: auto` makes a key for it"
            )
