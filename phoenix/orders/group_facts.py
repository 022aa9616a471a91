"""Groups and their machines as results have them: see `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from phoenix.clock import rfc3339
from phoenix.model import Backend, Group, Instance, Route


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceFacts:
    """A machine of a group."""

    id: str
    state: str
    boot: str
    address: str
    engine: str
    detail: str
    healthy: bool
    seen: str
    """What the balancer's check saw of it; empty while it is healthy, or where the balancer does not tell."""
    restarts: int | None
    """How often its services ended and were started again since it booted; None where nobody tells."""
    touched: str
    """Who was inside of it last (`phoenix ssh`), and when; empty: nobody, as far as that is known."""
    inside: bool
    """Whether somebody is inside of it now, as far as that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """A group with the balancer's view of it.

    `sessions`: requests under way; None where nobody shows them. `made`: whether phoenix made it; of one that it did
    not, nothing is known that it runs.
    """

    name: str
    service: str
    environment: str
    share: int
    size: int
    healthy: int
    sessions: int | None
    made: bool
    image: str | None
    image_id: str | None
    release: str | None
    packages: dict[str, str]
    created: str
    age: int
    keep_until: str | None
    keep_left: int | None
    instances: tuple[InstanceFacts, ...]
    seen: str
    """What the balancer says of it in its own words, of the machines that are not healthy first."""
    restarts: int | None
    """How often services of its machines were started again; None where nobody tells."""


def group_facts(group: Group, route: Route, now: datetime) -> GroupFacts:
    """A group with what its balancer says of it."""
    backend, release = route.backend(group.name), group.release
    return GroupFacts(
        name=group.name,
        service=group.service,
        environment=group.environment,
        share=backend.share if backend else 0,
        size=group.size,
        healthy=backend.healthy if backend else 0,
        sessions=backend.requests if backend else 0,
        made=group.made,
        image=release.image_ref if release else None,
        image_id=release.image if release else None,
        release=release.id if release else None,
        packages={p.name: p.version for p in release.packages} if release else {},
        created=rfc3339(group.created),
        age=int((now - group.created).total_seconds()),
        keep_until=rfc3339(group.keep_until) if group.keep_until else None,
        keep_left=max(0, int((group.keep_until - now).total_seconds())) if group.keep_until else None,
        instances=tuple(_instance_facts(each, backend) for each in group.instances),
        seen=backend.seen if backend else "",
        restarts=_restarts(group),
    )


def _restarts(group: Group) -> int | None:
    told = [each.restarts for each in group.staying if each.restarts is not None]
    return sum(told) if told else None


def _instance_facts(instance: Instance, backend: Backend | None) -> InstanceFacts:
    return InstanceFacts(
        id=instance.id,
        state=instance.state,
        boot=instance.boot,
        address=instance.address,
        engine=instance.engine,
        detail=instance.detail,
        healthy=backend is not None and instance.id in backend.well,
        seen=dict(backend.checks).get(instance.id, "") if backend else "",
        restarts=instance.restarts,
        touched=instance.touched,
        inside=instance.inside,
    )
