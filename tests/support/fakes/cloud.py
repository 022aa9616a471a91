"""A hand-written cloud in memory, for tests of what *we* decide.

It keeps the contracts of `clouds.api` (the contract suites run over it, too), and refuses what those forbid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from phoenix.clouds.api import Between, idle
from phoenix.errors import CloudError, RefusedError, UnreachableError
from phoenix.manner import Abilities, Finding, Manner, Preview
from phoenix.model import Backend, BootState, Group, Instance, InstanceState, LaunchTemplate, Place, Route
from tests.support.fakes.doubles import FakeClock, Killed
from tests.support.fakes.images import FakeImages
from tests.support.fakes.manners import LOCAL, Kind


class FakeCloud:
    """Groups and one balancer in memory; both protocols in one object so that a test sees one world."""

    def __init__(self, clock: FakeClock, kind: Kind = LOCAL) -> None:
        self.clock = clock
        self.kind = kind
        self.images = FakeImages()
        self.standing: dict[str, Group] = {}
        self.templates: dict[str, LaunchTemplate] = {}
        self.attached: dict[str, tuple[str, ...]] = {}
        """The instances of each group that the balancer knows."""
        self.shares: dict[str, int] = {}
        self.sessions: dict[str, int] = {}
        self.sick: set[str] = set()
        """Groups whose machines never answer."""
        self.ill: set[str] = set()
        """Single machines that do not answer."""
        self.answering: dict[str, int] = {}
        """Requests under way at single machines."""
        self.cut: list[str] = []
        """Machines that were ended while they answered."""
        self.unreachable = False
        """Whether every read of the balancer and of the groups fails."""
        self.broken_boot: set[str] = set()
        self.calls = 0
        self.death: type[BaseException] = Killed
        self.kill_before_call: int | None = None
        self.kill_after_call: int | None = None
        self.fail_before_call: int | None = None
        """The write call of that number does not arrive."""
        self.fail_after_call: int | None = None
        """The write call of that number is carried out, and its answer is lost."""
        self.failure: type[CloudError] = UnreachableError
        """What such a call fails with."""
        self.reads = 0
        self.kill_before_read: int | None = None
        self.fail_read: int | None = None
        """The read of that number gets no answer."""
        self.fail_delete: set[str] = set()
        self.address_taken_by = ""
        """A foreign program that listens at the balancer's address."""
        self.imageless: set[str] = set()
        """Groups for which no machine can be started any more."""
        self.forgiving = False
        """Whether a group with traffic can be deleted, as on a real cloud, instead of failing the test at once."""
        self.history: list[dict[str, int]] = []
        """Every route that was written, with the number of healthy machines behind each share."""
        self.serving: list[int] = []
        """After every change: how many healthy machines had traffic."""
        self.cold: list[str] = []
        """Machines that did not answer when their group's share was raised."""
        self.lag = 0.0
        """Seconds until a shift takes effect."""
        self._before: tuple[float, dict[str, int]] = (0.0, {})

    @property
    def door(self) -> FakeDoor:
        """The cloud, as those see it who ask for its groups, its images and a balancer."""
        return FakeDoor(groups=self, images=self.images)

    @property
    def manner(self) -> Manner:
        return self.kind.manner

    def mend(self, place: Place) -> tuple[str, ...]:
        return ()

    # groups

    def list(self) -> tuple[Group, ...]:
        self._answer()
        return tuple(self.standing.values())

    def find(self, name: str) -> Group | None:
        self._answer()
        return self.standing.get(name)

    def create(self, group: Group, template: LaunchTemplate, *, between: Between) -> None:
        with _Call(self):
            standing = self.standing.get(group.name)
            if standing and standing.release.id != group.release.id:
                raise CloudError(f"{group.name} exists with another release")
            self.standing.setdefault(group.name, replace(group, instances=self._machines(group.name, (), group.size)))
            self.templates[group.name] = template

    def resize(self, name: str, size: int, *, between: Between) -> None:
        with _Call(self):
            standing = self.standing[name]
            self.standing[name] = replace(standing, size=size, instances=self._machines(name, standing.instances, size))

    def shrink(self, name: str, instances: frozenset[str], *, size: int, between: Between) -> None:
        with _Call(self):
            self.cut += [each for each in sorted(instances) if self.answering.get(each)]
            self.standing[name] = replace(self.standing[name], size=size).without(instances)
            self._note()

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        with _Call(self):
            self.standing[name] = replace(self.standing[name], keep_until=keep_until)

    def logs(self, instance_id: str) -> Mapping[str, str]:
        return {"boot": f"boot log of {instance_id}", "service": f"service log of {instance_id}"}

    def delete(self, name: str, *, between: Between = idle) -> None:
        with _Call(self):
            if name in self.fail_delete:
                raise CloudError(f"deleting {name} timed out")
            if self.shares.get(name) and not self.forgiving:
                raise AssertionError(f"{name} was deleted while it had traffic")
            self.standing.pop(name, None)

    # traffic

    def read(self) -> Route:
        self._answer()
        return self._route()

    def _route(self) -> Route:
        backends = [
            Backend(
                group=name,
                share=self._effective().get(name, 0),
                healthy=sum(1 for each in known if self._answers(name, each)),
                total=len(known),
                sessions=self.sessions.get(name, 0),
                well=frozenset(each for each in known if self._answers(name, each)),
                leaving=sum(n for each, n in self.answering.items() if each not in known and each.startswith(name)),
            )
            for name, known in sorted(self.attached.items())
        ]
        return Route(address="http://127.0.0.1:8000", backends=tuple(backends))

    def _effective(self) -> dict[str, int]:
        until, former = self._before
        return former if self.clock.seconds < until else self.shares

    def _answers(self, group: str, instance: str) -> bool:
        machines = {i.id: i for i in self.standing[group].instances} if group in self.standing else {}
        alive = instance in machines and machines[instance].state is InstanceState.RUNNING
        return alive and instance not in self.ill and group not in self.sick | self.broken_boot

    def _answer(self) -> None:
        self.reads += 1
        if self.kill_before_read == self.reads:
            raise self.death
        if self.unreachable:
            raise UnreachableError("the balancer does not answer")
        if self.fail_read == self.reads:
            raise self.failure("the cloud failed")

    def attach(self, group: Group) -> None:
        with _Call(self):
            self.attached[group.name] = tuple(instance.id for instance in group.instances)
            self._note()

    def shift(self, shares: Mapping[str, int]) -> None:
        with _Call(self):
            unknown = set(shares) - set(self.attached)
            if unknown:
                raise CloudError(f"{unknown} is not attached")
            raised = [group for group, share in shares.items() if share > self.shares.get(group, 0)]
            known = [(group, machine) for group in raised for machine in self.attached[group]]
            self.cold += [machine for group, machine in known if not self._answers(group, machine)]
            self._before = (self.clock.seconds + self.lag, self.shares)
            self.shares = dict(shares)
            self.history.append(self._behind())
            self._note()

    def preview(self, group: str) -> Preview | None:
        return Preview(url=f"http://preview/{group}")

    def check(self) -> None:
        if self.address_taken_by:
            raise RefusedError("the balancer cannot listen", details=f"{self.address_taken_by} listens there")

    def sweep(self) -> tuple[str, ...]:
        return ()

    def detach(self, group: str) -> None:
        with _Call(self):
            if self.shares.get(group) and not self.forgiving:
                raise CloudError(f"{group} has a share")
            self.attached.pop(group, None)

    def kill_machine(self, instance: str) -> None:
        """A machine of some group dies."""
        group = next(g for g in self.standing.values() if any(i.id == instance for i in g.instances))
        dead = tuple(replace(i, state=InstanceState.DEAD) if i.id == instance else i for i in group.instances)
        self.standing[group.name] = replace(group, instances=dead)

    def _note(self) -> None:
        self.serving.append(sum(self._behind().values()))

    def _behind(self) -> dict[str, int]:
        return {b.group: b.healthy for b in self._route().backends if b.share}

    def _machines(self, group: str, there: tuple[Instance, ...], size: int) -> tuple[Instance, ...]:
        """Those that are there, the first `size` of them, and new ones under free names."""
        if group in self.imageless and size > len(there):
            raise CloudError("the image is gone")
        taken = {instance.id for instance in there}
        free = (f"{group}-{index}" for index in range(1, 1000) if f"{group}-{index}" not in taken)
        return (*there[:size], *(self._machine(group, next(free)) for _ in range(size - len(there))))

    def _machine(self, group: str, name: str) -> Instance:
        broken = group in self.broken_boot
        return Instance(
            id=name,
            group=group,
            state=InstanceState.RUNNING,
            boot=BootState.FAILED if broken else BootState.DONE,
            address=f"127.0.0.1:{9000 + int(name.rpartition('-')[2])}",
            engine="fake",
            detail="boot work failed with exit code 1" if broken else "",
        )


class _Call:
    """Counts a write call to the cloud, and kills the process, or fails, before or after the N-th."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud

    def __enter__(self) -> None:
        self._cloud.calls += 1
        self._number = self._cloud.calls
        if self._cloud.kill_before_call == self._number:
            raise self._cloud.death
        if self._cloud.fail_before_call == self._number:
            raise self._cloud.failure("the cloud failed")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None and self._cloud.kill_after_call == self._number:
            raise self._cloud.death
        if kind is None and self._cloud.fail_after_call == self._number:
            raise self._cloud.failure("the cloud failed")


@dataclass
class FakeDoor:
    """A cloud of which everything is in memory, with one balancer for every place."""

    groups: FakeCloud
    images: FakeImages

    @property
    def name(self) -> str:
        return "local"

    @property
    def abilities(self) -> Abilities:
        return self.groups.kind.abilities

    def traffic(self, place: Place) -> FakeCloud:
        return self.groups

    def url_for_machines(self, url: str) -> str:
        return url

    def check(self) -> tuple[Finding, ...]:
        return ()

    def mend(self, place: Place) -> tuple[str, ...]:
        return self.groups.mend(place)

    def stop(self) -> tuple[str, ...]:
        stopped = tuple(self.groups.standing)
        self.groups.standing, self.groups.attached, self.groups.shares = {}, {}, {}
        return stopped
