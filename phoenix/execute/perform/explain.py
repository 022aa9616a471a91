"""Why a group is not healthy, for the error that ends a wait: what was seen of each machine, and its last words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phoenix.errors import CloudError
from phoenix.execute.perform.world import World
from phoenix.model import Backend, BootState, Instance
from phoenix.wait import Verdict

LOG_LINES = 25
"""Lines of a machine's own log that an error carries."""
SHOWN = 5
"""Machines that are asked and told of one by one."""


def why_ill(world: World, name: str) -> str:
    """What there is to say of the group's machines that are not healthy; empty where nobody can be asked any more."""
    try:
        group = world.groups.find(name)
        backend = world.traffic.read((name,)).backend(name) if group else None
    except CloudError as error:
        return f"what its machines say could not be asked: {error.brief}"
    well = backend.well if backend else frozenset[str]()
    ill = [each for each in (group.staying if group else ()) if each.id not in well or each.failed_units]
    worst = sorted(ill, key=lambda each: (each.boot is BootState.DONE and not each.failed_units, each.id))
    lines = [line for each in worst[:SHOWN] for line in _told(world, each, backend)]
    if len(worst) > SHOWN:
        lines.append(f"and {len(worst) - SHOWN} more machines that are not healthy")
    return "\n".join([*lines, *_tail(world, worst)])


def _told(world: World, instance: Instance, backend: Backend | None) -> Iterator[str]:
    """A line of what is known of the machine, where that is anything."""
    checks = dict(backend.checks) if backend else {}
    seen = [f"the balancer's check: {checks[instance.id]}"] if instance.id in checks else []
    if instance.boot is BootState.DONE:
        look = world.ask_machine(instance)
        seen += [f"asked by phoenix: {look.seen}"] if look and look.verdict is not Verdict.PASS else []
        deaf = _logs(world, instance).get("listening", "").strip()
        seen += [deaf] if deaf else []
    if instance.restarts:
        seen.append(f"its service was started again {instance.restarts} times")
    if instance.detail and instance.boot is not BootState.DONE:
        seen.append(instance.detail)
    if seen:
        yield f"{instance.id}: {'; '.join(seen)}"


def _tail(world: World, worst: list[Instance]) -> Iterator[str]:
    """The last lines of the first of them."""
    for instance in worst[:1]:
        logs = _logs(world, instance)
        text = logs.get("service" if instance.boot is BootState.DONE else "boot") or logs.get("console", "")
        yield f"--- {instance.id}\n" + "\n".join(text.splitlines()[-LOG_LINES:])


def _logs(world: World, instance: Instance) -> Mapping[str, str]:
    try:
        return world.groups.logs(instance.id)
    except CloudError:
        return {}
