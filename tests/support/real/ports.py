"""Ports for tests."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 15_000


def free_port() -> int:
    """A loopback port that is free now, and that the kernel gives to no connection by itself.

    One of those it gives away (as port 0 does) may be a client's a moment later, under load within seconds.
    """
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(LOWEST, max(first_given, LOWEST + 1000)), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port from {LOWEST}")
