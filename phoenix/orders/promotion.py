"""Promoting packages that were proven in one repository to another: the same bytes, nothing is built again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.execute import publication, repositories
from phoenix.execute.repositories import LOCK_DEADLINE
from phoenix.orders import publish as publishing
from phoenix.orders.planned import Planned
from phoenix.orders.publish import PublishOrder, PublishResult
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class PromoteOrder:
    """Publish what one repository has in another. `packages`: NAME=VERSION each."""

    packages: tuple[str, ...]
    source: str
    target: str
    why: str = ""
    wait: float = LOCK_DEADLINE


def plan(site: Site, order: PromoteOrder) -> Planned[PromoteOrder]:
    """What the promotion would do now; changes nothing. RefusedError where the source lacks what is asked for."""
    with _as_files(site, order) as files:
        decided: Plan[object] = publishing.plan(site, _publication(order, files)).only
    return Planned(order=order, plan=decided)


def promote(site: Site, order: PromoteOrder) -> PublishResult:
    """Publish the packages in the target with the source's bytes, as a publication of their files would be done."""
    with _as_files(site, order) as files:
        return publishing.carry_out(site, _publication(order, files))


def _publication(order: PromoteOrder, files: tuple[str, ...]) -> PublishOrder:
    why = f"promoted from {order.source}" + (f": {order.why}" if order.why else "")
    return PublishOrder(files=files, repository=order.target, wait=order.wait, why=why)


@contextmanager
def _as_files(site: Site, order: PromoteOrder) -> Iterator[tuple[str, ...]]:
    """The packages as the source shows them, in files for as long as they are needed."""
    source, target = site.project.repository(order.source), site.project.repository(order.target)
    if source.name == target.name:
        raise SpecError(
            "a promotion goes from one repository to another",
            details=f"--from and --to both say {source.name}",
            resolution="Name two of phoenix.yaml; a second distribution is a second repository.",
        )
    wishes = [_wish(text) for text in order.packages]
    repositories.ensure_served(source, clock=site.clock, say=site.say)
    with tempfile.TemporaryDirectory(prefix="phoenix-promote-") as name:
        found = publication.downloaded(repositories.repository_here(source), wishes, Path(name))
        yield tuple(map(str, found))


def _wish(text: str) -> tuple[str, str | None]:
    name, equals, version = text.partition("=")
    if not (name and equals and version):
        raise SpecError(
            f"'{text}' names no package to promote",
            details="what was proven has a version",
            resolution="Say NAME=VERSION.",
        )
    return name, version
