"""How Google names things: by links, whole (`https://.../projects/p/zones/z/instances/i`) or from `projects/` on."""

from __future__ import annotations

import re

_BEFORE = re.compile(r"^(https?://[^/]+/(compute/)?[^/]+/)?(?=projects/|global/|regions/|zones/)")


def name_of(link: str) -> str:
    """The last part of a link: the thing's own name."""
    return link.rpartition("/")[2]


def part_of(link: str, kind: str) -> str:
    """What stands after `kind` in a link, such as the zone after `zones`; empty where it has none."""
    words = link.split("/")
    return words[words.index(kind) + 1] if kind in words[:-1] else ""


def short(link: str) -> str:
    """The link from `projects/` on: two links to one thing are alike then, whichever host and version they name."""
    return _BEFORE.sub("", link)


def same(one: str, other: str) -> bool:
    """Whether two links name one thing."""
    return short(one) == short(other)


def full(link: str) -> str:
    """The link as Google tells it itself: where a backend's group is named, no other form is taken."""
    return f"https://www.googleapis.com/compute/v1/{short(link)}"
