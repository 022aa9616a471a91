"""What machines said: those of a service, of a group, or one; of those that are gone what their run saved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from phoenix import names
from phoenix.clock import from_rfc3339
from phoenix.errors import PhoenixError, SpecError
from phoenix.model import Group
from phoenix.orders.site import Site

KINDS = ("console", "boot", "service", "listening")
"""The kinds of logs, in the order in which a machine's are shown."""
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) ")
"""What a line of a journal begins with (journalctl's short-iso), where the machine tells the time."""
_SAVED = re.compile(r"(?P<instance>.+)\.(?P<kind>console|boot|service|listening)\.log")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsOrder:
    """Logs of a service (in `environment`, where it has several), a group or an instance.

    `kind`: only this one. `since` (RFC 3339): of the console what was said then or later, where its lines have a time.
    `tail`: so many lines of each at the end.
    """

    name: str
    environment: str | None = None
    kind: str | None = None
    since: str | None = None
    tail: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineLogs:
    """One machine's logs by their kind. `saved`: the run that saved them; None: the machine stands."""

    instance: str
    logs: dict[str, str]
    saved: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogsResult:
    """The machines that were meant; `instance` and `logs` where it is one."""

    machines: tuple[MachineLogs, ...]
    instance: str | None
    logs: dict[str, str]


def logs(site: Site, order: LogsOrder) -> LogsResult:
    """What the machines said. SpecError where there is no such service, group or instance, and none was saved."""
    standing, trouble = _groups(site)
    found = tuple(_of_those(site, order, standing)) or tuple(_saved(site, order.name))
    if not found and trouble is not None:
        raise trouble
    if not found:
        _refuse(site, order.name, [group for _cloud, group in standing])
    machines = tuple(
        MachineLogs(instance=each.instance, saved=each.saved, logs=dict(_chosen(each.logs, order))) for each in found
    )
    one = machines[0] if len(machines) == 1 else None
    return LogsResult(machines=machines, instance=one.instance if one else None, logs=one.logs if one else {})


def _groups(site: Site) -> tuple[list[tuple[str, Group]], PhoenixError | None]:
    """The groups of all clouds, each with its cloud's name; and what kept a cloud from being asked."""
    found: list[tuple[str, Group]] = []
    trouble: PhoenixError | None = None
    for cloud in site.project.clouds:
        try:
            found += [(cloud, group) for group in site.cloud(cloud).groups.list()]
        except PhoenixError as error:
            trouble = trouble or error
    return found, trouble


def _of_those(site: Site, order: LogsOrder, standing: list[tuple[str, Group]]) -> Iterator[MachineLogs]:
    """The machines that are meant, among those that stand."""
    for cloud, group in standing:
        of_service = group.service == order.name and order.environment in (None, group.environment)
        for machine in group.instances:
            if of_service or order.name in (group.name, machine.id):
                yield MachineLogs(instance=machine.id, logs=dict(site.cloud(cloud).groups.logs(machine.id)))


def _saved(site: Site, name: str) -> Iterator[MachineLogs]:
    """What the newest run saved of a machine, or of the machines of a group, that is gone."""
    if not site.run_logs.is_dir():
        return
    for run in sorted((path for path in site.run_logs.iterdir() if path.is_dir()), key=_age, reverse=True):
        by_machine: dict[str, dict[str, str]] = {}
        for file in sorted(run.iterdir()):
            parts = _SAVED.fullmatch(file.name)
            if parts and name in (parts["instance"], names.group_of_instance(parts["instance"])):
                by_machine.setdefault(parts["instance"], {})[parts["kind"]] = file.read_text(errors="replace")
        if by_machine:
            yield from (MachineLogs(instance=each, logs=kept, saved=run.name) for each, kept in by_machine.items())
            return


def _age(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, path.name


def _chosen(kept: Mapping[str, str], order: LogsOrder) -> Iterator[tuple[str, str]]:
    """The logs of a machine that are wanted, as much of them as is."""
    for kind in (each for each in KINDS if each in kept and order.kind in (None, each)):
        lines = kept[kind].splitlines()
        if order.since is not None:
            lines = list(_since(lines, from_rfc3339(order.since)))
        if order.tail is not None:
            lines = lines[len(lines) - order.tail :] if order.tail < len(lines) else lines
        yield kind, "".join(f"{line}\n" for line in lines)


def _since(lines: list[str], moment: datetime) -> Iterator[str]:
    """The lines of that moment and later; one without a time is of the time of the line before it."""
    late = not any(_STAMP.match(line) for line in lines)
    for line in lines:
        stamp = _STAMP.match(line)
        if stamp:
            late = datetime.fromisoformat(stamp[1]) >= moment
        if late:
            yield line


def _refuse(site: Site, name: str, groups: list[Group]) -> None:
    machines = [machine.id for group in groups for machine in group.instances]
    known = {"services": list(site.project.services), "groups": [g.name for g in groups], "instances": machines}
    if name in site.project.services:
        raise SpecError(
            f"'{name}' has no machines",
            details="no group of it stands, and no run saved logs under that name",
            resolution=f"Roll it; for a group that is gone name that group: see `phoenix run list {name}`.",
        )
    raise SpecError(
        f"there is no service, group or instance '{name}'",
        details="; ".join(f"{what}: {', '.join(each) or 'none'}" for what, each in known.items()),
        resolution="Name one of these, or a group or instance whose logs a run has saved (`phoenix run show`).",
    )
