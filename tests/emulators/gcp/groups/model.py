"""What a managed group knows beyond its record: its members, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.emulators.gcp.api.errors import Json

ACTIONS = {
    "NONE": "none",
    "ABANDONING": "abandoning",
    "CREATING": "creating",
    "CREATING_WITHOUT_RETRIES": "creatingWithoutRetries",
    "DELETING": "deleting",
    "RECREATING": "recreating",
    "REFRESHING": "refreshing",
    "RESTARTING": "restarting",
    "RESUMING": "resuming",
    "STARTING": "starting",
    "STOPPING": "stopping",
    "SUSPENDING": "suspending",
    "VERIFYING": "verifying",
}
"""currentAction of a member, and its counter in the group's currentActions.
https://cloud.google.com/compute/docs/instance-groups/working-with-managed-instances"""
LEAVING = ("DELETING", "ABANDONING")


@dataclass
class Member:
    """One managed instance."""

    key: str
    """The instance, as a path."""
    template: str
    """The key of the instance template that it is made from."""
    version: str = ""
    action: str = "CREATING"
    since: float = 0.0
    """Since when it runs."""
    was_healthy: bool = False
    trying: bool = False
    """Whether an operation for it is under way."""
    errors: list[Json] = field(default_factory=list)
    """Of its last attempt."""

    @property
    def stays(self) -> bool:
        """Whether it counts for the group's size."""
        return self.action not in LEAVING


@dataclass
class Group:
    """One managed group."""

    members: dict[str, Member] = field(default_factory=dict)
    """By name."""
    errors: list[Json] = field(default_factory=list)
    """What listErrors tells, newest last."""
    exhausted: dict[str, float] = field(default_factory=dict)
    """Zones without resources, and until when they are not tried."""
    configs: dict[str, Json] = field(default_factory=dict)
    """What single members keep, by their names."""
    started: bool = False
    """Whether its own creation has ended."""
    ending: bool = False
    """Whether it is being deleted: no member stays, whatever its size was meant to be a moment ago."""

    @property
    def staying(self) -> dict[str, Member]:
        """The members that count."""
        return {name: member for name, member in self.members.items() if member.stays}
