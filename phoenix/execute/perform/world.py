"""What a roll acts on: one service in one environment, and what the actions need of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from phoenix.clock import Clock
from phoenix.clouds.api import Cloud, Groups, Traffic
from phoenix.errors import CloudError
from phoenix.execute.engine import Context
from phoenix.manner import Abilities, Manner
from phoenix.model import Group, Instance, Place, Release, Route
from phoenix.plan.roll_actions import RunHooks
from phoenix.record.history import History
from phoenix.wait import Look

GOOD_ANSWERS = 3
"""Looks in a row that must pass before a group counts as healthy, or as drained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """One service in one environment."""

    project: str
    place: Place
    cloud: Cloud
    traffic: Traffic
    history: History
    clock: Clock
    user_data: Callable[[Release], str]
    """The boot work of a release (`boot_work.boot_script`)."""
    run_hooks: Callable[[RunHooks, Mapping[str, str], Context], None]
    ask: Callable[[Route], Look]
    """Makes one request to the service at the route's address and tells how it was answered."""
    ask_machine: Callable[[Instance], Look | None] = lambda _instance: None
    """Makes one request to a single machine, as the health check does; None where none can be reached from here."""

    def route(self, of: Collection[str] | None = None) -> Route:
        """The balancer's own view, for waits: one that has died meanwhile is started again with the route it had.

        `of`: the groups whose health is looked at, as of `Traffic.read`: clouds count how often they are asked.
        """
        self.cloud.mend(self.place)
        return self.traffic.read(of)

    @property
    def service(self) -> str:
        """The service's name."""
        return self.place.service

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.place.environment

    @property
    def groups(self) -> Groups:
        """The cloud's groups."""
        return self.cloud.groups

    @property
    def abilities(self) -> Abilities:
        """What the cloud can do."""
        return self.cloud.abilities

    @property
    def manner(self) -> Manner:
        """How the balancer behaves."""
        return self.traffic.manner

    def group(self, name: str) -> Group:
        """The group as it is now; CloudError where somebody has removed it.

        One that phoenix made for another place, as where a service was renamed, is not this one's (`made` is False).
        """
        group = self.groups.find(name)
        if group is None:
            raise CloudError(
                f"the group {name} is gone",
                details="it stood when the run began; somebody else removed it",
                resolution="See `phoenix status`, then roll again.",
            )
        of_here = (group.service, group.environment) == (self.service, self.environment)
        return group if of_here else replace(group, made=False)
