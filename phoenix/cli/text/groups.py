"""Groups as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phoenix.cli.text.table import table
from phoenix.orders.facts import GroupFacts, dump


def group_rows(groups: Sequence[Mapping[str, Any]]) -> str:
    """A line per group, of groups as JSON data."""
    rows = [(g["name"], g["service"], g["environment"], f"{g['share']}%", g["size"], g["image"] or "-") for g in groups]
    return str(table("group", "service", "environment", "share", "size", "image", rows=rows)) if rows else "no groups"


def group_text(group: GroupFacts) -> str:
    """One group with its machines."""
    facts = "\n".join(f"{key}: {value}" for key, value in dump(group).items() if key != "instances")
    rows = [(i.id, i.state, i.boot, i.engine, i.address, i.detail) for i in group.instances]
    return f"{facts}\n\n{table('instance', 'state', 'boot', 'engine', 'address', 'detail', rows=rows)}"
