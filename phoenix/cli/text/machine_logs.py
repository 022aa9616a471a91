"""Logs of machines as people read them: of several each line with its machine's name before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from phoenix.orders.logs import MachineLogs

OF_MANY = ("service", "boot", "console")
"""What is shown of each of several machines: the first of these that says anything."""


def logs_text(machines: Sequence[MachineLogs], *, prefixed: bool = False) -> str:
    """One machine's logs under their names; of several machines one log each, its lines with the machine's name."""
    if len(machines) == 1 and not prefixed:
        return "\n".join([*_head(machines[0]), *(f"--- {kind}\n{log}" for kind, log in machines[0].logs.items())])
    return "\n".join(line for machine in machines for line in (*_head(machine), *_lines(machine)))


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
