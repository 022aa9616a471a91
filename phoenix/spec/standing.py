"""Which environments stand on which stack, and on what of it: part of what a plan is made for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from phoenix.spec.mistakes import Place
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.spec.stack_refs import Reference


def standing(project: Project, references: Mapping[Place, tuple[Reference, ...]]) -> Project:
    """The project, each environment and each cloud with the outputs of stacks that it refers to.

    An environment also has those of its service, of its cloud, and of a repository that its machines install from.
    """
    if not references:
        return project
    services = {
        name: replace(
            service,
            environments={
                each.name: replace(each, stands_on=_of(service, each, references))
                for each in service.environments.values()
            },
        )
        for name, service in project.services.items()
    }
    clouds = {name: _of_cloud(name, references) for name in project.clouds}
    return replace(project, services=services, clouds_stand_on=clouds)


def _of(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    references: Mapping[Place, tuple[Reference, ...]],
) -> tuple[tuple[str, str], ...]:
    return _said(
        there
        for place, there in references.items()
        if _concerns(place, service, environment) or _is_installed_from(place, service.at(environment), environment)
    )


def _of_cloud(name: str, references: Mapping[Place, tuple[Reference, ...]]) -> tuple[tuple[str, str], ...]:
    return _said(there for place, there in references.items() if place[:2] == ("clouds", name))


def _said(references: Iterable[tuple[Reference, ...]]) -> tuple[tuple[str, str], ...]:
    """Each once, sorted: what is referred to, and what it came to."""
    return tuple(sorted({(f"stack.{each.stack}.{each.output}", each.text) for there in references for each in there}))


def _concerns(place: Place, service: ServiceSpec, environment: EnvironmentSpec) -> bool:
    """Whether what stands at the place is part of the environment, its service or its cloud."""
    match place:
        case ("clouds", cloud, *_):
            return cloud == environment.cloud
        case ("services", name, "environments", there, *_):
            return (name, there) == (service.name, environment.name)
        case ("services", name, *_):
            return name == service.name
        case _:
            return False


def _is_installed_from(place: Place, service: ServiceSpec, environment: EnvironmentSpec) -> bool:
    """Whether what stands at the place says where the environment's machines find packages when they boot."""
    used = {each.repository for each in service.packages}
    match place:
        case ("repositories", name, "url", cloud):
            return name in used and cloud == environment.cloud
        case ("repositories", name, *_):
            return name in used
        case _:
            return False
