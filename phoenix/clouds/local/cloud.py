"""The local cloud as one thing to ask: its images, its groups, and a balancer per service and environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix.clouds.api import Need, Say, Template
from phoenix.clouds.local.bake import template
from phoenix.clouds.local.bake.mirror import mirror_of
from phoenix.clouds.sight import Sight
from phoenix.errors import RefusedError, SpecError
from phoenix.manner import Abilities, Alarm, BootSeen, Finding, State
from phoenix.model import Health, Place
from phoenix.spec.clouds import LocalCloud
from phoenix.spec.project import Project
from phoenix.spec.services import LocalBalancer
from phoenix.tools import loopback

if TYPE_CHECKING:  # each room is loaded when it is entered: a bake that is a hit needs no balancer
    from phoenix.clouds.local.groups import LocalGroups
    from phoenix.clouds.local.images import LocalImages
    from phoenix.clouds.local.traffic import LocalTraffic


ABILITIES = Abilities(
    builders=("chroot", "light", "packer"),
    proofs=("light", "qemu"),
    boot=BootSeen.TOLD,
    heals=False,
    autoscaler=False,
    zones=False,
    here_only=True,
    near=("chroot", "light"),
)


class LocalCloudDoor:
    """Implements `clouds.api.Cloud` on this computer."""

    def __init__(self, project: Project, spec: LocalCloud) -> None:
        self._project = project
        self._spec = spec
        self.sight = Sight()
        """Unused: a look costs nothing here."""

    @cached_property
    def images(self) -> LocalImages:
        """Its images."""
        from phoenix.clouds.local.images import LocalImages

        return LocalImages(self._spec, reach=(*self.reach, *loopback.proxies(os.environ)))

    @cached_property
    def groups(self) -> LocalGroups:
        """Its groups."""
        from phoenix.clouds.local.groups import LocalGroups

        return LocalGroups(self._project.name, self._spec, reach=self.reach)

    @property
    def abilities(self) -> Abilities:
        """What it can do: machines tell how their boot goes, and nobody but phoenix starts or ends any."""
        return ABILITIES

    def builder(self, say: Say) -> str:
        """A light machine, where it runs behind a fence; else the chroot. RefusedError where that cannot be told."""
        from phoenix.clouds.local.machines import probe

        return "light" if probe.fenced(say) else "chroot"

    def template(self, *, base: str | None, parent: str | None) -> Template:  # noqa: ARG002 (the builder lays them in)
        """A machine in QEMU."""
        return template.template()

    def url_for_machines(self, url: str) -> str:
        """This computer has another address in the network of its machines."""
        return loopback.machine_url(url)

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:  # noqa: ARG002
        """None: this computer has no alarms."""
        return ()

    def room(self, need: Need) -> tuple[Finding, ...]:
        """What this computer's kernel does not let start, where machines are light; nothing where it does."""
        from phoenix.clouds.local.machines import limits, probe

        try:
            light = probe.choose_engine(self._spec.machines).startswith("light")
        except RefusedError:  # said by who starts a machine
            return ()
        if not light:
            return ()
        lacks = limits.lacking(need.machines, limits.measured())
        return tuple(
            Finding(
                state=State.LACK,
                subject=limit.sysctl,
                found=limits.told(limit),
                remedy=f"Raise it: `{limit.raised(need.machines)}`, and in /etc/sysctl.d for the next start.",
            )
            for limit in lacks
        )

    def check(self, *, rights: bool = False) -> tuple[Finding, ...]:  # noqa: ARG002 (nobody gives any here)
        """Room, memory, the mirror, and the engines that run machines, tried."""
        from phoenix.clouds.local import check

        recipes = self._project.recipes.values()
        suites = frozenset(recipe.base[self._spec.kind] for recipe in recipes if self._spec.kind in recipe.base)
        return tuple(check.local_clouds((self._spec,), suites, lambda _line: None))

    def policy(self) -> Mapping[str, Any]:
        """Nothing: whoever may start programs on this computer may do everything here."""
        return {}

    def mend(self, place: Place) -> tuple[str, ...]:
        """Start a balancer that has died, with the route it had."""
        if not self.traffic(place).ensure_running():
            return ()
        return (f"started the balancer of {place.service}/{place.environment} again, with the route it had",)

    def tidy(self, needed: frozenset[Place]) -> tuple[str, ...]:
        """End balancers that no group is attached to, of other places than these."""
        stay = {f"{place.service}-{place.environment}" for place in needed}
        idle = [name for name in self._kept() if name not in stay and self.left_behind(name).stop_idle()]
        return tuple(f"the balancer of {name}, which has no group" for name in idle)

    def running(self) -> tuple[str, ...]:
        """Its groups, and the balancers that run, also those of places that phoenix.yaml no longer has."""
        groups = tuple(f"group {group.name} ({group.size} machines)" for group in self.groups.list())
        known = {
            f"{service.name}-{environment.name}": f"{service.name}/{environment.name}"
            for service in self._project.services.values()
            for environment in service.environments.values()
            if environment.cloud == self.name
        }
        alive = (name for name in self._kept() if self.left_behind(name).is_running())
        return (*groups, *(f"the balancer of {known.get(name, name)}" for name in alive))

    def stop(self) -> tuple[str, ...]:
        """End every balancer and every machine of the project, and forget them."""
        stopped: list[str] = []
        for name in self._kept():
            traffic = self.left_behind(name)
            stopped += [f"the balancer of {name}"] if traffic.is_running() else []
            traffic.stop()
        for group in self.groups.list():
            self.groups.delete(group.name)
            stopped.append(f"group {group.name} ({group.size} machines)")
        return tuple(stopped)

    def traffic(self, place: Place) -> LocalTraffic:
        """The balancer of one service in one environment, also one that phoenix.yaml no longer has."""
        from phoenix.clouds.local.traffic import LocalTraffic
        from phoenix.tools.haproxy import Terms

        service, environment = place.service, place.environment
        spec = self._project.services.get(service)
        where = spec.environments.get(environment) if spec else None
        if spec is None or where is None:
            return self.left_behind(f"{service}-{environment}")
        balancer = where.load_balancer
        if not isinstance(balancer, LocalBalancer):
            raise SpecError(
                f"{service}/{environment} has no address to listen on",
                details=f"{self._project.file}: services.{service}.environments.{environment}.load_balancer.listen",
                resolution="Give it one, such as 127.0.0.1:8000.",
            )
        return LocalTraffic(
            directory=self.balancers / f"{service}-{environment}",
            listen=balancer.listen,
            health=spec.health,
            terms=Terms(timeouts=spec.limits, headers=balancer.headers, forwarded=balancer.forwarded, drain=spec.drain),
        )

    def left_behind(self, name: str) -> LocalTraffic:
        """A balancer by its directory's name, as it was last wanted: to be read, emptied and stopped."""
        from phoenix.clouds.local import balancer
        from phoenix.clouds.local.traffic import LocalTraffic
        from phoenix.tools.haproxy import USUAL

        directory = self.balancers / name
        state = balancer.load(directory)
        return LocalTraffic(
            directory=directory,
            listen=state.listen if state else "",
            health=Health(),
            terms=state.terms if state else USUAL,
        )

    def _kept(self) -> list[str]:
        """The names of the balancers that have a directory, running or not."""
        return sorted(path.name for path in self.balancers.iterdir()) if self.balancers.is_dir() else []

    @property
    def reach(self) -> tuple[int, ...]:
        """The loopback ports of this computer that machines need, and no others: of repositories, of a mirror here."""
        repositories = (repository.url_for(self.name) for repository in self._project.repositories.values())
        return loopback.ports((*repositories, mirror_of(self._spec)))

    @property
    def name(self) -> str:
        """The cloud, as phoenix.yaml names it."""
        return self._spec.name

    @property
    def balancers(self) -> Path:
        """The directory that holds a directory per balancer of the project: several projects may share a root."""
        return self._spec.root / "balancer" / self._project.name
