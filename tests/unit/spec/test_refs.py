"""References to images, as people type them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.errors import RefusedError, SpecError
from phoenix.model import Image, ImageType
from phoenix.spec import refs

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = Image(
    id="hello-foundation-nodejs-aaaa11112222",
    type=ImageType.FOUNDATION,
    name="nodejs",
    cloud="local",
    key="aaaa1111" + "0" * 56,
    parent="hello-os-debian-12-ffff",
    created=NOON,
    verified=True,
    builder="chroot",
)
NEW = replace(
    OLD, id="hello-foundation-nodejs-aaaa33334444", key="aaaa3333" + "0" * 56, created=NOON + timedelta(hours=1)
)
UNPROVEN = replace(OLD, id="hello-foundation-nodejs-bbbb", key="bbbb" + "0" * 60, verified=False, created=NEW.created)
OTHER = replace(NEW, id="hello-os-debian-12-aaaa", type=ImageType.OS, name="debian-12")
IMAGES = (OLD, NEW, UNPROVEN, OTHER)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("foundation/nodejs", NEW),
        ("foundation/nodejs@aaaa1", OLD),
        (f"foundation/nodejs@{OLD.key}", OLD),
        (OLD.ref, OLD),
        (OLD.id, OLD),
        ("os/debian-12", OTHER),
    ],
)
def test_a_reference_means_the_newest_that_fits(text: str, image: Image) -> None:
    assert refs.pick(text, IMAGES, verified=True) == image


@pytest.mark.parametrize("text", ["foundation/nodejs@bbbb", UNPROVEN.id])
def test_an_unverified_image_is_for_looking_at_only(text: str) -> None:
    assert refs.pick(text, IMAGES, verified=False) == UNPROVEN
    with pytest.raises(RefusedError, match="no verified image"):
        refs.pick(text, IMAGES, verified=True)


def test_a_key_that_fits_several_recipes_is_asked_for_more_of_it() -> None:
    with pytest.raises(SpecError, match="several") as error:
        refs.pick("foundation/nodejs@aaaa", IMAGES, verified=True)
    assert "aaaa1111" in error.value.details
    assert "aaaa3333" in error.value.details


def test_what_is_not_there_is_refused_with_the_way_to_it() -> None:
    with pytest.raises(RefusedError) as error:
        refs.pick("immutable/hello", IMAGES, verified=True)
    assert "phoenix bake immutable hello" in error.value.resolution


@pytest.mark.parametrize("text", ["", "/", "nodejs/", "golden/nodejs", "foundation/a/b", "os/x@", "os/x@XYZ", "@abc"])
def test_what_is_no_reference_is_told_the_forms(text: str) -> None:
    with pytest.raises(SpecError) as error:
        refs.pick(text, IMAGES, verified=True)
    assert "TYPE/NAME@KEYPREFIX" in error.value.details


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_a_refusal(text: str) -> None:
    with suppress(SpecError, RefusedError):
        refs.pick(text, IMAGES, verified=True)
