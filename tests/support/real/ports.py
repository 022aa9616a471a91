"""Ports for tests."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from tests.support.real.shared import worker_number

LOWEST = 15_000
WORKERS = 8
"""So many workers of a run never give out the same port."""


def free_port() -> int:
    """A loopback port that is free now, and that the kernel gives to no connection by itself.

    One of those it gives away (as port 0 does) may be a client's a moment later, under load within seconds.
    """
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = range(LOWEST, max(first_given, LOWEST + 2000))[worker_number() % WORKERS :: WORKERS]
    for port in random.sample(ports, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port from {LOWEST}")
