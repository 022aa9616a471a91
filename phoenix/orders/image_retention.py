"""Giving up old images: never one that somebody needs, and each with the reason why it stays or goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from phoenix.errors import PhoenixError, SpecError
from phoenix.model import Image
from phoenix.orders import places
from phoenix.orders.facts import dump
from phoenix.orders.image_facts import ImageFacts, image_facts
from phoenix.orders.images import users_of
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan import image_retention as retention
from phoenix.plan.image_retention import Judged, Rule

KEEP = 3
"""Newest images of a name that stay where nobody says how many."""
Needed = Iterator[tuple[str, str]]
"""The id of an image, and who needs it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneOrder:
    """Delete images that nobody needs. `cloud`: of this one only."""

    keep: int = KEEP
    older_than: float | None = None
    """Seconds; only images that are at least so old go."""
    cloud: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedImage(ImageFacts):
    """An image, and why it stays or goes."""

    stays: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneResult:
    """Every image with its verdict, newest first. `deleted`: the ids of those that are gone now."""

    images: tuple[JudgedImage, ...]
    deleted: tuple[str, ...]


def plan(site: Site, order: PruneOrder) -> PruneResult:
    """What would go, and what stays; nothing is deleted.

    CloudError where a cloud gives no answer, so that nobody knows who needs what: unknown is not no.
    """
    return _result(site, judged(site, order), ())


def _refuse_none(order: PruneOrder) -> None:
    if order.keep < 1:
        raise SpecError(
            f"--keep {order.keep} would leave no image to roll",
            details="accepted: a number from 1",
            resolution="Keep one at least; `phoenix image delete` removes one by name.",
        )


def prune(site: Site, order: PruneOrder) -> PruneResult:
    """Delete what nobody needs, highest layer first; each is judged once more right before it goes.

    One that cannot be deleted keeps no other: the first such error is raised at the end, with the result as its facts.
    """
    verdicts = judged(site, order)
    going = sorted((each.image for each in verdicts if not each.stays), key=lambda image: -image.type.rank)
    deleted: list[str] = []
    troubles: list[PhoenixError] = []
    for image in going:
        try:
            if any(each.image == image and not each.stays for each in judged(site, order)):
                site.say(f"deleting {image.ref} ({image.id})")
                site.cloud(image.cloud).images.delete(image.id)
                deleted.append(image.id)
        except PhoenixError as error:
            troubles.append(error)
    result = _result(site, verdicts, tuple(deleted))
    if troubles:
        troubles[0].know(dump(result))
        raise troubles[0]
    return result


def judged(site: Site, order: PruneOrder) -> tuple[Judged, ...]:
    """Every image and its verdict, by a fresh look at who needs it."""
    _refuse_none(order)
    needs: dict[str, tuple[str, ...]] = {}
    for image, who in _needed(site):
        needs[image] = (*needs.get(image, ()), who)
    images = tuple(_found(site, order.cloud))
    rule = Rule(keep=order.keep, older_than=order.older_than)
    return retention.judge(images, rule, needs, site.clock.now())


def _found(site: Site, cloud: str | None) -> list[Image]:
    """The images of the clouds, newest first, each with the cloud that showed it (manifests may name a former one)."""
    names = [cloud] if cloud else list(site.project.clouds)
    found = [replace(image, cloud=name) for name in names for image in site.cloud(name).images.list()]
    return sorted(found, key=lambda image: (image.created, image.id), reverse=True)


def _needed(site: Site) -> Needed:
    """Who needs which image: launch templates of groups, ways back, runs that have not ended, other projects."""
    known = _found(site, None)
    for name in site.project.clouds:
        for group in site.cloud(name).groups.list():
            if group.release is not None:
                yield group.release.image, f"{group.name} starts its machines from it"
    for image in known:
        if site.cloud(image.cloud).images.shared:
            yield image.id, "machines of other projects may start from it: its directory is shared"
    for place in (*places.known(site), *places.forgotten(site)):
        yield from _ways_back(site, place)
    for run in site.history.live():
        if not run.state.ended:
            named = set(_texts(run.plan))
            yield from ((each.id, f"{run.id} ({run.state}) names it") for each in known if each.id in named)


def _ways_back(site: Site, place: Place) -> Needed:
    """What served last, and what a rollback would go to, whether their groups stand or not."""
    turns = site.history.served(place.service.name, place.environment.name)
    former = [turn for turn in turns if turns and turn.group == turns[-1].former]
    for turn in (*turns[-1:], *former):
        yield turn.release.image, f"a rollback of {place.subject} to {turn.group} would start from it"


def _texts(data: object) -> Iterator[str]:
    """Every text in a plan."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)


def _result(site: Site, verdicts: tuple[Judged, ...], deleted: tuple[str, ...]) -> PruneResult:
    users, now = users_of(site, None), site.clock.now()
    return PruneResult(
        images=tuple(_facts(each, image_facts(each.image, users.get(each.image.id, ()), now)) for each in verdicts),
        deleted=deleted,
    )


def _facts(verdict: Judged, facts: ImageFacts) -> JudgedImage:
    known: dict[str, Any] = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return JudgedImage(**known, stays=verdict.stays, why=verdict.why)
