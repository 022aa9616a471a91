"""What a test may set of the emulated project: how long things take, and how much of them there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Times are virtual seconds, but for `probe`."""

    speed: float = 1.0
    """Virtual seconds that pass by themselves in a real one; 0: time stands still but for `advance`, and for a caller
    that waits for an operation (it passes to the operation's end)."""
    operation: float = 0.02
    """From an accepted call to the end of its operation, where nothing else has to be waited for. Not 0, so that
    whoever does not wait is found out."""
    creating: float = 0.0
    """An instance is PROVISIONING and STAGING so long before it is RUNNING."""
    stopping: float = 0.0
    """An instance is STOPPING so long, at least."""
    image_pending: float = 0.0
    """A new image is PENDING so long, at least."""
    initial: float = 0.0
    """So long after a backend was added, or its instance began to run, the load balancer says UNHEALTHY of it."""
    health_lag: float = 0.0
    """So long after a backend was added `getHealth` says nothing of it."""
    unhealthy: float = 0.0
    """So long after a machine falls ill it is still HEALTHY. For machines that are told; real ones are probed as often
    as the check's thresholds say."""
    drain: float | None = None
    """Instead of each backend service's draining timeout."""
    retry: float = 15.0
    """After a failed creation a group waits so long for the next."""
    check: float = 10.0
    """A group looks at the health of its instances so often."""
    lag: float = 0.0
    """So long after a change of a URL map or a backend service the load balancer still goes by the former one."""
    probe: float = 0.2
    """REAL seconds between two probes of a machine; each counts as one of the health check's interval."""
    page: int | None = None
    """The most items of a list in one answer; None for as many as are asked for."""
    capacity: int | None = None
    """So many instances can be in all zones together; None for as many as are asked for."""
    short: tuple[str, ...] = ()
    """Zones without resources: ZONE_RESOURCE_POOL_EXHAUSTED."""
    unreachable: tuple[str, ...] = ()
    """Zones and regions that aggregated lists cannot reach: `unreachables` says so, and what is there is missing."""
    quotas: Mapping[str, float] = field(default_factory=dict)
    """Limits by metric, `CPUS` of each region or `BACKEND_SERVICES` of the project; see `compute/quotas.py`."""
    denied: tuple[str, ...] = ()
    """Permissions, such as `compute.images.create` or `compute.images.*`, that nobody has: calls that need one are
    refused, and testIamPermissions does not list them."""
    disabled: tuple[str, ...] = ()
    """Services, such as `compute.googleapis.com`, that are not enabled: calls are refused."""
    revoked: bool = False
    """The service account's key counts no more."""
    old_packer: bool = False
    """What Packer 1.6.6 sends is forgiven, though the service refuses it: see facts in README.md."""

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
    operation: float
    creating: float
    stopping: float
    image_pending: float
    initial: float
    health_lag: float
    unhealthy: float
    drain: float | None
    retry: float
    check: float
    lag: float
    probe: float
    page: int | None
    capacity: int | None
    short: Sequence[str]
    unreachable: Sequence[str]
    quotas: Mapping[str, float]
    denied: Sequence[str]
    disabled: Sequence[str]
    revoked: bool
    old_packer: bool
