"""What the environments of one cloud of phoenix.yaml need of it: machines and groups, twice while a roll goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phoenix.clouds.gcp.account.firewall import Target
from phoenix.clouds.gcp.account.quotas import Quotas, Wanted, of_machines
from phoenix.model import CloudMachine, Place
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec, GcpUrlMap, ServiceSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """One service in one environment on the cloud."""

    service: ServiceSpec
    environment: EnvironmentSpec
    machine: CloudMachine

    @property
    def name(self) -> str:
        """SERVICE/ENVIRONMENT, as people type it."""
        return f"{self.service.name}/{self.environment.name}"

    @property
    def place(self) -> Place:
        """By its names."""
        return Place(service=self.service.name, environment=self.environment.name)

    @property
    def target(self) -> Target:
        """What health checks have to reach."""
        return Target(port=self.service.port, tags=self.machine.firewall, identity=self.machine.identity)

    @property
    def is_regional(self) -> bool:
        """Whether its load balancer is a regional one."""
        return getattr(self.environment.load_balancer, "region", None) is not None

    def secrets(self, prefix: str) -> bool:
        """Whether a setting of it refers to a secret by `prefix`."""
        return any(text.startswith(prefix) for text in self.service.settings.values())

    def groups(self, number: int) -> Iterator[Wanted]:
        """What so many groups more need, beside their machines."""
        zonal = len(self.environment.zones) == 1
        yield Wanted(metric="INSTANCE_GROUP_MANAGERS" if zonal else "REGIONAL_INSTANCE_GROUP_MANAGERS", number=number)
        yield Wanted(metric="INSTANCE_TEMPLATES", number=number)
        yield Wanted(metric="HEALTH_CHECKS", number=number)
        if isinstance(self.environment.load_balancer, GcpUrlMap) and not self.is_regional:
            yield Wanted(metric="BACKEND_SERVICES", number=number)


def of(project: Project, cloud: str) -> tuple[Served, ...]:
    """Every place on the cloud."""
    return tuple(
        Served(service=service.at(environment), environment=environment, machine=environment.machine)
        for service in project.services.values()
        for environment in service.environments.values()
        if environment.cloud == cloud and isinstance(environment.machine, CloudMachine)
    )


def machines(places: tuple[Served, ...]) -> int:
    """Twice the largest size of each: what a roll of all of them needs."""
    return sum(2 * each.environment.size.maximum for each in places)


def twice(places: tuple[Served, ...], cpus: dict[str, int], quotas: Quotas) -> Iterator[Wanted]:
    """What a roll of all of them needs of the quotas; `cpus`: vCPUs by machine type."""
    for each in places:
        number = 2 * each.environment.size.maximum
        yield from of_machines(each.machine, cpus.get(each.machine.type, 0), number, quotas)
        yield from each.groups(2)
