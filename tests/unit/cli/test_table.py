"""Tables on a narrow terminal: columns are left out and named, and no word is broken."""

from __future__ import annotations

from phoenix.cli.text.table import table

WIDE = table(
    "group",
    "share",
    "image",
    "engine",
    "kept until",
    rows=[
        ("web-tier-local-v001", "75%", "foundation/nodejs@0123456789ab", "light", "2026-01-31T12:30:00Z (10m left)"),
        ("web-tier-local-v002", "25%", "foundation/nodejs@ba9876543210", "light", "-"),
    ],
)


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_a_pipe_gets_every_column_whole() -> None:
    assert "ENGINE" in str(WIDE), "the tests have no terminal"
    assert widest(WIDE.within(None)) > 80
    assert WIDE.within(None) == WIDE.within(500)


def test_a_narrow_terminal_gets_what_fits_and_is_told_what_does_not() -> None:
    text = WIDE.within(80)
    assert widest(text) <= 80
    assert "ENGINE" not in text
    assert "10m left" in text, "what matters stays"
    assert text.endswith("(left out: image, engine; a wider terminal or --json shows them)")
    assert "web-tier-local-v001" in WIDE.within(40), "the first column always stays"


def test_no_word_is_broken_and_the_last_column_goes_on_below() -> None:
    why = "not among the newest 3 of foundation/nodejs, and nobody needs it any more since the last rollback"
    text = table("", "ref", "why", rows=[("goes", "foundation/nodejs@0123456789ab", why)]).within(80)
    first, *others = text.splitlines()[1:]
    assert widest(text) <= 80
    column = first.index("not among")
    assert all(line[:column].isspace() for line in others)
    assert " ".join(line[column:] for line in (first, *others)) == why
