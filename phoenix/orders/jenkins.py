"""What Jenkins needs for a project, as files of the project: steps, jobs, and how those are made."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix import data
from phoenix.errors import SpecError
from phoenix.model import ImageType
from phoenix.spec.project import Project
from phoenix.spec.services import ServiceSpec

_AT_TOP = "Jenkinsfile"
"""Where Jenkins looks for it by itself; all else is in a directory of its own."""
_DIRECTORY = "jenkins"


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """What a project's jobs do: a push rolls the first of `places`; the nightly job rolls them all."""

    project: str
    places: tuple[tuple[str, str], ...]
    """Services, each with an environment of it."""
    image: str
    """TYPE/NAME of what the first place starts from."""
    baked_in: tuple[str, ...] = ()
    """Services whose packages are in their image: a roll cannot choose other ones."""
    package: str
    """What a push makes a new version of."""


def jobs_of(project: Project) -> Jobs:
    """The jobs of a project that is there. SpecError where it has nothing to roll."""
    places = tuple((service.name, each) for service in project.services.values() for each in service.environments)
    if not places:
        raise SpecError(
            "there is nothing that Jenkins could roll",
            details=f"{project.file} has no service with an environment",
            resolution="Write one into `services:`, then say it again.",
        )
    service = project.services[places[0][0]]
    return Jobs(
        project=project.name,
        places=places,
        image=str(service.image),
        baked_in=tuple(each.name for each in project.services.values() if each.image.type is ImageType.IMMUTABLE),
        package=_package(project, service, places[0][1]),
    )


def _package(project: Project, service: ServiceSpec, environment: str) -> str:
    """The first package of the service there, or of its image; else it is taken to be called as the service is."""
    wishes = (
        *service.packages,
        *service.environments[environment].packages,
        *project.recipe(service.image).packages,
    )
    return wishes[0].name if wishes else service.name


def files(jobs: Jobs) -> dict[str, bytes]:
    """The files, by their path below the project's directory."""
    root = data.path("templates", "jenkins")
    found = {str(file.relative_to(root)): file.read_text() for file in sorted(root.rglob("*")) if file.is_file()}
    return {
        name if name == _AT_TOP else f"{_DIRECTORY}/{name}": _filled(text, jobs).encode()
        for name, text in found.items()
    }


def _row(jobs: Jobs, service: str, place: str) -> str:
    """A place of the nightly job, as Groovy's map."""
    same = "" if service in jobs.baked_in else ", samePackages: true"
    return f"{' ' * 24}[service: '{service}', environment: '{place}'{same}],"


def _filled(text: str, jobs: Jobs) -> str:
    kind, _, image = jobs.image.partition("/")
    service, environment = jobs.places[0]
    rows = [_row(jobs, service, place) for service, place in jobs.places]
    values = {
        "PROJECT": jobs.project,
        "SERVICE": service,
        "ENVIRONMENT": environment,
        "TYPE": kind,
        "IMAGE": image,
        "PACKAGE": jobs.package,
        "PLACES": "\n".join(rows),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
