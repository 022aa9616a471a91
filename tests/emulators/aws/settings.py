"""What a test may set of the emulated account: how long things take, and how much of them there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Times are virtual seconds, but for `probe`."""

    speed: float = 1.0
    """Virtual seconds that pass by themselves in a real one; 0: time stands still but for `advance`."""
    pending: float = 0.0
    """An instance of a group is Pending so long, as is one that RunInstances starts."""
    terminating: float = 0.0
    """An instance is shutting-down so long before it is terminated."""
    initial: float = 0.0
    """A registered target is `initial` so long at least, before its first check counts."""
    unhealthy: float = 0.0
    """So long after a machine falls ill its target is still `healthy`. For machines that are told; real ones are
    probed as often as the target group's thresholds say."""
    drain: float | None = None
    """Instead of each target group's deregistration_delay."""
    ami_pending: float = 0.0
    """A new AMI is `pending` so long."""
    capacity: int | None = None
    """So many instances can run in all groups together; None for as many as are asked for."""
    short: tuple[str, ...] = ()
    """Zones in which nothing can be started."""
    retry: float = 15.0
    """After a failed launch a group waits so long for the next."""
    check: float = 10.0
    """A group looks at the health of its instances so often."""
    lag: float = 0.0
    """So long after a change of a rule the balancer still routes by the former one."""
    probe: float = 0.2
    """REAL seconds between two probes of a target; each counts as one of the target group's interval."""
    page: int | None = None
    """The most items of a list in one answer (not of those that moto answers); None for as many as are asked for."""
    rules: int = 100
    """Rules of a load balancer, without the default ones."""
    target_groups: int = 3000
    """Of the region."""
    groups: int = 500
    """Auto Scaling groups of the region."""
    quotas: Mapping[str, float] = field(default_factory=dict)
    """What Service Quotas says, by the quota's code; see `quotas.py` for what it says otherwise."""
    denied: tuple[str, ...] = ()
    """Actions, such as `ec2:RunInstances` or `ec2:*`, that SimulatePrincipalPolicy denies. No call is refused by it."""

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """The same with these, as JSON brings them. TypeError for a name that is none."""
        kinds = {field.name: str(field.type) for field in fields(self)}
        read: dict[str, Any] = {
            name: tuple(value) if kinds.get(name, "").startswith("tuple") else value for name, value in changes.items()
        }
        return replace(self, **read)


class Changes(TypedDict, total=False):
    """Some of the settings, as `Emulator.configure` takes them."""

    speed: float
    pending: float
    terminating: float
    initial: float
    unhealthy: float
    drain: float | None
    ami_pending: float
    capacity: int | None
    short: Sequence[str]
    retry: float
    check: float
    lag: float
    probe: float
    page: int | None
    rules: int
    target_groups: int
    groups: int
    quotas: Mapping[str, float]
    denied: Sequence[str]
