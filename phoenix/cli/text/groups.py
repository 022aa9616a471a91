"""Groups as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phoenix.cli.text.facts import fact_lines
from phoenix.cli.text.table import table
from phoenix.orders.facts import dump
from phoenix.orders.group_facts import GroupFacts, InstanceFacts


def group_rows(groups: Sequence[Mapping[str, Any]]) -> str:
    """A line per group, of groups as JSON data; with what balancers say of them, where they say something."""
    says = ("balancer",) if any(g["seen"] for g in groups) else ()
    columns = ("group", "service", "environment", "share", "size", "image", *says)
    rows = [
        (g["name"], g["service"], g["environment"], f"{g['share']}%", g["size"], g["image"] or "-", g["seen"])
        for g in groups
    ]
    return str(table(*columns, rows=[row[: len(columns)] for row in rows])) if rows else "no groups"


def group_text(group: GroupFacts) -> str:
    """One group with its machines."""
    facts = fact_lines({key: value for key, value in dump(group).items() if key != "instances"})
    rows = [
        (i.id, i.state, i.boot, _health(i), i.engine, i.address, "-" if i.restarts is None else i.restarts, i.detail)
        for i in group.instances
    ]
    heads = ("instance", "state", "boot", "healthy", "engine", "address", "restarts", "detail")
    inside = [f"{i.id}: {i.touched} {'is' if i.inside else 'was'} inside of it" for i in group.instances if i.touched]
    return "\n".join([f"{facts}\n\n{table(*heads, rows=rows)}", *inside])


def _health(machine: InstanceFacts) -> str:
    return "yes" if machine.healthy else f"no: {machine.seen}" if machine.seen else "no"
