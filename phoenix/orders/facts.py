"""What results are made of: runs, groups, machines, images as frozen values of JSON-able fields.

Times are RFC 3339 in UTC, durations seconds, sizes bytes. `dump` is the one way from a result to JSON data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.model import Backend, Group, Image, Instance, Package, Route, TestResult
from phoenix.record.origin import Origin

if TYPE_CHECKING:  # most results are of no run
    from phoenix.record.journal import Run


def dump(result: Any) -> dict[str, Any]:
    """A result, or an order, as JSON data: its fields by name."""
    data: dict[str, Any] = asdict(result)
    return data


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """A run's head. `seconds`: how long it took; None while it goes on. `origin`: the build that it was begun for."""

    id: str
    kind: str
    subject: str
    state: str
    who: str
    host: str
    pid: int
    why: str
    started: str
    ended: str | None
    seconds: int | None
    origin: Origin


def run_facts(run: Run) -> RunFacts:
    """The head of a run."""
    return RunFacts(
        id=run.id,
        kind=run.kind,
        subject=run.subject,
        state=run.state,
        who=run.owner.who,
        host=run.owner.host,
        pid=run.owner.pid,
        why=run.why,
        started=run.started,
        ended=run.ended or None,
        seconds=run_seconds(run, from_rfc3339(run.ended)) if run.ended else None,
        origin=run.origin,
    )


def head(run: Run) -> dict[str, Any]:
    """The fields of the head of a run, for a result that has more of it."""
    facts = run_facts(run)
    return {field.name: getattr(facts, field.name) for field in fields(facts)}


def run_seconds(run: Run, now: datetime) -> int:
    """How long the run took, or has taken so far; never less than 0, whatever clocks say."""
    until = from_rfc3339(run.ended) if run.ended else now
    return max(0, int((until - from_rfc3339(run.started)).total_seconds()))


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


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFacts:
    """An exact package."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TestFacts:
    """One command of an image's verification."""

    __test__ = False  # not a pytest class

    name: str
    ok: bool
    output: str


def tested(tests: tuple[TestResult, ...]) -> tuple[TestFacts, ...]:
    """The results of an image's verification."""
    return tuple(TestFacts(name=test.name, ok=test.ok, output=test.output) for test in tests)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFacts:
    """An image. `in_use_by`: the groups whose machines start from it."""

    ref: str
    id: str
    type: str
    name: str
    cloud: str
    key: str
    parent: str | None
    created: str
    age: int
    verified: bool
    verified_on: str | None
    builder: str
    size: int
    commit: str | None
    dirty: bool
    packages: tuple[PackageFacts, ...]
    in_use_by: tuple[str, ...]


def image_facts(image: Image, users: tuple[str, ...], now: datetime) -> ImageFacts:
    """An image and who uses it."""
    return ImageFacts(
        ref=image.ref,
        id=image.id,
        type=image.type,
        name=image.name,
        cloud=image.cloud,
        key=image.key,
        parent=image.parent,
        created=rfc3339(image.created),
        age=int((now - image.created).total_seconds()),
        verified=image.verified,
        verified_on=image.verified_on if image.verified else None,
        builder=image.builder,
        size=image.size,
        commit=image.source.commit or None,
        dirty=image.source.dirty,
        packages=tuple(map(package_facts, image.packages)),
        in_use_by=users,
    )


def package_facts(package: Package) -> PackageFacts:
    """A package by name, version and digest."""
    return PackageFacts(name=package.name, version=package.version, sha256=package.sha256)


def listed(directory: Path) -> tuple[str, ...]:
    """The files in the directory, sorted; none where there is none, or it cannot be read."""
    try:
        return tuple(str(file) for file in sorted(directory.iterdir()))
    except OSError:
        return ()
