"""Labels: what fits stands as it is, what does not is shortened always alike; the whole of it in descriptions."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds.gcp import labels

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = "a" * 64


def test_what_fits_stands_as_it_is() -> None:
    assert labels.value("web-prod_1") == "web-prod_1"
    assert labels.value("") == ""


@given(st.text())
def test_every_text_becomes_a_label(text: str) -> None:
    value = labels.value(text)
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)
    assert labels.value(text) == value
    assert labels.value(value) == value


def test_what_is_shortened_to_the_same_is_told_apart() -> None:
    values = {labels.value(text) for text in (LONG, LONG + "b", "Web", "web", "WEB", "web ")}
    assert len(values) == 6


def test_moments() -> None:
    assert labels.moment(NOON) == "2026-03-01t12-00-00z"
    assert labels.from_moment(labels.moment(NOON)) == NOON
    with pytest.raises(ValueError, match="does not match"):
        labels.from_moment("tomorrow")


def test_descriptions_hold_the_whole() -> None:
    text = labels.described({labels.PROJECT: "Größe", labels.RUN: "roll-1", labels.LIKE: ""})
    assert labels.from_description(text) == {labels.PROJECT: "Größe", labels.RUN: "roll-1"}


@pytest.mark.parametrize("text", ["", "the web tier", "[]", "3", '{"owner": "us"}', '{"phoenix'])
def test_somebody_elses_description_holds_none(text: str) -> None:
    assert labels.from_description(text) == {}
