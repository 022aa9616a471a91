"""Logs of machines as people read them: of several each line with its machine's name before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from phoenix.orders.logs import MachineLogs

OF_MANY = ("service", "boot", "console")
"""What is shown of each of several machines: the first of these that says anything."""
FOLLOWED = ("service", "console", "boot")
"""What is followed of a machine: the first of these that there is. Machines of AWS and Google have a console alone."""


def logs_text(machines: Sequence[MachineLogs], *, prefixed: bool = False) -> str:
    """One machine's logs under their names; of several machines one log each, its lines with the machine's name."""
    if len(machines) == 1 and not prefixed:
        return "\n".join([*_head(machines[0]), *(f"--- {kind}\n{log}" for kind, log in machines[0].logs.items())])
    return "\n".join(line for machine in machines for line in (*_head(machine), *_lines(machine)))


def followed(machines: Iterable[MachineLogs]) -> tuple[MachineLogs, ...]:
    """The one log of each machine that is worth following: its service's, or what it has where its cloud tells none."""
    return tuple(replace(each, logs=_one(each.logs)) for each in machines)


def _one(logs: dict[str, str]) -> dict[str, str]:
    kind = next((kind for kind in FOLLOWED if kind in logs), None)
    return {kind: logs[kind]} if kind else {}


def new_text(before: Sequence[MachineLogs], now: Sequence[MachineLogs]) -> str:
    """What was said between two looks: the lines of each log behind those that were there."""
    known = {machine.instance: machine for machine in before}
    return "\n".join(line for machine in now for line in _new_lines(known.get(machine.instance), machine))


def _new_lines(before: MachineLogs | None, now: MachineLogs) -> Iterator[str]:
    for kind, log in now.logs.items():
        seen = before.logs.get(kind, "") if before else ""
        # a log that was set aside, or whose beginning is no longer kept, is shown from its last common line on
        new = log.removeprefix(seen) if log.startswith(seen) else log.rpartition(seen[-200:])[2]
        yield from (f"{now.instance} | {line}" for line in new.splitlines())


def _head(machine: MachineLogs) -> Iterator[str]:
    if machine.saved:
        yield f"{machine.instance} is gone; this is what {machine.saved} saved"


def _lines(machine: MachineLogs) -> Iterator[str]:
    kinds = [kind for kind in OF_MANY if machine.logs.get(kind)]
    for line in machine.logs[kinds[0]].splitlines() if kinds else ():
        yield f"{machine.instance} | {line}"
