"""What people, hooks, packages and services wrote never reaches a terminal as a command to it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.cli.text.printable import printable
from tests.support.fakes.desk import Desk

EVIL = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\x1b[2J\x9b2J\u202eabc\x07"


@pytest.mark.parametrize(
    ("wrote", "shown"),
    [
        ("plain\n\ttext: Jürgen, 日本, ✓", "plain\n\ttext: Jürgen, 日本, ✓"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;the window's name\x07here", "here"),
        ("\x1b]8;;http://evil\x1b\\a link\x1b]8;;\x1b\\", "a link"),
        ("\x1b]0;never ended\nthe next line", "\nthe next line"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("10 %\r20 %\r\n", "10 % 20 %\n"),
        ("a\u202ecba\u2066", "acba"),
        ("caf\udce9", "caf\ufffd"),
        ("\x00\x08\x7f", ""),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(wrote: str, shown: str) -> None:
    assert printable(wrote) == shown


@given(st.text(st.characters(categories=("Cc", "Cs", "Cf", "Ll", "Po", "Ps"))))
def test_nothing_of_it_is_left_whatever_is_written(wrote: str) -> None:
    left = {c for c in printable(wrote) if unicodedata.category(c) in ("Cc", "Cs")}
    assert left <= {"\n", "\t"}
    printable(wrote).encode()


def test_a_reason_is_shown_without_it_wherever_it_is_shown(desk: Desk) -> None:
    desk.roll("1.0.0")
    run = desk.roll("2.0.0", "--no-traffic", "--why", f"{EVIL} because", code=8)["run"]
    for page in (("run", "list"), ("run", "show", run), ("status",), ("group", "list")):
        shown = desk.page(*page)
        assert not {c for c in shown if unicodedata.category(c) == "Cc"} - {"\n", "\t"}, page
        assert "\u202e" not in shown
    assert "redabc because" in desk.page("run", "list")
    desk.page("abort", run)


def test_what_a_machine_says_is_shown_without_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.roll("1.0.0")
    monkeypatch.setattr(desk.cloud, "logs", lambda _instance: {"service": f"{EVIL} hello"})
    shown = desk.page("logs", "web-tier-local-v001-1")
    assert "redabc hello" in shown
    assert not {c for c in shown if unicodedata.category(c) == "Cc"} - {"\n", "\t"}


def test_an_error_is_told_without_it(desk: Desk) -> None:
    desk.page("roll", f"web{EVIL}", code=2)
    assert "there is no service 'webredabc'" in desk.said
    assert not {c for c in desk.said if unicodedata.category(c) == "Cc"} - {"\n", "\t"}
