"""What a balancer of the local cloud is to do, as a file: groups in slots, their machines, shares.

The file is written before HAProxy is told, so that one that was killed starts again with everything it had.
The number of slots is fixed when HAProxy starts, as the number of groups behind an AWS or GCP route is limited too.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from phoenix.errors import CloudError
from phoenix.manner import Forwarded, Timeouts
from phoenix.tools import haproxy
from phoenix.tools.haproxy import USUAL, Balancer, Check, Terms
from phoenix.tools.process import ProcessId

SLOTS = 8
"""Groups that can be attached at once."""
SEATS = 16
"""Machines a group may have before HAProxy has to be reloaded with more seats."""
WHOLE = 100
"""The sum of all shares, and the number of requests after which their pattern repeats."""

_FILE, _VERSION = "balancer.json", 1


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Member:
    """A machine, its IP:PORT, and the number of its seat (a server of HAProxy)."""

    name: str
    address: str
    seat: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place for a group and its machines, sorted by name."""

    name: str
    preview: str
    check: Check
    group: str | None = None
    members: tuple[Member, ...] = ()

    def with_group(self, group: str, machines: Mapping[str, str], busy: frozenset[int]) -> Slot:
        """The slot with these machines (name -> IP:PORT) of `group`. One that was there keeps its seat.

        Others take seats that nobody had and that are not `busy` with requests of machines that left.
        """
        stay = [member for member in self.members if machines.get(member.name) == member.address]
        taken = busy | {member.seat for member in self.members}
        free = (number for number in count() if number not in taken)
        known = {member.name for member in stay}
        come = [
            Member(name=name, address=address, seat=next(free))
            for name, address in sorted(machines.items())
            if name not in known
        ]
        return replace(self, group=group, members=tuple(sorted([*stay, *come])))


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """A former HAProxy process that answers its last requests after a reload, and whose they may be."""

    process: ProcessId
    groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One balancer as it is wanted. `seats` are there in each slot."""

    listen: str
    slots: tuple[Slot, ...]
    shares: Mapping[str, int]
    seats: int = SEATS
    terms: Terms = USUAL
    process: ProcessId | None = None
    leaving: tuple[Leaving, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The attached groups, sorted."""
        return tuple(sorted(slot.group for slot in self.slots if slot.group))

    def slot(self, group: str) -> Slot | None:
        """The slot that the group is in."""
        return next((slot for slot in self.slots if slot.group == group), None)

    def free(self, check: Check) -> Slot | None:
        """A slot without a group, with this check."""
        return next((slot for slot in self.slots if slot.group is None and slot.check == check), None)

    def put(self, slot: Slot) -> State:
        """This state with `slot` in the place of the one of that name, and seats for all its machines."""
        needed = max((member.seat + 1 for member in slot.members), default=0)
        slots = tuple(slot if old.name == slot.name else old for old in self.slots)
        return replace(self, slots=slots, seats=max(self.seats, 1 << (needed - 1).bit_length() if needed else 0))

    def only_with(self, known: State) -> State:
        """This state with those machines only that stand in `known` too."""
        pairs = zip(self.slots, known.slots, strict=True)
        slots = (
            replace(slot, members=tuple(member for member in slot.members if member in old.members))
            for slot, old in pairs
        )
        return replace(self, slots=tuple(slots))

    def ready_for(self, listen: str, check: Check, terms: Terms) -> State:
        """This state with what `phoenix.yaml` says today, for a group that comes now.

        A group that is in a slot keeps the check it came with. HAProxy has to be reloaded for another check, so free
        slots are changed only where none has it already, and then all at once.
        """
        if self.free(check):
            return replace(self, listen=listen, terms=terms)
        slots = tuple(replace(slot, check=check) if slot.group is None else slot for slot in self.slots)
        return replace(self, listen=listen, terms=terms, slots=slots)

    def with_shares(self, pattern: tuple[str, ...]) -> State:
        """This state with the shares that a map (the slot of each request number) gives."""
        counted = {slot.group: pattern.count(slot.name) for slot in self.slots if slot.group}
        return replace(self, shares={group: share for group, share in counted.items() if share})

    def balancer(self) -> Balancer:
        """What HAProxy is started with."""
        names = {slot.group: slot.name for slot in self.slots if slot.group}
        return Balancer(
            listen=self.listen,
            terms=self.terms,
            slots=tuple(
                haproxy.Slot(name=slot.name, check=slot.check, preview=slot.preview, seats=self._seated(slot))
                for slot in self.slots
            ),
            shares=tuple(names[group] for group in spread(self.shares)),
        )

    def _seated(self, slot: Slot) -> tuple[str | None, ...]:
        there = {member.seat: member.address for member in slot.members}
        return tuple(there.get(number) for number in range(self.seats))


def fresh(listen: str, check: Check, terms: Terms) -> State:
    """A balancer without groups, on preview addresses that are free now."""
    addresses = _free_addresses(SLOTS)
    slots = tuple(Slot(name=f"slot{n}", preview=address, check=check) for n, address in enumerate(addresses))
    return State(listen=listen, terms=terms, slots=slots, shares={})


def on_other_previews(state: State) -> State:
    """The state on preview addresses that are free now: another program took one while HAProxy was not running."""
    pairs = zip(state.slots, _free_addresses(len(state.slots)), strict=True)
    return replace(state, slots=tuple(replace(slot, preview=address) for slot, address in pairs))


def spread(shares: Mapping[str, int]) -> tuple[str, ...]:
    """Which group each of 100 requests in a row goes to: exactly its share, as evenly spaced as can be.

    Each request goes to the group that is owed most (smooth weighted round robin). Empty without shares.
    """
    owed = dict.fromkeys(sorted(shares), 0)
    pattern: list[str] = []
    for _request in range(sum(shares.values())):
        for group, share in shares.items():
            owed[group] += share
        chosen = max(owed, key=lambda group: owed[group])
        owed[chosen] -= WHOLE
        pattern.append(chosen)
    return tuple(pattern)


def load(directory: Path) -> State | None:
    """The state in `directory`; None where no balancer was ever started. CloudError for a file that is damaged."""
    try:
        facts = json.loads((directory / _FILE).read_text())
        if facts["version"] != _VERSION:
            raise ValueError(f"written by another version of phoenix ({facts['version']})")
        return State(
            listen=facts["listen"],
            slots=tuple(
                Slot(
                    name=slot["name"],
                    preview=slot["preview"],
                    check=Check(**slot["check"]),
                    group=slot["group"],
                    members=tuple(Member(**member) for member in slot["members"]),
                )
                for slot in facts["slots"]
            ),
            shares=facts["shares"],
            seats=facts["seats"],
            terms=_terms(facts.get("terms")),
            process=ProcessId(**facts["process"]) if facts["process"] else None,
            leaving=tuple(
                Leaving(process=ProcessId(**each["process"]), groups=tuple(each["groups"])) for each in facts["leaving"]
            ),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise CloudError(
            "the balancer's file cannot be read",
            details=f"{directory / _FILE}: {error}",
            resolution="Run `phoenix down`, then roll again.",
        ) from error


def _terms(facts: Mapping[str, Any] | None) -> Terms:
    """Those of a balancer that was started before it had any are today's own."""
    if facts is None:
        return USUAL
    timeouts, forwarded = Timeouts(**facts["timeouts"]), Forwarded(facts["forwarded"])
    return Terms(timeouts=timeouts, headers=facts["headers"], forwarded=forwarded, drain=facts["drain"])


def save(directory: Path, state: State) -> None:
    """Write the state so that a crash leaves either the former or this one."""
    text = json.dumps({"version": _VERSION, **asdict(state)}, indent=1)
    new = directory / f"{_FILE}.new"
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(directory / _FILE)


def _free_addresses(count: int) -> list[str]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
