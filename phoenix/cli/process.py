"""The process that a command line runs in: its standard files, and how often it looks for garbage."""

from __future__ import annotations

import gc

from phoenix.cli import streams

GARBAGE = 200_000
"""Objects between two looks for garbage. What a command makes as it starts it keeps; Python would look 200 times."""


def begin() -> None:
    """Before anything else is done."""
    gc.set_threshold(GARBAGE)
    streams.occupy()


def end() -> None:
    """After everything else was done. What is left goes with the process: it is not looked through for garbage."""
    streams.settle()
    gc.freeze()
