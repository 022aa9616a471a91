"""Where a managed group is: in a region, or in one zone of it. The calls for the two have names of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phoenix.clouds.gcp import links


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The region, and the zone where it is one zone alone."""

    region: str
    zone: str = ""

    @property
    def managers(self) -> str:
        """The collection of managed groups there."""
        return "instanceGroupManagers" if self.zone else "regionInstanceGroupManagers"

    @property
    def groups(self) -> str:
        """The collection of the plain groups that they manage."""
        return "instanceGroups" if self.zone else "regionInstanceGroups"

    @property
    def autoscalers(self) -> str:
        """The collection of autoscalers there."""
        return "autoscalers" if self.zone else "regionAutoscalers"

    @property
    def place(self) -> Mapping[str, Any]:
        """What every call there is asked with."""
        return {"zone": self.zone} if self.zone else {"region": self.region}

    def path(self, project: str, kind: str, name: str) -> str:
        """The link of something there, from `projects/` on."""
        where = f"zones/{self.zone}" if self.zone else f"regions/{self.region}"
        return f"projects/{project}/{where}/{kind}/{name}"


def home_of(link: str) -> Home:
    """The home of what has that link."""
    zone = links.part_of(link, "zones")
    return Home(region=region_of(zone) if zone else links.part_of(link, "regions"), zone=zone)


def home_for(region: str, zones: tuple[str, ...]) -> Home:
    """Where a new group belongs: in one zone where that is all it may have, else in the region."""
    return Home(region=region, zone=zones[0] if len(zones) == 1 else "")


def region_of(zone: str) -> str:
    """The region of a zone: europe-west1 for europe-west1-b."""
    return zone.rpartition("-")[0]
