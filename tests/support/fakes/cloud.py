"""A hand-written cloud in memory, for tests of what *we* decide.

It keeps the contracts of `clouds.api` (the contract suites run over it, too), and refuses what those forbid. It has
the manners of one kind of cloud (`manners.py`), and may hold one group that phoenix did not make.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from phoenix.clouds import rules
from phoenix.clouds.api import Between, Need, Say, Template, idle
from phoenix.clouds.local.bake import template
from phoenix.clouds.sight import Sight
from phoenix.errors import CloudError, RefusedError, StaleRouteError
from phoenix.manner import Abilities, Alarm, BootSeen, DrainedBy, Finding, Preview, PreviewBy, Stray, Survey
from phoenix.model import Group, LaunchTemplate, MachineKind, Place, Release, Route
from tests.support.fakes.images import FakeImages
from tests.support.fakes.manners import FOREIGN
from tests.support.fakes.memory import Call, Memory


class FakeCloud(Memory):
    """Groups and one balancer in memory; both protocols in one object so that a test sees one world."""

    @property
    def door(self) -> FakeDoor:
        """The cloud, as those see it who ask for its groups, its images and a balancer."""
        return FakeDoor(groups=self, images=self.images)

    def mend(self, place: Place) -> tuple[str, ...]:
        return ()

    def list(self) -> tuple[Group, ...]:
        self._answer()
        return tuple(self._shown(group) for group in self.standing.values() if group.made)

    def find(self, name: str) -> Group | None:
        return self._seen(partial(self._find, name), "find", name)

    def _find(self, name: str) -> Group | None:
        self._answer()
        group = self.standing.get(name)
        return self._shown(group) if group else None

    def strays(self, listed: tuple[Group, ...]) -> tuple[Stray, ...]:
        return self.taken_out

    def survey(self, name: str) -> Survey:
        self._answer()
        return self.surveys.get(name, Survey())

    def refuse_unfit(self, release: Release, user_data: str, machine: MachineKind) -> None:
        if len(user_data) > self.boot_work_limit:
            raise RefusedError("the boot work is too big", details=f"{len(user_data)} bytes")

    def barren(self, name: str) -> str:
        return "its launch template is gone" if name in self.templateless else ""

    def create(self, group: Group, template: LaunchTemplate, *, between: Between) -> None:
        with Call(self):
            if template.born_with != self.born_with(group.name):
                raise AssertionError(f"{group.name} is born with {template.born_with}")
            standing = self.standing.get(group.name)
            if standing:
                rules.refuse_another(standing, group.project, "memory")
                rules.refuse_other_release(standing, group)
            self.standing.setdefault(group.name, replace(group, instances=self._machines(group.name, (), group.size)))
            self.templates[group.name] = template

    def resize(self, name: str, size: int, *, between: Between) -> None:
        with Call(self):
            standing = self._own(name)
            machines = self._machines(name, standing.instances, size)
            self.standing[name] = replace(standing, size=size, instances=machines)

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between) -> None:
        with Call(self):
            group = replace(self._own(name), size=size)
            if self.manner.drain is DrainedBy.REQUESTS:
                self.cut += [each for each in sorted(instances) if self.answering.get(each)]
            self.standing[name] = self._leaving(group, instances)
            self._note()

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        with Call(self):
            self.standing[name] = replace(self._own(name), keep_until=keep_until)

    def pin(self, name: str, *, until: datetime) -> None:
        with Call(self):
            self.standing[name] = replace(self._there(name), pinned_until=until)

    def unpin(self, name: str) -> None:
        with Call(self):
            if name in self.standing:
                self.standing[name] = replace(self.standing[name], pinned_until=None)

    def logs(self, instance_id: str) -> Mapping[str, str]:
        group = instance_id.rpartition("-")[0]
        if self.kind.abilities.boot is BootSeen.TOLD:
            return {"boot": f"boot log of {instance_id}{self.told_at_boot}", "service": f"service log of {instance_id}"}
        self.consoles.append((self.clock.seconds, instance_id))
        failed = "phoenix-boot: failed: apt-get ended with 100\n" if group in self.broken_boot else ""
        return {"console": f"Linux version 6\n{failed}{self.told_at_boot}login:"}

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        with Call(self):
            if name in self.fail_delete:
                raise CloudError(f"deleting {name} timed out")
            if self.shares.get(name) and not self.forgiving:
                raise AssertionError(f"{name} was deleted while it had traffic")
            if name in self.standing:
                if self.standing[name].made or not adopt:
                    self._own(name)
                del self.standing[name]

    def sweep(self) -> tuple[str, ...]:
        return ()

    def read(self, of: Collection[str] | None = None) -> Route:
        return self._seen(partial(self._read, of), "read", of)

    def _read(self, of: Collection[str] | None) -> Route:
        self._answer()
        return self._route(of)

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:
        return self.born_with(group.name)

    def attach(self, group: Group, *, between: Between = idle) -> None:
        with Call(self):
            self.attached[group.name] = tuple(instance.id for instance in group.staying)
            self.touches += 1
            self._note()

    def retire(self, group: Group, instances: frozenset[str]) -> bool:
        if self.manner.drain is DrainedBy.MANAGER:
            return False
        self.attach(group.without(instances))
        return True

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        with Call(self):
            wanted = rules.routed(shares)
            unknown = set(wanted) - set(self.attached)
            if unknown:
                raise CloudError(f"{unknown} is not attached")
            self._refuse_stale(wanted, seen)
            raised = [group for group, share in wanted.items() if share > self.shares.get(group, 0)]
            known = [(group, machine) for group in raised for machine in self.known(group)]
            self.cold += [machine for group, machine in known if not self._answers(group, machine)]
            self._before = (self.clock.seconds + self.lag, self._effective())
            if self.before_phoenix is None:
                self.before_phoenix = {name: self.shares[name] for name in self.shares if name == FOREIGN}
            self.shares, self.elsewhere = dict(wanted or self.before_phoenix), ""
            self.touches += 1
            self.history.append(self._behind())
            self._note()

    def move(self, shares: Mapping[str, int]) -> None:
        """Somebody else gives the shares, whatever they are now."""
        self.late.add(repr(sorted(shares.items())))
        self.shift(shares, self._route())

    def send_elsewhere(self, where: str) -> None:
        """Somebody lets no group have traffic any more."""
        self.shares, self.elsewhere = {}, where
        self.touches += 1

    def _refuse_stale(self, wanted: Mapping[str, int], seen: Route) -> None:
        told = repr(sorted(wanted.items()))
        if self.kind.busy and told not in self.late:
            self.late.add(told)
            self.touches += 1
        if self.kind.checks_version and seen.version != self._version():
            raise StaleRouteError("the route is another by now", details=f"{self._version()}, not {seen.version}")

    def preview(self, group: str) -> Preview | None:
        if group not in self.attached:
            return None
        if self.manner.preview is PreviewBy.ADDRESS:
            return Preview(url=f"http://preview/{group}")
        return Preview(url="http://127.0.0.1:8000", headers=(("X-Phoenix-Group", group),))

    def check(self, *, back: bool = False) -> None:
        if self.address_taken_by:
            raise RefusedError("the balancer cannot listen", details=f"{self.address_taken_by} listens there")
        if self.full and not back:
            raise RefusedError("the balancer has no room for another group", details="it is full", resolution="Wait.")

    def detach(self, group: str, *, between: Between = idle) -> None:
        with Call(self):
            if self.shares.get(group) and not self.forgiving:
                raise CloudError(f"{group} gets {self.shares[group]} % of the traffic")
            self.attached.pop(group, None)
            self.touches += 1


def release_of(group: Group | None) -> Release:
    """What a group runs that phoenix made."""
    assert group is not None
    assert group.release is not None
    return group.release


@dataclass
class FakeDoor:
    """A cloud of which everything is in memory, with one balancer for every place."""

    groups: FakeCloud
    images: FakeImages
    name: str = "local"
    needed: frozenset[Place] = frozenset()
    """The places whose balancers stayed when it was tidied last."""

    @property
    def abilities(self) -> Abilities:
        return self.groups.kind.abilities

    @property
    def sight(self) -> Sight:
        return self.groups.sight

    def builder(self, say: Say) -> str:
        return self.abilities.builders[0]

    def traffic(self, place: Place) -> FakeCloud:
        return self.groups

    def template(self, *, base: str | None, parent: str | None) -> Template:
        return template.template()

    def url_for_machines(self, url: str) -> str:
        return url

    def alarms(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:
        return self.groups.rings(names)

    def room(self, need: Need) -> tuple[Finding, ...]:
        return self.groups.room_for(need)

    def check(self, *, rights: bool = False) -> tuple[Finding, ...]:
        return ()

    def policy(self) -> Mapping[str, Any]:
        return {}

    def mend(self, place: Place) -> tuple[str, ...]:
        return self.groups.mend(place)

    def tidy(self, needed: frozenset[Place]) -> tuple[str, ...]:
        self.needed = needed
        return ()

    def running(self) -> tuple[str, ...]:
        if not self.abilities.here_only:
            return ()
        return tuple(f"group {group.name} ({group.size} machines)" for group in self.groups.list())

    def stop(self) -> tuple[str, ...]:
        stopped = tuple(self.groups.standing)
        self.groups.standing, self.groups.attached, self.groups.shares = {}, {}, {}
        return stopped
