"""An independent small model of what a roll may never do: it watches a cloud in memory and writes down every breach.

It knows the world and the record, and nothing of plans and steps. Whoever shares the stage (a person, a dying
machine) changes the world through `by_hand`, so that the engine is not blamed for what others did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from phoenix.clouds.api import Between, idle
from phoenix.manner import DrainedBy, Ring
from phoenix.model import Group, Instance, InstanceState, LaunchTemplate, Route
from phoenix.record import journal
from phoenix.record.journal import Run, RunState
from phoenix.record.store import StoreError
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.doubles import FakeClock, MemoryStore
from tests.support.fakes.manners import LOCAL, Kind

Machines = frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The world at one moment."""

    shares: Mapping[str, int]
    serving: int
    """Healthy machines that get requests."""
    groups: Mapping[str, Group]
    whole: frozenset[str]
    """Groups of which as many machines answer, and are known to the balancer, as their floor says."""

    def machines(self, group: str) -> Machines:
        """The machines of the group that are not dead."""
        found = self.groups.get(group)
        return frozenset(i.id for i in found.instances if i.state is not InstanceState.DEAD) if found else frozenset()


class JudgedCloud(FakeCloud):
    """A cloud in memory whose machines are always busy while they get requests, and which judges every write."""

    def __init__(self, clock: FakeClock, store: MemoryStore, subject: str, kind: Kind = LOCAL) -> None:
        super().__init__(clock, kind)
        self.breaches: list[str] = []
        self.request = 0.0
        """Seconds that a request takes."""
        self.drain = 0.0
        """Seconds that a machine is given to finish its requests."""
        self.floor = 0
        self.percent: int | None = None
        """Part of a group's machines that has to be healthy; None is the default."""
        self.found: dict[str, int] = {}
        """The shares that the run found."""
        self.damaged = False
        """Whether others have taken machines or routes away since the run began."""
        self.writer = 1
        """Which of several processes acts now; the one with the highest number owns the run."""
        self.owner = 1
        self.kill_within_call: int | None = None
        """The process dies in the middle of the write call of that number, which is half carried out."""
        self.rerouted = False
        """Whether somebody gave traffic by hand: who gives it to a group that is drained for its end may see it cut."""
        self.in_flight = ""
        """The key of a write to the record that had been sent when its process was stopped."""
        self.silent_record = False
        """Whether no write to the record arrives."""
        self.writes: list[str] = []
        """What the engine wrote, in order."""
        self._store = store
        self._key = journal.live_key(subject)
        self._last: dict[str, float] = {}
        """When each machine last got a request."""
        self._candidate = ""

    def again(self, clock: FakeClock, store: MemoryStore) -> JudgedCloud:
        """The same world once more, to be changed apart from this one."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | set | list):
                setattr(other, name, copy(value))
        other.clock, other._store = clock, store
        store.on_write = other.judge_record
        return other

    def begin(self, min_healthy: int | None, drain: float) -> None:
        """A run begins: what it finds is what it is judged by."""
        facts = self._facts()
        self.percent, self.drain = min_healthy, drain
        self.floor = self._enough(facts.serving)
        self.damaged, self.rerouted, self.found, self._candidate = False, False, dict(facts.shares), ""
        self.breaches.clear()
        self.writes.clear()

    @contextmanager
    def by_hand(self, *, harm: bool) -> Iterator[None]:
        """Somebody else changes the world. `harm`: it takes healthy machines or routes away."""
        self._touch()
        self.damaged = self.damaged or harm
        yield
        self._touch()

    def some_machines(self, group: Group, size: int, first: int) -> tuple[Instance, ...]:
        """The group's machines as they would be at that size; new ones are numbered from `first`."""
        new = [self._machine(group.name, f"{group.name}-{first + index}") for index in range(size)]
        return (*group.instances[:size], *new[: max(0, size - len(group.instances))])

    def answering_machines(self, group: str) -> int:
        """How many of the group's machines answer."""
        standing = self.standing.get(group)
        return sum(1 for i in standing.instances if self._answers(group, i.id)) if standing else 0

    def take_effect(self) -> None:
        """The shares as somebody's hand gave them last are in effect, whatever the lag."""
        self.rerouted = True
        self._before = (0.0, {})

    def failure_passes(self) -> None:
        """No call fails any more."""
        self.fail_before_call = self.fail_after_call = self.fail_read = None
        self.unreachable = self.silent_record = self.images_gone = False

    # what the balancer says of requests

    def read(self, of: Collection[str] | None = None) -> Route:
        """With a request under way at every machine that gets some, and at those whose last one has not ended."""
        route = super().read(of)
        self._touch()
        backends = []
        for backend in route.backends:
            known = self.known(backend.group)
            group = self.standing.get(backend.group)
            left = [i.id for i in group.instances if i.id not in known] if group else []
            busy = sum(map(self._busy, known))
            shown = backend.requests is not None
            busy_left = sum(map(self._busy, left)) if shown else 0
            backends.append(replace(backend, requests=busy if shown else None, leaving=busy_left))
        return replace(route, backends=tuple(backends))

    # the same writes, judged

    def create(self, group: Group, template: LaunchTemplate, *, between: Between) -> None:
        """Judged."""
        with self._judged(f"create {group.name}"):
            self._candidate = group.name
            half = replace(group, instances=self._machines(group.name, (), group.size // 2))
            self._perhaps_die_within({group.name: half})
            super().create(group, template, between=between)
            whole = self.standing[group.name]
            self.standing[group.name] = replace(
                whole, instances=self._machines(group.name, whole.instances, max(whole.size, len(whole.staying)))
            )

    def resize(self, name: str, size: int, *, between: Between) -> None:
        """Judged."""
        with self._judged(f"resize {name} {size}"):
            standing = self.standing[name]
            half = (size + len(standing.staying)) // 2
            halfway = replace(standing, size=size, instances=self._machines(name, standing.instances, half))
            self._perhaps_die_within({name: halfway})
            super().resize(name, size, between=between)

    def end(self, name: str, instances: frozenset[str], *, size: int, between: Between) -> None:
        """Judged."""
        with self._judged(f"end {name} {sorted(instances)} {size}"):
            halfway = self._leaving(replace(self.standing[name], size=size), frozenset(sorted(instances)[:-1]))
            self._perhaps_die_within({name: halfway})
            super().end(name, instances, size=size, between=between)
            self.ill -= instances

    def label(self, name: str, *, keep_until: datetime | None) -> None:
        """Judged: a group with traffic is no former group."""
        with self._judged(f"label {name} {'kept' if keep_until else 'none'}"):
            if keep_until and self.shares.get(name):
                self._breach(f"{name} was labelled while it had traffic")
            super().label(name, keep_until=keep_until)

    def pin(self, name: str, *, until: datetime) -> None:
        """Judged."""
        with self._judged(f"pin {name}"):
            super().pin(name, until=until)

    def unpin(self, name: str) -> None:
        """Judged: what is kept without traffic would be made smaller."""
        with self._judged(f"unpin {name}"):
            group = self.standing.get(name)
            if group and group.keep_until and not self.shares.get(name):
                self._breach(f"{name} was unpinned while it was kept")
            super().unpin(name)

    def delete(self, name: str, *, adopt: bool = False, between: Between = idle) -> None:
        """Judged: only without traffic; before the commit point only what the run made, after it what is labelled."""
        with self._judged(f"delete {name}"):
            group, run = self.standing.get(name), self.run()
            if self.shares.get(name):
                self._breach(f"{name} was deleted with traffic")
            labelled = group is None or group.keep_until is not None or (adopt and not group.made)
            if run and run.state is RunState.COMMITTED and not labelled:
                self._breach(f"{name} was deleted after the commit point without a label")
            if group and run and run.state is not RunState.COMMITTED and group.run != run.id:
                self._breach(f"{name} of {group.run} was deleted by {run.id} before its commit point")
            if group:
                self._perhaps_die_within({name: replace(group, instances=group.instances[1:])})
            super().delete(name, adopt=adopt, between=between)

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """Judged."""
        with self._judged(f"attach {group.name} {len(group.instances)}"):
            super().attach(group, between=between)

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Judged."""
        with self._judged(f"shift {dict(shares)}"):
            before = self._facts()
            super().shift(shares, seen, between=between)
            self._judge_shift(before, {group: share for group, share in shares.items() if share})

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Judged."""
        with self._judged(f"detach {group}"):
            super().detach(group, between=between)

    # judging

    def judge_record(self, key: str) -> None:
        """Whoever no longer owns the run writes nothing into the record either; no write arrives while it is silent."""
        if self.silent_record:
            raise StoreError("the state cannot be reached")
        in_flight, self.in_flight = self.in_flight, ""
        if self.writer != self.owner and key != in_flight:
            self._breach(f"process {self.writer} wrote {key}, the owner is process {self.owner}")

    def run(self) -> Run | None:
        """The going run, as the record has it."""
        value = self._store.values.get(self._key)
        return journal.load(value.data) if value else None

    def _perhaps_die_within(self, halfway: Mapping[str, Group]) -> None:
        if self.kill_within_call == self.calls + 1:
            self.kill_within_call = None
            self.standing |= halfway
            raise self.death

    def _judge_shift(self, before: Facts, shares: Mapping[str, int]) -> None:
        run = self.run()
        back = run is None or run.state is RunState.UNDOING
        total = sum(shares.values())
        if total not in (0, 100) or (total == 0 and self.found):
            self._breach(f"shares make {total} together: {shares}")
        if back and shares != self.found:
            self._breach(f"going back to {shares}, found were {self.found}")
        if back:
            return
        for group, share in shares.items():
            well = group in before.whole
            if run is not None and run.kind == "rollback" and group != self._candidate:
                well = self.answering_machines(group) > 0  # back to a kept group is never refused for less
            heard = run is not None and run.kind == "roll" and self.kind.abilities.alarms
            if share > before.shares.get(group, 0) and heard and Ring.RINGING in self.alarms.values():
                self._breach(f"{group} got {share} % while an alarm rang")
            if share > before.shares.get(group, 0) and not well:
                self._breach(f"{group} got {share} % and was not whole and healthy")
        exact = self.manner.exact_shares
        had, has = (facts.get(self._candidate, 0) for facts in (before.shares, shares))
        if self._candidate and (has < had if exact else had and not has):
            self._breach(f"{self._candidate} got less on the way forward: {shares}")

    @contextmanager
    def _judged(self, what: str) -> Iterator[None]:
        before = self._facts()
        self._touch()
        if self.writer != self.owner:
            self._breach(f"process {self.writer} wrote to the cloud, the owner is process {self.owner}: {what}")
        try:
            yield
        finally:
            after = self._facts()
            if (before.shares, before.groups) != (after.shares, after.groups) or before.whole != after.whole:
                self.writes.append(what)
            self._judge_floor(what, before, after)
            self._judge_ends(what, before, after)

    def _judge_floor(self, what: str, before: Facts, after: Facts) -> None:
        if after.serving >= min(self.floor, before.serving):
            return
        run = self.run()
        back = run is None or run.state is RunState.UNDOING or run.kind == "rollback"
        if not (self.damaged and back):
            self._breach(f"{what}: {before.serving} -> {after.serving} machines serve, the floor is {self.floor}")

    def _judge_ends(self, what: str, before: Facts, after: Facts) -> None:
        now = self.clock.seconds
        if self.manner.drain is DrainedBy.MANAGER:
            return
        if self.rerouted and what.startswith("delete"):
            return
        for group in before.groups:
            for machine in before.machines(group) - after.machines(group):
                waited = now - self._last.get(machine, -1e9)
                if waited < self.request and waited < self.drain:
                    self._breach(f"{what}: {machine} was ended {waited:g} s after its last request began")

    def _enough(self, machines: int) -> int:
        """How many of so many have to answer."""
        percent = self.percent if self.percent is not None else 100 if machines < 10 else 90
        return ceil(machines * percent / 100)

    def _breach(self, what: str) -> None:
        self.breaches.append(what)

    def _touch(self) -> None:
        """Every machine that gets requests gets one now."""
        now = self.clock.seconds
        for group, share in self._effective().items():
            if share:
                self._last |= {m: now for m in self.known(group) if self._answers(group, m)}

    def _busy(self, machine: str) -> bool:
        last = self._last.get(machine)
        return last is not None and self.clock.seconds - last < self.request

    def _facts(self) -> Facts:
        serving = [m for g, share in self._effective().items() if share for m in self.known(g)]
        of = {i.id: g.name for g in self.standing.values() for i in g.instances}
        whole = [
            name
            for name, group in self.standing.items()
            if sum(1 for each in self.known(name) if self._answers(name, each)) >= self._enough(group.size)
        ]
        return Facts(
            shares={group: share for group, share in self.shares.items() if share},
            serving=sum(1 for m in serving if m in of and self._answers(of[m], m)),
            groups=dict(self.standing),
            whole=frozenset(whole),
        )
