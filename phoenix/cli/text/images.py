"""Images as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phoenix.cli.text.facts import fact_lines
from phoenix.cli.text.table import table
from phoenix.cli.text.times import age
from phoenix.orders.facts import dump
from phoenix.orders.image_retention import PruneResult
from phoenix.orders.images import GoneImage, ImageList, Lineage, WholeImage, last_line


def image_rows(found: ImageList) -> str:
    """A line per image."""
    rows = [
        (
            image.ref,
            image.key[:12],
            image.parent or "-",
            age(image.age),
            image.verified_on or "no",
            ", ".join(image.in_use_by) or "-",
        )
        for image in found.images
    ]
    return str(table("ref", "key", "parent", "age", "verified", "in use by", rows=rows)) if rows else "no images"


def image_text(image: WholeImage) -> str:
    """One image with its packages, its tests and where it is."""
    plain = {key: value for key, value in dump(image).items() if not isinstance(value, list | tuple | dict)}
    lines = [fact_lines({**plain, **image.where}, sizes=("size",))]
    lines += [f"package: {package.name} {package.version}" for package in image.packages]
    return "\n".join([*lines, *(f"test {'ok' if t.ok else 'FAILED'}: {t.name}" for t in image.tests)])


def lineage_text(found: Lineage) -> str:
    """An image, and below it what it was baked on."""
    lines = [
        f"{image.id}  (deleted)" if isinstance(image, GoneImage) else f"{image.ref}  {image.id}  {age(image.age)}"
        for image in found.lineage
    ]
    return "\n".join(f"{'  ' * depth}{line}" for depth, line in enumerate(lines))


def verdict_rows(found: PruneResult) -> str:
    """A line per image that stays or goes, and the reason."""
    rows = [("stays" if each.stays else "goes", each.ref, each.cloud, age(each.age), each.why) for each in found.images]
    return str(table("", "ref", "cloud", "age", "why", rows=rows)) if rows else "no images"


def tested_rows(tests: Sequence[Mapping[str, Any]]) -> str:
    """A line per test of a verification, of tests as JSON data."""
    rows = [(test["name"], "ok" if test["ok"] else "FAILED", last_line(test["output"])) for test in tests]
    return str(table("test", "", "output", rows=rows))
