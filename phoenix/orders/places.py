"""A place: a service in an environment, also after it was taken out of phoenix.yaml.

What it left behind still has to be aborted, burnt and stopped. A stand-in holds what that needs and no more.
"""

from __future__ import annotations

from dataclasses import dataclass

from phoenix import model, names
from phoenix.errors import RefusedError
from phoenix.model import Group, Health, ImageType, LocalMachine
from phoenix.orders.site import Site
from phoenix.plan.roll_actions import CreateGroup, roll_plan
from phoenix.record.journal import Run
from phoenix.spec import refs
from phoenix.spec.images import ImageName
from phoenix.spec.services import BlueGreen, EnvironmentSpec, Hooks, LocalBalancer, ServiceSpec, Size

DRAIN = 30.0
"""Seconds for requests under way where phoenix.yaml no longer says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A service in an environment."""

    service: ServiceSpec
    environment: EnvironmentSpec

    @property
    def subject(self) -> str:
        """The key under which the place has one run at a time."""
        return str(names.of_service(self.service.name, self.environment.name))

    @property
    def name(self) -> model.Place:
        """How clouds name it."""
        return model.Place(service=self.service.name, environment=self.environment.name)

    @property
    def cloud(self) -> str:
        """The cloud that it is on, as phoenix.yaml names it."""
        return self.environment.cloud


def named(site: Site, service: str, environment: str | None = None) -> Place:
    """The place; the environment need not be named where there is one. SpecError naming those there are."""
    spec = site.project.service(service)
    return _place(spec, site.project.environment(spec, environment))


def _place(spec: ServiceSpec, where: EnvironmentSpec) -> Place:
    """The service as it is in that environment."""
    return Place(service=spec.at(where), environment=where)


def known(site: Site) -> tuple[Place, ...]:
    """Every place of phoenix.yaml."""
    services = site.project.services.values()
    return tuple(_place(spec, where) for spec in services for where in spec.environments.values())


def that_it_served(site: Site, group: str) -> Place | None:
    """The place of phoenix.yaml of which the record says that the group served it before another; None: none."""
    for place in known(site):
        turns = site.history.served(place.service.name, place.environment.name)
        if any(group in (turn.group, turn.former) for turn in turns):
            return place
    return None


def of_run(site: Site, run: Run) -> Place:
    """The place of a run that changes groups.

    RefusedError where phoenix.yaml no longer has it and no cloud of it has a group of it.
    """
    name, environment = run.about.parts[0], run.about.parts[-1]
    service = site.project.services.get(name)
    if service is not None and environment in service.environments:
        return _place(service, service.environments[environment])
    for cloud in site.project.clouds:
        for group in site.cloud(cloud).groups.list():
            if (group.service, group.environment) == (name, environment):
                return _stand_in(site, cloud, name, environment, _image(group))
    created = [step.action for step in roll_plan(run.plan).steps if isinstance(step.action, CreateGroup)]
    if len(site.project.clouds) == 1 and created:
        (cloud,) = site.project.clouds
        return _stand_in(site, cloud, name, environment, created[0].release.image_ref)
    raise RefusedError(
        f"phoenix.yaml does not say where {run.subject} is",
        details=f"{site.project.file} has no such service and environment, and no cloud of it has a group of theirs",
        resolution="Say it again from a checkout that has them.",
    )


def forgotten(site: Site) -> tuple[Place, ...]:
    """Places that have groups on a cloud where phoenix.yaml no longer has them."""
    clouds = site.project.clouds
    return tuple(place for cloud in clouds for place in forgotten_among(site, cloud, site.cloud(cloud).groups.list()))


def forgotten_among(site: Site, cloud: str, groups: tuple[Group, ...]) -> tuple[Place, ...]:
    """Those that `groups`, just read from `cloud`, belong to."""
    found: dict[tuple[str, str], Group] = {}
    for group in groups:
        if not _is_known(site, cloud, group):
            found.setdefault((group.service, group.environment), group)
    return tuple(_stand_in(site, cloud, *key, _image(group)) for key, group in found.items())


def _is_known(site: Site, cloud: str, group: Group) -> bool:
    service = site.project.services.get(group.service)
    environment = service.environments.get(group.environment) if service else None
    return environment is not None and environment.cloud == cloud


def _image(group: Group) -> str:
    return group.release.image_ref if group.release else ""


def _stand_in(site: Site, cloud: str, name: str, environment: str, image_ref: str) -> Place:
    where = EnvironmentSpec(
        name=environment,
        cloud=cloud,
        size=Size(minimum=1, maximum=1),
        machine=LocalMachine(),
        load_balancer=LocalBalancer(listen=""),
        strategy=BlueGreen(keep=0.0),
    )
    known_service = site.project.services.get(name)
    service = known_service or ServiceSpec(
        name=name,
        image=refs.parse(image_ref).image or ImageName(type=ImageType.IMMUTABLE, name=name),
        packages=(),
        settings={},
        port=0,
        health=Health(),
        drain=DRAIN,
        min_healthy=None,
        hooks=Hooks(),
        orphan="abort",
        environments={environment: where},
    )
    return Place(service=service, environment=where)
