"""Whether an address of this computer is free to listen on, and who has it if not. Looks only; takes nothing."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from phoenix.tools.process import Command, require, run

_LISTENING = "0A"
"""The state of a listening socket in /proc/net/tcp."""
_TIMEOUT = 10.0
_EVERYWHERE = ("0.0.0.0", "::")


def why_not(address: str) -> str:
    """Why nobody can begin to listen on `address` (IP:PORT) now, in the operating system's words; empty: it is free."""
    host, port = _parts(address)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just ended does not count
        try:
            trial.bind((host, int(port)))
        except OSError as error:
            return error.strerror or str(error)
        except OverflowError:
            return "there is no such port"
    return ""


def holder(address: str) -> str:
    """Who listens on `address`, as `NAME (process PID)`; empty where that cannot be seen, as of another user's."""
    host, port = _parts(address)
    inodes = {f"socket:[{inode}]" for inode in _listening((host, *_EVERYWHERE), int(port))}
    for process in Path("/proc").iterdir() if inodes else ():
        if process.name.isdecimal() and inodes & set(_open_files(process)):
            return f"{_name(process)} (process {process.name})"
    return ""


def _parts(address: str) -> tuple[str, str]:
    """Host and port; an address of IPv6 may stand in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def inside(pid: int) -> tuple[tuple[str, int], ...]:
    """The addresses and ports that are listened to in the network of the process; none where that cannot be seen."""
    return tuple((host, port) for host, port, _inode in _sockets(Path(f"/proc/{pid}/net")))


def is_ipv6_only(pid: int, port: int) -> bool:
    """Whether who listens on `[::]:port` in the network of the process takes no IPv4; no where nobody can tell."""
    within = (require("nsenter", "util-linux"), f"--net=/proc/{pid}/ns/net", "--")
    words = (require("ss", "iproute2"), "--no-header", "--listening", "--tcp", "--numeric", "--extended", "-6")
    done = run(Command(argv=(*within, *words, f"sport = :{port}")), timeout=_TIMEOUT, check=False)
    return "v6only:1" in done.stdout and "v6only:0" not in done.stdout


def _listening(hosts: tuple[str, ...], port: int) -> Iterator[str]:
    """The inodes of the sockets that listen there."""
    for host, number, inode in _sockets(Path("/proc/net")):
        if number == port and host in hosts:
            yield inode


def _sockets(tables: Path) -> Iterator[tuple[str, int, str]]:
    """Address, port and inode of all that listens, by the kernel's tables."""
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            lines = (tables / table).read_text().splitlines()[1:]
        except OSError:  # a kernel without IPv6, or a process that has ended
            continue
        for fields in map(str.split, lines):
            number, _, port_number = fields[1].partition(":")
            if fields[3] == _LISTENING:
                yield _address(number, family), int(port_number, 16), fields[9]


def _address(number: str, family: int) -> str:
    """The kernel prints each 32-bit word in this computer's own byte order."""
    words = [number[start : start + 8] for start in range(0, len(number), 8)]
    ordered = [bytes.fromhex(word)[:: -1 if sys.byteorder == "little" else 1] for word in words]
    return socket.inet_ntop(family, b"".join(ordered))


def _open_files(process: Path) -> Iterator[str]:
    try:
        for file in (process / "fd").iterdir():
            yield str(file.readlink())
    except OSError:  # it has ended, or is somebody else's
        return


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a program that has just ended"
