"""Which image a roll starts from, and what is said where there is none of today's recipe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from phoenix.errors import RefusedError
from phoenix.execute.release import newest_of_today
from phoenix.model import Image, ImageType
from phoenix.spec.images import ImageName

NODEJS = ImageName(type=ImageType.FOUNDATION, name="nodejs")
OLD, NEW = "a" * 64, "b" * 64
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def baked(number: int, key: str, *, verified: bool = True) -> Image:
    return Image(
        id=f"nodejs-{number}",
        type=ImageType.FOUNDATION,
        name="nodejs",
        cloud="local",
        key=key,
        parent=None,
        created=BEGIN + timedelta(hours=number),
        verified=verified,
        builder="light",
    )


def test_of_several_with_todays_key_the_newest_verified_one_is_taken() -> None:
    images = [baked(1, NEW), baked(3, NEW), baked(2, NEW), baked(4, NEW, verified=False), baked(5, OLD)]
    assert newest_of_today(images, NODEJS, frozenset({NEW}), "local").id == "nodejs-3"


def test_images_of_an_older_recipe_are_named_once_each() -> None:
    """An image that was baked again with `--force` bears the name of the former one."""
    with pytest.raises(RefusedError) as refused:
        newest_of_today([baked(number, OLD) for number in range(3)], NODEJS, frozenset({NEW}), "local")
    assert refused.value.details == f"there is foundation/nodejs@{OLD[:12]}, of an older recipe"
