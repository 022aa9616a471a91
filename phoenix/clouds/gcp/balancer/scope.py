"""Where a load balancer is: global, or in one region. What belongs to it is there, too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A project, or one region of it."""

    project: str
    region: str | None = None
    """None: all regions."""

    def link(self, kind: str, name: str) -> str:
        """The link to a thing of that kind (`urlMaps`, `backendServices`) there."""
        return f"{self.parent}/{kind}/{name}"

    @property
    def parent(self) -> str:
        """What links to things there begin with."""
        return f"projects/{self.project}/{f'regions/{self.region}' if self.region else 'global'}"

    def __str__(self) -> str:
        return f"the region {self.region}" if self.region else "global"
