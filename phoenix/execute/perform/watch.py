"""How a roll sees, look by look, that a group works, whoever its cloud is.

As many machines as the group's floor have to be healthy. Where machines tell how their boot goes and nobody replaces
them, a failed one is the end. Where the cloud replaces machines by itself a lost one says nothing yet, and losing
again and again is the end; and where nobody tells of the boot, a failure stands on the serial console.
"""

from __future__ import annotations

import re
from math import ceil

from phoenix.errors import CloudError
from phoenix.execute.perform import guards
from phoenix.execute.perform.world import World
from phoenix.manner import BootSeen
from phoenix.model import Backend, BootState, Group, Instance, InstanceState, Route
from phoenix.wait import Look, Verdict, retry_while_unknown

LOST_AT_MOST, LOST_PART = 2, 0.2
"""So many machines of a group, or such a part of it, may be replaced while it is watched."""
CONSOLE_LOOKS = 30.0
"""Seconds between two consoles that are read: clouds tell of one machine at a time, and count how often they do."""
QUIET = 30.0
"""Seconds for which a service that was started again has to live before its group is healthy."""
AWAY_LOOKS = 3
"""Looks in a row at a balancer that no longer has the group: what was read in the middle of a change is one."""
FAILED = re.compile(r"^phoenix-boot: failed: (.*\S)\s*$", re.MULTILINE)
"""What boot work that failed writes to the serial console (`templates/boot/boot.sh.j2`), and why."""
KEPT = re.compile(r"^phoenix-boot: kept: (/\S+), of the image; ", re.MULTILINE)
"""What it writes of a configuration file that the image has otherwise than its package."""


class Watch:
    """Looks at one group again and again, and remembers which machines it has lost meanwhile."""

    def __init__(self, world: World, group: str, min_healthy: int | None) -> None:
        self._world = world
        self._name = group
        self._min_healthy = min_healthy
        self._known: set[str] = set()
        self._lost: set[str] = set()
        self._size = 0
        self._restarts: dict[str, int] = {}
        """How often each machine's services had been started again when it was first looked at."""
        self._again = 0
        self._again_at = 0.0
        """How often they were while this was watched, and when that was last seen."""
        self._attached, self._away = False, 0
        """Whether the balancer has had the group while this was watched, and at how many looks it has not since."""
        self._console_at: float | None = None
        self._read: dict[str, int] = {}
        """How often each machine's console was read."""

    def look(self, route: Route | None = None) -> Look:
        """The same as `see`; unknown where the cloud or the balancer gives no answer."""
        try:
            return self.see(route)
        except CloudError as error:
            return retry_while_unknown(error)

    def see(self, route: Route | None = None) -> Look:
        """Whether enough machines of the group have finished their boot and pass the balancer's check now.

        `route`: the balancer's view of this group, where it has just been read: clouds count how often they are asked.
        """
        backend = (route or self._world.route((self._name,))).backend(self._name)
        group = self._world.groups.find(self._name)
        if group is None:
            return Look(verdict=Verdict.FAIL, seen=f"{self._name} is gone: somebody has removed it")
        hopeless = self._taken_out(backend) or self._hopeless(group, backend)
        if hopeless:
            return Look(verdict=Verdict.FAIL, seen=hopeless)
        again = self._started_again(group)
        there, healthy = group.staying, backend.healthy if backend else 0
        needed = max(1, guards.floor_of(group.size, self._min_healthy))  # of a group made as small as 0, none is well
        seen = f"{healthy} of {group.size} pass the health check"
        ready = min(healthy, len(there)) >= needed
        if self._world.abilities.boot is BootSeen.TOLD:
            booted = sum(1 for instance in there if instance.boot is BootState.DONE)
            seen, ready = (
                f"{booted} of {group.size} have finished their boot work, {healthy} pass the health check",
                (ready and booted >= needed),
            )
        if again:
            return Look(verdict=Verdict.UNKNOWN, seen=f"{seen}; {again}")
        if ready:
            return Look(verdict=Verdict.PASS, seen=seen)
        why = (group.trouble, backend.seen if backend else "")
        return Look(verdict=Verdict.UNKNOWN, seen="; ".join((seen, *filter(None, why))))

    def _taken_out(self, backend: Backend | None) -> str:
        """Why nobody will check the group any more; empty where the balancer has it, or is only about to."""
        self._away = self._away + 1 if backend is None and self._attached else 0
        self._attached = self._attached or backend is not None
        if self._away < AWAY_LOOKS:
            return ""
        return f"the balancer no longer has {self._name}: somebody has taken it out"

    def _hopeless(self, group: Group, backend: Backend | None) -> str:
        """Why the group can no longer become healthy; empty where it can."""
        if group.hopeless and len(_there(group)) < guards.floor_of(group.size, self._min_healthy):
            return f"no machine can be started: {group.trouble}"
        for instance in group.staying:
            failed = instance.boot is BootState.FAILED or instance.failed_units
            if failed or (instance.state is InstanceState.DEAD and not self._world.abilities.heals):
                return f"{instance.id}: {instance.detail or instance.state}"
        if self._world.abilities.heals:
            self._count_lost(group)
            allowed = max(LOST_AT_MOST, ceil(group.size * LOST_PART))
            if len(self._lost) > allowed:
                return f"{len(self._lost)} machines were lost, the last of them {max(self._lost)}: it goes on and on"
        if self._world.abilities.boot is BootSeen.CONSOLE:
            return self._failed_boot(group, backend)
        return ""

    def _started_again(self, group: Group) -> str:
        """What is to be said of services that end and are started again: for a while after that nothing is healthy."""
        now = self._world.clock.monotonic()
        counted = {each.id: each.restarts for each in group.staying if each.restarts is not None}
        self._restarts = {**counted, **self._restarts}
        grown = {name: count - self._restarts[name] for name, count in counted.items() if count > self._restarts[name]}
        if sum(grown.values()) > self._again:
            self._again, self._again_at = sum(grown.values()), now
        if not grown or now - self._again_at >= QUIET:
            return ""
        worst = max(grown, key=lambda name: (grown[name], name))
        return f"the service of {worst} ended and was started again, {grown[worst]} times while this was watched"

    def _count_lost(self, group: Group) -> None:
        alive = {i.id for i in group.staying if i.state is not InstanceState.DEAD}
        dead = {i.id for i in group.staying} - alive
        if group.size >= self._size:  # else somebody made it smaller, and machines that went were no loss
            self._lost |= (self._known - alive) | dead
        self._known = alive
        self._size = group.size

    def _failed_boot(self, group: Group, backend: Backend | None) -> str:
        """Read the console of one machine that is not healthy, now and then, each in its turn."""
        well = backend.well if backend else frozenset[str]()
        ill = [instance for instance in group.staying if instance.id not in well]
        now = self._world.clock.monotonic()
        if not ill or (self._console_at is not None and now - self._console_at < CONSOLE_LOOKS):
            return ""
        self._console_at = now
        chosen = min(ill, key=lambda instance: (self._read.get(instance.id, 0), instance.id))
        self._read[chosen.id] = self._read.get(chosen.id, 0) + 1
        found = FAILED.findall(self._world.groups.logs(chosen.id).get("console", ""))
        return f"{chosen.id}: boot work failed: {found[-1]}" if found else ""


def _there(group: Group) -> tuple[Instance, ...]:
    """Its machines without those that a cloud only names, while it tries in vain to make them."""
    return tuple(i for i in group.staying if i.state is not InstanceState.STARTING or i.since or i.address)
