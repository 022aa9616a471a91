"""The balancer of one service in one environment of the local cloud: a HAProxy of its own.

Like a target group or a backend service of the big clouds, a slot holds one group: HAProxy checks its machines
whatever its share is. A shift replaces the map from request numbers to slots at one moment, so shares are exact and
no request is ever between two states. HAProxy is started by the first `attach` and outlives the command; what it
runs with is also on disk (`balancer.py`). Who writes holds a lock; who reads asks HAProxy and writes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from phoenix.clock import SystemClock
from phoenix.clouds import rules
from phoenix.clouds.api import Between, idle
from phoenix.clouds.local import balancer, checked
from phoenix.clouds.local.balancer import Leaving, Slot, State
from phoenix.errors import CloudError, StaleRouteError, UnreachableError
from phoenix.manner import DrainedBy, Manner, Preview, PreviewBy
from phoenix.model import Backend, Group, Health, Route
from phoenix.tools import haproxy, listeners
from phoenix.tools.haproxy import USUAL, AddressTakenError, Check, Terms
from phoenix.tools.haproxy_socket import Runtime, ServerState, Sight, Statistics
from phoenix.tools.process import ProcessId

_BUSY = 60.0
"""Seconds to wait for another process that writes to the same balancer."""
_GRACE = 2.0
"""Seconds for HAProxy to end, which takes 0.01."""


MANNER = Manner(
    exact_shares=True,
    drain=DrainedBy.REQUESTS,
    preview=PreviewBy.ADDRESS,
    settles=0.0,
    quick=60.0,
    create=300.0,
    look=0.2,
)


_BARE = str.maketrans("", "", "[]")
"""HAProxy tells an address of IPv6 without the brackets that it is given in."""


class LocalTraffic:
    """Implements `clouds.api.Traffic` with HAProxy in `directory`, listening on `listen` (IP:PORT)."""

    manner = MANNER

    def __init__(self, *, directory: Path, listen: str, health: Health, terms: Terms = USUAL) -> None:
        self._directory = directory
        self._listen = listen
        self._terms = terms
        self._checked = Check(path=health.path, status=health.status, interval=health.interval)
        self._runtime = Runtime(directory)
        self._clock = SystemClock()

    def read(self, of: Collection[str] | None = None) -> Route:  # noqa: ARG002 (all of it is one answer)
        """HAProxy's own numbers. Empty before the first attach; CloudError where it has died since."""
        state = balancer.load(self._directory)
        if state is None or not state.groups:
            return Route(address=_url(self._listen), version=_version({}))
        seen = self._seen(state)
        routed = state.with_shares(seen.shares)
        slots = sorted((slot.group, slot) for slot in state.slots if slot.group)
        return Route(
            address=_url(state.listen),
            backends=tuple(_backend(group, slot, routed, seen.statistics) for group, slot in slots),
            version=_version(routed.shares),
        )

    def attach(self, group: Group, *, between: Between = idle) -> None:
        """Put the group's machines into a slot, or bring its slot up to date: others added, those gone taken out.

        A machine that is taken out gets no new request; what it is answering goes on as long as it lives.
        """
        with self._writing():
            state = self._awake()
            today = state.ready_for(self._listen, self._checked, self._terms)
            slot = today.slot(group.name) or today.free(self._checked)
            if slot is None:
                raise CloudError(
                    f"no room for {group.name} at the balancer",
                    details=f"{', '.join(state.groups)} are attached; {balancer.SLOTS} is the limit",
                    resolution="Run `phoenix tend` to burn what is due, or delete a group.",
                )
            machines = {each.id: each.address for each in group.instances if each.address}
            between()
            self._apply(state, today.put(slot.with_group(group.name, machines, self._busy(slot))))

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:  # noqa: ARG002 (others write)
        """Nothing: HAProxy is told of machines when they are there."""
        return ()

    def retire(self, group: Group, instances: frozenset[str]) -> bool:
        """Take these machines out of the group's slot; what they are answering goes on as long as they live."""
        self.attach(group.without(instances))
        return True

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:
        """Give each group its share of the requests, at one moment. Nothing is served without any share."""
        wanted = rules.routed(shares)
        if balancer.load(self._directory) is None and not wanted:
            return
        with self._writing():
            state = self._awake()
            unknown = sorted(set(wanted) - set(state.groups))
            if unknown:
                raise CloudError(
                    f"{', '.join(unknown)} cannot get traffic",
                    details=f"not attached to the balancer on {state.listen}",
                    resolution="See `phoenix status`, then roll again.",
                )
            if _version(state.shares) != seen.version:
                raise StaleRouteError(
                    "somebody else has moved traffic meanwhile",
                    details=f"the balancer on {state.listen} gives {dict(state.shares) or 'nobody any'}",
                    resolution="See `phoenix status`, then say it again.",
                )
            between()
            self._apply(state, replace(state, shares=wanted))

    def preview(self, group: str) -> Preview | None:
        """Where the group alone answers, whatever its share is; None where it is not attached."""
        state = balancer.load(self._directory)
        slot = state.slot(group) if state else None
        return Preview(url=_url(slot.preview)) if slot else None

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Forget the group. Requests that its machines are still answering are cut: drain first."""
        before = balancer.load(self._directory)
        if before is None or before.slot(group) is None:
            return
        with self._writing():
            state = self._awake()
            slot = state.slot(group)
            if slot is None:
                return
            if state.shares.get(group):
                raise CloudError(
                    f"{group} gets {state.shares[group]} % of the traffic and stays attached",
                    details=f"the balancer on {state.listen} says so",
                    resolution="Give its share to another group first.",
                )
            between()
            self._apply(state, state.put(replace(slot, group=None, members=())))

    def check(self, *, back: bool = False) -> None:  # noqa: ARG002 (others have more to refuse on the way forward)
        """Raise AddressTakenError where another program has the address and no HAProxy of ours listens there yet."""
        state = balancer.load(self._directory)
        if state is not None and state.listen == self._listen and self.is_running():
            return
        why = listeners.why_not(self._listen)
        if why:
            raise AddressTakenError(self._listen, why, listeners.holder(self._listen))

    def ensure_running(self) -> bool:
        """Start a balancer that has died, with the route it had; whether there was one to start."""
        if balancer.load(self._directory) is None or self.is_running():
            return False
        with self._writing():
            self._awake()
        return True

    def is_running(self) -> bool:
        """Whether HAProxy is there; one that has its socket open and is mute is."""
        try:
            return self._runtime.find() is not None
        except CloudError:
            return True

    def stop(self) -> None:
        """End HAProxy and forget everything about it; for `phoenix down`."""
        if self._directory.exists():
            with self._writing():
                self._end(balancer.load(self._directory))

    def stop_idle(self) -> bool:
        """The same where no group is attached; whether it was done. Who attaches one meanwhile finds it there."""
        if not self._directory.exists():
            return False
        with self._writing():
            state = balancer.load(self._directory)
            if state is not None and state.groups:
                return False
            self._end(state)
            return True

    def _end(self, state: State | None) -> None:
        for recorded in (state.process, *(each.process for each in state.leaving)) if state else ():
            if recorded:
                recorded.end(grace=_GRACE)
        answers = self._runtime.find()  # one that was started by a command that was killed before it wrote so
        unrecorded = ProcessId.of(answers.pid) if answers else None
        if unrecorded:
            unrecorded.end(grace=_GRACE)
        shutil.rmtree(self._directory)

    def _seen(self, state: State) -> Sight:
        seen = self._runtime.look()
        if seen is None:
            raise UnreachableError(
                f"the balancer on {state.listen} is not running",
                details=f"HAProxy has ended; it had {', '.join(state.groups)} attached",
                resolution="Run `phoenix tend`, which starts it again with the route it had, or `phoenix down`.",
            )
        return seen

    def _awake(self) -> State:
        """The state, with HAProxy running in it. What HAProxy routes wins over what a killed writer had in mind."""
        state = balancer.load(self._directory) or balancer.fresh(self._listen, self._checked, self._terms)
        seen = self._runtime.look()
        if seen is not None:
            return state.with_shares(seen.shares)
        state = self._started(state)
        balancer.save(self._directory, state)
        return state

    def _started(self, state: State) -> State:
        try:
            process = haproxy.start(self._directory, state.balancer(), clock=self._clock)
        except AddressTakenError as error:
            if error.address.translate(_BARE) == state.listen.translate(_BARE):
                raise
            state = balancer.on_other_previews(state)
            process = haproxy.start(self._directory, state.balancer(), clock=self._clock)
        return replace(state, process=process, leaving=())

    def _busy(self, slot: Slot) -> frozenset[int]:
        """Seats of the slot whose machines have left and are still answering."""
        seen = self._runtime.statistics().of(slot.name)
        return frozenset(n for n, name in enumerate(map(haproxy.seat, range(len(seen)))) if seen[name].sessions)

    def _apply(self, before: State, state: State) -> None:
        """Bring HAProxy from `before` to `state`: disk first, then seats, then shares; and see that it is so."""
        state = self._reloaded(before, state)
        balancer.save(self._directory, state)
        said = self._settle(state)
        wanted = state.balancer().shares
        if self._runtime.shares() != wanted:
            self._runtime.replace_shares(haproxy.map_text(wanted))
        self._verify(state, said)

    def _reloaded(self, before: State, state: State) -> State:
        """The state with HAProxy in the configuration it needs: another check, another address, more seats.

        Machines that come now are left to `_settle`: HAProxy takes those it starts with for well until it knows better.
        """
        running = self._runtime.find()
        leaving = tuple(each for each in state.leaving if each.process.alive)
        state = replace(state, leaving=leaving)
        former = ProcessId.of(running.pid) if running else None
        if running is None or former is None or running.frame == state.balancer().frame:
            return state
        process = haproxy.reload(self._directory, state.only_with(before).balancer(), former, clock=self._clock)
        return replace(state, process=process, leaving=(*leaving, Leaving(process=former, groups=state.groups)))

    def _settle(self, state: State) -> list[str]:
        """Bring every seat to what is wanted of it; gives HAProxy's words about what it was told."""
        said: list[str] = []
        seen = self._runtime.statistics()
        for slot, wanted in zip(state.slots, state.balancer().slots, strict=True):
            there = seen.of(slot.name)
            for number, address in enumerate(wanted.seats):
                server = there[haproxy.seat(number)]
                if _as_wanted(server, address):
                    continue
                if not server.retired:
                    said.append(self._runtime.retire(slot.name, server.name))
                if address:
                    said.append(self._runtime.seat(slot.name, server.name, address))
                elif slot.group is None:
                    said.append(self._runtime.cut(slot.name, server.name))
        return [line.strip() for line in said if line.strip()]

    def _verify(self, state: State, said: list[str]) -> None:
        seen, wanted = self._seen(state), state.balancer()
        wrong = [
            f"{slot.name}/{haproxy.seat(number)} is {there.status} at {there.address}, wanted {address or 'empty'}"
            for slot in wanted.slots
            for number, address in enumerate(slot.seats)
            if not _as_wanted(there := seen.statistics.of(slot.name)[haproxy.seat(number)], address)
        ]
        if seen.shares != wanted.shares:
            wrong.append(f"shares are {state.with_shares(seen.shares).shares}")
        if wrong:
            raise CloudError(
                f"the balancer on {state.listen} did not do as it was told",
                details="; ".join([*wrong, *said]),
                resolution="Try again; `phoenix status` shows what it does now.",
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone among all processes."""
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._directory / "lock", timeout=_BUSY):
                yield
        except Timeout as error:
            raise CloudError(
                "another phoenix process is writing to the balancer",
                details=f"{error.lock_file} was held for {_BUSY:g} s",
                resolution="Try again when it has ended.",
            ) from error


def _as_wanted(server: ServerState, address: str | None) -> bool:
    return server.retired if address is None else server.address == address and not server.retired


def _backend(group: str, slot: Slot, routed: State, seen: Statistics) -> Backend:
    servers = seen.of(slot.name)
    seated = {
        name: member.name
        for member in slot.members
        if (name := haproxy.seat(member.seat)) in servers and _as_wanted(servers[name], member.address)
    }
    well = frozenset(machine for name, machine in seated.items() if servers[name].healthy)
    checks = {seated[name]: checked.words(servers[name], slot.check) for name in seated if not servers[name].healthy}
    former = sum(1 for each in routed.leaving if group in each.groups and each.process.alive)
    return Backend(
        group=group,
        share=routed.shares.get(group, 0),
        healthy=len(well),
        total=len(seated),
        requests=seen.sessions.get(slot.name, 0) + former,
        well=well,
        leaving=sum(server.sessions for name, server in servers.items() if name not in seated) + former,
        seen=rules.told_of_checks(checks),
        checks=tuple(sorted(checks.items())),
    )


def _version(shares: Mapping[str, int]) -> str:
    """Of a route: who gets which share, the only thing that several may want to change."""
    return ",".join(f"{group}={share}" for group, share in sorted(shares.items()) if share) or "none"


def _url(address: str) -> str:
    """Where a client on this computer reaches `address`."""
    return f"http://{address.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]')}"
