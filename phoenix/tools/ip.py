"""ip(8), in the network namespace that this process is in: a wire between two namespaces."""

from __future__ import annotations

from phoenix.tools.process import Command, require

TIMEOUT = 30.0
"""Seconds; it takes some thousandths."""


def batch(*lines: str) -> Command:
    """Do these lines of ip's own language one after the other; what follows a failed one is not done."""
    return Command(argv=(require("ip", "iproute2"), "-batch", "-"), stdin="\n".join((*lines, "")).encode())
