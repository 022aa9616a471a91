"""What others wrote (hooks, people, packages, services), without what a terminal would obey.

An escape sequence can move the cursor, rename the window, answer in the reader's name or hide what it says; a mark of
writing direction can show `cba` for `abc`.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor (ECMA-48, 5.4)
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC and other strings
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HALVES = re.compile("[\ud800-\udfff]")
"""What stands for bytes that were no UTF-8: it can be printed nowhere."""


def printable(text: str) -> str:
    """The text with its lines and tabs, and without any other control character."""
    if text.isascii() and text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\r", " ")
    return _HALVES.sub("\ufffd", _CONTROLS.sub("", _SEQUENCES.sub("", lines)))
