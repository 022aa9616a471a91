"""Which images stay, which go, and why: decided from what was seen, and nothing is done here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from phoenix.model import Image

Needs = Mapping[str, tuple[str, ...]]
"""Who needs an image, each in a sentence, by its id: two clouds of a file may show the same directory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """An image, and why it stays or goes."""

    image: Image
    stays: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The newest `keep` verified images of each name stay; where `older_than` is given, also those that are younger."""

    keep: int
    older_than: float | None = None
    """Seconds."""


def judge(images: tuple[Image, ...], rule: Rule, needs: Needs, now: datetime) -> tuple[Judged, ...]:
    """Every image, in the order given. Who needs an image also needs what it was baked on."""
    reasons = {_key(image): _own_reasons(image, images, rule, needs, now) for image in images}
    for image in sorted(images, key=lambda image: -image.type.rank):  # what lies below comes after what stands on it
        for below in images:
            if reasons[_key(image)] and below.id == image.parent:
                reasons[_key(below)] = (*reasons[_key(below)], f"{image.ref}, which stays, was baked on it")
    return tuple(_judged(image, reasons[_key(image)], rule) for image in images)


def _own_reasons(image: Image, images: tuple[Image, ...], rule: Rule, needs: Needs, now: datetime) -> tuple[str, ...]:
    if not image.verified:
        return ("not verified: a bake may be at work on it, and `phoenix tend` removes what a dead one left",)
    siblings = [each for each in images if _kind(each) == _kind(image) and each.verified]
    newest = sorted(siblings, key=lambda each: (each.created, each.id), reverse=True)[: rule.keep]
    young = rule.older_than is not None and (now - image.created).total_seconds() < rule.older_than
    return (
        *([f"among the newest {rule.keep} of {image.type}/{image.name}"] if image in newest else []),
        *(["younger than --older-than says"] if young else []),
        *needs.get(image.id, ()),
    )


def _judged(image: Image, reasons: tuple[str, ...], rule: Rule) -> Judged:
    nobody = f"not among the newest {rule.keep} of {image.type}/{image.name}, and nobody needs it"
    return Judged(image=image, stays=bool(reasons), why="; ".join(dict.fromkeys(reasons)) or nobody)


def _key(image: Image) -> tuple[str, str]:
    return (image.cloud, image.id)


def _kind(image: Image) -> tuple[str, str, str]:
    return (image.cloud, image.type, image.name)
