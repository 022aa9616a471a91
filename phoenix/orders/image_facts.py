"""Images as results have them: see `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from phoenix.clock import rfc3339
from phoenix.model import Image, Package, TestResult


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
