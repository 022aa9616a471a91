"""The process that a command line runs in: its standard files, its environment, and that its garbage goes with it."""

from __future__ import annotations

import gc
import os

from phoenix.cli import streams

MARKS = ("JENKINS_NODE_COOKIE", "JENKINS_SERVER_COOKIE", "HUDSON_SERVER_COOKIE", "HUDSON_COOKIE")
"""By these Jenkins finds what belongs to a job, or to a shell line of it, and ends it with the job."""


KEPT = 100_000
"""Objects that a command makes before garbage is collected for the first time; what its start makes stays anyway."""


def begin() -> None:
    """Before anything else is done.

    What phoenix starts is phoenix's to end: machines of a local cloud go on after the job, and a program that puts
    things back is not ended because the job is over. Phoenix itself keeps the marks that it was started with.
    """
    streams.occupy()
    gc.set_threshold(KEPT)
    for name in MARKS:
        os.environ.pop(name, None)


def end() -> None:
    """After everything else was done. What is left goes with the process: it is not looked through for garbage."""
    streams.settle()
    gc.freeze()
