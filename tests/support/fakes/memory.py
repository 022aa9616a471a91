"""What a cloud in memory is made of, and what happens in it by itself: machines start, die, leave, are replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from phoenix.clouds import rules
from phoenix.clouds.api import Need
from phoenix.clouds.sight import Sight
from phoenix.errors import CloudError, StaleRouteError, UnreachableError
from phoenix.manner import Alarm, BootSeen, DrainedBy, Finding, Manner, Ring, State, Stray, Survey
from phoenix.model import Backend, BootState, Group, Instance, InstanceState, LaunchTemplate, Route
from tests.support.fakes.doubles import FakeClock, Killed
from tests.support.fakes.images import FakeImages
from tests.support.fakes.manners import FOREIGN, LOCAL, Kind

T = TypeVar("T")


class Memory:
    """The state of a cloud with one balancer, with the manners of its kind; and ways for it to go wrong."""

    unreachable = False
    """Whether every read of the balancer and of the groups fails."""
    templateless: frozenset[str] = frozenset()
    """Groups whose launch template somebody has deleted."""
    taken_out: tuple[Stray, ...] = ()
    """Machines that somebody took out of their groups."""
    calls = 0
    death: type[BaseException] = Killed
    kill_before_call: int | None = None
    kill_after_call: int | None = None
    fail_before_call: int | None = None
    """The write call of that number does not arrive."""
    fail_after_call: int | None = None
    """The write call of that number is carried out, and its answer is lost."""
    failure: type[CloudError] = UnreachableError
    """What such a call fails with."""
    reads = 0
    kill_before_read: int | None = None
    fail_read: int | None = None
    """The read of that number gets no answer."""
    address_taken_by = ""
    """A foreign program that listens at the balancer's address."""
    full = False
    """Whether the balancer has no room for another group."""
    forgiving = False
    """Whether a group with traffic can be deleted, as on a real cloud, instead of failing the test at once."""
    touches = 0
    """How often the route was written, by whomever."""
    images_gone = False
    """Whether no machine of any group can be started any more."""

    most_machines = 1000
    """So many more may be started."""
    boot_work_limit = 1 << 30
    """Bytes of boot work that a machine takes."""

    told_at_boot = ""
    """What every machine's boot work says."""

    crashing: Mapping[str, float] = MappingProxyType({})
    """Groups whose service ends and is started again every so many seconds, so quickly that no check misses it."""

    elsewhere: str = ""
    """What somebody has let the balancer do instead of giving groups traffic."""

    def __init__(self, clock: FakeClock, kind: Kind = LOCAL) -> None:
        self.clock, self.sight = clock, Sight(clock)
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
        self.broken_boot: set[str] = set()
        self.fail_delete: set[str] = set()
        self.imageless: set[str] = set()
        """Groups for which no machine can be started any more."""
        self.history: list[dict[str, int]] = []
        """Every route that was written, with the number of healthy machines behind each share."""
        self.serving: list[int] = []
        """After every change: how many healthy machines had traffic."""
        self.cold: list[str] = []
        """Machines that did not answer when their group's share was raised."""
        self.lag = kind.lags[0]
        """Seconds until a shift takes effect."""
        self.ready_at: dict[str, float] = {}
        """When machines that were started answer, where that is not at once."""
        self.gone_at: dict[str, float] = {}
        """When machines that are leaving are gone, and dead ones replaced."""
        self.late: set[str] = set()
        """Shifts that have come too late once, because others write to the same route."""
        self.consoles: list[tuple[float, str]] = []
        """When which machine's console was read."""
        self.before_phoenix: dict[str, int] | None = None
        """What the rule said before phoenix wrote it first."""
        self.surveys: dict[str, Survey] = {}
        """What is to be known of groups before they are replaced, where that is anything."""
        self.troubles: dict[str, tuple[str, bool]] = {}
        """Why machines of a group do not start, in the cloud's words, and whether that is certain to stay so."""
        self.needed: list[Need] = []
        """What was asked for room."""
        self.trespasses: list[str] = []
        """Writes to a group that phoenix did not make."""
        self.alarms: dict[str, Ring] = {"web-5xx": Ring.QUIET}
        """What there is of alarms, where the kind has some."""
        self._before: tuple[float, dict[str, int]] = (0.0, {})

    @property
    def manner(self) -> Manner:
        return self.kind.manner

    def _seen(self, ask: Callable[[], T], *asked: object) -> T:
        """What is read, shared within a look where reading costs calls."""
        return self.sight.seen(ask, *asked) if self.kind.by_group else ask()

    def found_foreign(self, size: int, *, serves: bool) -> None:
        """There is a group that phoenix did not make; it may be what serves."""
        machines = tuple(
            replace(self._machine(FOREIGN, f"{FOREIGN}-{number}"), boot=BootState.UNKNOWN)
            for number in range(1, size + 1)
        )
        self.standing[FOREIGN] = Group(
            name=FOREIGN,
            project="",
            service="",
            environment="",
            release=None,
            size=size,
            created=datetime(2020, 1, 1, tzinfo=UTC),
            instances=machines,
            made=False,
        )
        self.ready_at |= dict.fromkeys((each.id for each in machines), 0.0)
        if serves:
            self.attached[FOREIGN] = tuple(each.id for each in machines)
            self.shares = {FOREIGN: 100}

    def known(self, name: str) -> tuple[str, ...]:
        """The instances of the group that the balancer knows."""
        if not self.kind.by_group or name not in self.attached:
            return self.attached.get(name, ())
        return tuple(each.id for each in self.standing[name].staying) if name in self.standing else ()

    def _route(self, of: Collection[str] | None = None) -> Route:
        """With the health of the groups `of` alone, where the balancer is asked for each group's by itself."""
        shares = self._told()
        asked = self.attached if of is None or not self.kind.by_group else of
        backends = [
            Backend(group=name, share=shares.get(name, 0), healthy=0, total=0, requests=None)
            if name not in asked
            else Backend(
                group=name,
                share=shares.get(name, 0),
                healthy=sum(1 for each in self.known(name) if self._answers(name, each)),
                total=len(self.known(name)),
                requests=self.sessions.get(name, 0) if self.manner.drain is DrainedBy.REQUESTS else None,
                well=frozenset(each for each in self.known(name) if self._answers(name, each)),
                leaving=self._left(name) if self.manner.drain is DrainedBy.REQUESTS else 0,
                seen="2 x answered with 401" if name in self.sick else "",
                checks=tuple((each, "answered with 401") for each in self.known(name)) if name in self.sick else (),
            )
            for name in sorted(self.attached)
        ]
        return Route(
            address="http://127.0.0.1:8000", backends=tuple(backends), version=self._version(), elsewhere=self.elsewhere
        )

    def _told(self) -> dict[str, int]:
        """The shares as the balancer tells them; where they are not exact each group has what its machines can bear."""
        shares = self.shares if self.kind.shows_at_once else self._effective()
        if self.manner.exact_shares:
            return {name: share for name, share in shares.items() if share}
        return rules.percents({name: max(1, len(self.known(name))) for name, share in shares.items() if share})

    def _left(self, name: str) -> int:
        """Requests under way at machines of the group that get no new ones."""
        return sum(n for each, n in self.answering.items() if each not in self.known(name) and each.startswith(name))

    def _effective(self) -> dict[str, int]:
        until, former = self._before
        return former if self.clock.seconds < until else self.shares

    def _version(self) -> str:
        return f"{self.touches if self.kind.busy else ''}{sorted(self.shares.items())}"

    def _answers(self, group: str, instance: str) -> bool:
        machines = {i.id: i for i in self.standing[group].instances} if group in self.standing else {}
        alive = instance in machines and machines[instance].state is InstanceState.RUNNING
        booted = self.ready_at.get(instance, 0.0) <= self.clock.seconds
        return alive and booted and instance not in self.ill and group not in self.sick | self.broken_boot

    def _answer(self) -> None:
        self.reads += 1
        if self.kill_before_read == self.reads:
            raise self.death
        if self.unreachable:
            raise UnreachableError("the balancer does not answer")
        if self.fail_read == self.reads:
            raise self.failure("the cloud failed")
        self.pass_time()

    def born_with(self, name: str) -> tuple[str, ...]:
        """What the group of that name has to be made with."""
        return (f"{self.kind.born_with}/{name}",) if self.kind.born_with else ()

    def room_for(self, need: Need) -> tuple[Finding, ...]:
        """Whether there is room for so many machines more, where somebody counts them."""
        if self.kind.abilities.here_only:
            return ()
        self.needed.append(need)
        told = f"{need.machines} needed, {self.most_machines} free"
        enough = need.machines <= self.most_machines
        state, remedy = (State.FINE, "") if enough else (State.LACK, "Have the quota raised.")
        return (Finding(state=state, subject="machines", found=told, remedy=remedy),)

    def rings(self, names: tuple[str, ...]) -> tuple[Alarm, ...]:
        """The alarms of those names, as far as there are some."""
        if not self.kind.abilities.alarms:
            raise AssertionError(f"asked for the alarms {names}: there are none here")
        self._answer()
        return tuple(Alarm(name=name, ring=self.alarms[name], why="9 > 5") for name in names if name in self.alarms)

    def kill_machine(self, instance: str) -> None:
        """A machine of some group dies."""
        group = next(g for g in self.standing.values() if any(i.id == instance for i in g.instances))
        dead = tuple(replace(i, state=InstanceState.DEAD) if i.id == instance else i for i in group.instances)
        self.standing[group.name] = replace(group, instances=dead)
        if self.kind.abilities.heals:
            self.gone_at[instance] = self.clock.seconds + self.kind.replaces_after

    def pass_time(self) -> None:
        """Who was leaving is gone; who was dead, or is missing, is replaced where the cloud heals."""
        for name, group in list(self.standing.items()):
            gone = frozenset(i.id for i in group.instances if self.gone_at.get(i.id, 1e18) <= self.clock.seconds)
            rest = group.without(gone) if gone else group
            startable = name not in self.imageless and not self.images_gone
            if self.kind.abilities.heals and len(rest.staying) < rest.size and startable:
                rest = replace(rest, instances=self._machines(name, rest.instances, rest.size))
            if rest is not group:
                self.standing[name] = rest

    def autoscale(self) -> None:
        """Whatever has less to do than it could is made smaller, unless it is pinned."""
        shares = self._told()
        for name, group in list(self.standing.items()):
            enough = max(1, -(-group.size * shares.get(name, 0) // 100))
            if self.kind.abilities.autoscaler and group.pinned_until is None and group.size > enough:
                surplus = frozenset(each.id for each in group.staying[enough:])
                self.standing[name] = self._leaving(replace(group, size=enough), surplus)

    def _note(self) -> None:
        self.serving.append(sum(self._behind().values()))

    def _behind(self) -> dict[str, int]:
        return {b.group: b.healthy for b in self._route().backends if b.share}

    def _there(self, name: str) -> Group:
        if name not in self.standing:
            raise CloudError(f"there is no group {name}")
        return self.standing[name]

    def _own(self, name: str) -> Group:
        group = self._there(name)
        if not group.made:
            self.trespasses.append(f"a write to {name}, which phoenix did not make")
        rules.refuse_another(group, group.project, "memory")
        return group

    def _shown(self, group: Group) -> Group:
        """The group as the cloud tells of it: machines that do not answer yet are starting."""
        trouble, hopeless = self.troubles.get(group.name, ("", False))
        group = replace(group, trouble=trouble, hopeless=hopeless)
        if group.name in self.crashing:
            again = int((self.clock.now() - group.created).total_seconds() // self.crashing[group.name])
            group = replace(group, instances=tuple(replace(each, restarts=again) for each in group.instances))
        late = {i.id for i in group.instances if self.ready_at.get(i.id, 0.0) > self.clock.seconds}
        if not late:
            return group
        starting = InstanceState.STARTING
        shown = tuple(
            replace(i, state=starting) if i.id in late and i.state is InstanceState.RUNNING else i
            for i in group.instances
        )
        return replace(group, instances=shown)

    def _leaving(self, group: Group, instances: frozenset[str]) -> Group:
        """The group while these machines leave it: at once, or when its manager has drained them."""
        if not self.kind.drains:
            return group.without(instances)
        self.gone_at |= dict.fromkeys(instances, self.clock.seconds + self.kind.drains)
        machines = tuple(replace(i, state=InstanceState.LEAVING) if i.id in instances else i for i in group.instances)
        return replace(group, instances=machines)

    def _machines(self, group: str, there: tuple[Instance, ...], size: int) -> tuple[Instance, ...]:
        """Those that are there, the first `size` of them, new ones under free names, and those that are leaving."""
        staying = tuple(each for each in there if each.state is not InstanceState.LEAVING)
        leaving = tuple(each for each in there if each.state is InstanceState.LEAVING)
        if (self.images_gone or group in self.imageless) and size > len(staying):
            raise CloudError("the image is gone")
        taken = {instance.id for instance in there}
        if self.kind.abilities.heals:  # whose names are never used again
            taken |= {each for each in self.ready_at if each.startswith(f"{group}-")}
        free = (f"{group}-{index}" for index in range(1, 10_000) if f"{group}-{index}" not in taken)
        new = tuple(self._machine(group, next(free)) for _ in range(size - len(staying)))
        return (*staying[:size], *new, *leaving)

    def _machine(self, group: str, name: str) -> Instance:
        broken, told = group in self.broken_boot, self.kind.abilities.boot is BootSeen.TOLD
        if self.kind.boots:
            self.ready_at[name] = self.clock.seconds + self.kind.boots
        return Instance(
            id=name,
            group=group,
            state=InstanceState.RUNNING,
            boot=BootState.UNKNOWN if not told else BootState.FAILED if broken else BootState.DONE,
            address=f"127.0.0.1:{9000 + int(name.rpartition('-')[2]) % 50_000}",
            engine="fake",
            detail="boot work failed with exit code 1" if broken and told else "",
        )


class Call:
    """Counts a write call to the cloud, and kills the process, or fails, before or after the N-th."""

    def __init__(self, cloud: Memory) -> None:
        self._cloud = cloud

    def __enter__(self) -> None:
        self._cloud.sight.forget()
        self._cloud.calls += 1
        self._number = self._cloud.calls
        if self._cloud.kill_before_call == self._number:
            raise self._cloud.death
        if self._cloud.fail_before_call == self._number:
            raise self._cloud.failure("the cloud failed")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._cloud.sight.forget()
        answered = kind in (None, StaleRouteError)
        if answered and self._cloud.kill_after_call == self._number:
            raise self._cloud.death
        if answered and self._cloud.fail_after_call == self._number:
            raise self._cloud.failure("the cloud failed")
