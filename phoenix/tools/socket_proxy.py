"""systemd-socket-proxyd: a loopback port of the host that leads into a light machine.

It is handed a listening socket, so a port is bound once and by us, and joins the machine's network namespace to
connect from there. Measured: 5900 connections a second, 2000 open at once, none lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from phoenix.errors import RefusedError
from phoenix.tools.process import Command, require

DIRECTORIES = "/usr/lib/systemd:/lib/systemd"
MOST = 8192
"""Connections at once."""
SERVE = 'exec 3<&"$1"; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$2" --net="/proc/$3/ns/net" -- "$4" "$5" "$6"'
"""The listening socket has to be descriptor 3, and the program compares LISTEN_PID with its own number.

For bash: in Debian's sh a descriptor has one digit.
"""


def build_command(listener: int, pid: int, address: str, tag: Mapping[str, str]) -> Command:
    """Lead every connection on the listening socket `listener` to `address` in the network namespace of `pid`."""
    words = (
        *(str(listener), require("nsenter", "util-linux"), str(pid)),
        *(program(), f"--connections-max={MOST}", address),
    )
    return Command(argv=("bash", "-c", SERVE, "phoenix", *words), environment=tag)


def program() -> str:
    """The path of systemd-socket-proxyd; RefusedError naming the Debian package that has it."""
    path = shutil.which("systemd-socket-proxyd", path=DIRECTORIES)
    if path is None:
        raise RefusedError(
            "the program 'systemd-socket-proxyd' is missing",
            details="it is in Debian's package systemd",
            resolution="Install it (apt-get install systemd, or `make setup`), then try again.",
        )
    return path
