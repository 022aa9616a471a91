"""The process that a command line runs in: its standard files, and that its garbage goes with it."""

from __future__ import annotations

import gc

from phoenix.cli import streams


def begin() -> None:
    """Before anything else is done."""
    streams.occupy()


def end() -> None:
    """After everything else was done. What is left goes with the process: it is not looked through for garbage."""
    streams.settle()
    gc.freeze()
