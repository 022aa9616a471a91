"""Which environments stand on which stack, and on what of it: part of what a plan is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phoenix.spec.mistakes import Place
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec, ServiceSpec
from phoenix.spec.stack_refs import Reference


def standing(project: Project, references: Mapping[Place, tuple[Reference, ...]]) -> Project:
    """The project, each environment with the outputs of stacks that it, its service or its cloud refers to."""
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
    return replace(project, services=services)


def _of(
    service: ServiceSpec, environment: EnvironmentSpec, references: Mapping[Place, tuple[Reference, ...]]
) -> tuple[tuple[str, str], ...]:
    found = {
        (f"stack.{each.stack}.{each.output}", each.text)
        for place, there in references.items()
        for each in there
        if _concerns(place, service, environment)
    }
    return tuple(sorted(found))


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
