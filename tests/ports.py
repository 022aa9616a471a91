"""Ports for tests."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A loopback port that is free now: nothing else on this computer is given it for a while."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
