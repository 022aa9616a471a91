"""Which managed group a name means, wherever in the region it is: regional, or in one zone."""

from __future__ import annotations

from phoenix.clouds.gcp import links
from phoenix.clouds.gcp.calls import Calls


def instance_groups(calls: Calls, name: str) -> tuple[str, ...]:
    """The instance groups of the managed groups of that name, anywhere. One, or none, unless somebody made two."""
    asked = calls.pages("instanceGroupManagers", "aggregatedList", filter=f'name = "{name}"')
    return tuple(sorted(links.short(each["instanceGroup"]) for each in asked if each.get("name") == name))
