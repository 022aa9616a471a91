"""What the programs that read secrets have in common: what they pick of one, and how they write it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.execute.boot_work import settings_file
from phoenix.model import Release
from tests.support import secret_program


@pytest.fixture(params=["aws", "gcp"], scope="module")
def program(request: pytest.FixtureRequest) -> Any:
    return secret_program.module(request.param)


def release(**settings: str) -> Release:
    return Release(image="i", image_ref="r", settings=tuple(settings.items()))


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ('{"a": 1}', "", '{"a": 1}'),
        ("plain\n", "", "plain\n"),
        ('{"user": "app", "password": "p\\"\\u00fc\\n"}', "password", 'p"ü\n'),
        ('{"port": 5432, "rate": 1.10, "tls": true}', "port", "5432"),
        ('{"port": 5432, "rate": 1.10, "tls": true}', "rate", "1.10"),
        ('{"port": 5432, "rate": 1.10, "tls": true}', "tls", "true"),
        ('{"a#b": "x"}', "a#b", "x"),
    ],
)
def test_what_is_picked(program: Any, text: str, key: str, value: str) -> None:
    assert program.picked(text, key) == value


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("hunter2", "password", "no JSON object"),
        ('["hunter2"]', "0", "no JSON object"),
        ('{"password": "hunter2"}', "Password", "no such key"),
        ('{"password": ["hunter2"]}', "password", "no text, number or truth value"),
        ('{"password": null}', "password", "no text, number or truth value"),
    ],
)
def test_what_cannot_be_picked_is_told_without_the_value(program: Any, text: str, key: str, why: str) -> None:
    with pytest.raises(program.FailedError, match=why) as caught:
        program.picked(text, key)
    assert "hunter2" not in str(caught.value)


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\t\n"), max_size=40))
def test_a_value_is_written_as_a_plain_setting_is(program: Any, value: str) -> None:
    plain = settings_file(release(A=f"={value}"))
    assert program.line("A", f"={value}") == plain.rpartition("PHOENIX_RELEASE=")[0]


@pytest.mark.parametrize("value", ["a\0b", "a\rb", "\x1b[0m", "\x7f", "\ud800"])
def test_what_systemd_would_drop_is_a_failure(program: Any, value: str) -> None:
    with pytest.raises(program.FailedError, match="character"):
        program.line("A", value)
