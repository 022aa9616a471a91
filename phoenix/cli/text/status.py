"""How places stand, as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from phoenix.cli.text.table import table
from phoenix.cli.text.times import beside, lasted
from phoenix.orders.group_facts import GroupFacts
from phoenix.orders.status import RunNow, ServiceStatus

SHOWN = 10
"""Machines that are named one by one; of more only how many there are."""


def service_text(look: ServiceStatus) -> str:
    """One place."""
    head = f"{look.service}/{look.environment} on {look.cloud}"
    lines = [f"{head}: unknown"]
    if look.address is not None:
        lines = [f"{head}{f' at {look.address}' if look.address else ''}: {_serving(look)}"]
    lines += [f"  {line}" for line in (look.error or "").splitlines()]
    if look.run:
        lines += _run_lines(look.run)
    if look.groups:
        lines.append(str(_groups_table(look.groups)))
    return "\n".join([*lines, *_dead(look.groups), *_ill(look.groups), *_again(look.groups)])


def _serving(look: ServiceStatus) -> str:
    """Which group serves; where several do, each with its share."""
    shares = [f"{group.name} {group.share}%" for group in look.groups if group.share]
    return f"{', '.join(shares)} serve" if len(shares) > 1 else f"{look.stable or 'nothing'} serves"


def _run_lines(run: RunNow) -> Iterator[str]:
    yield f"run {run.id}: {run.state} since {run.started} by {run.who} on {run.host}" + (
        f": {run.why}" if run.why else ""
    )
    if run.held:
        yield f"  held since {run.step_began} ({lasted(run.step_seconds)}): {run.held}"
    elif run.state == "stuck" and run.error:
        yield f"  {run.error}"
    elif run.step:
        at = f"{run.step} since {run.step_began} ({beside(run.step_seconds, run.step_last_time)})"
        yield f"  at {at}; {lasted(run.elapsed)} in all"
    yield f"  {run.next}"


def _groups_table(groups: tuple[GroupFacts, ...]) -> object:
    rows = [
        (
            group.name,
            f"{group.share}%",
            f"{group.healthy}/{group.size}",
            "-" if group.sessions is None else group.sessions,
            group.image or "-",
            " ".join(f"{name}={version}" for name, version in group.packages.items()) or "-",
            ", ".join(sorted({i.engine for i in group.instances})) or "-",
            _kept(group),
        )
        for group in groups
    ]
    return table("group", "share", "healthy", "requests", "image", "packages", "engine", "kept until", rows=rows)


def _kept(group: GroupFacts) -> str:
    if group.keep_until is None:
        return "-"
    left = group.keep_left or 0
    return f"{group.keep_until} ({lasted(left)} left)" if left > 0 else f"{group.keep_until} (over)"


def _ill(groups: tuple[GroupFacts, ...]) -> Iterator[str]:
    """What the balancer's check saw of machines that are not healthy."""
    yield from (f"{group.name}: {group.seen}" for group in groups if group.seen)


def _again(groups: tuple[GroupFacts, ...]) -> Iterator[str]:
    """How often services of a group's machines died and were started again."""
    for group in groups:
        worst = max(group.instances, key=lambda each: each.restarts or 0, default=None)
        if worst and worst.restarts:
            yield f"{group.name}: services were started again {group.restarts} times, {worst.restarts} of {worst.id}"


def _dead(groups: tuple[GroupFacts, ...]) -> Iterator[str]:
    """The machines that are dead, or whose boot or service failed, with the reason."""
    ill = [i for g in groups for i in g.instances if i.state == "dead" or i.boot == "failed"]
    for instance in ill[:SHOWN]:
        state = f"{instance.state}, boot {instance.boot}"
        yield f"{instance.id}: {state}: {instance.detail or 'no reason told'}"
    if len(ill) > SHOWN:
        yield f"and {len(ill) - SHOWN} more dead machines: see `phoenix group show`"
