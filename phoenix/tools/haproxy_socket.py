"""HAProxy's runtime socket: what the running process says of itself, and the few things it is told.

What an answer says of a write is HAProxy's own prose; whoever needs to know whether it happened reads it back.
"""

from __future__ import annotations

import csv
import io
import os
import socket
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

from phoenix.errors import CloudError, UnreachableError

_TIMEOUT = 5.0
"""Seconds for one answer, which takes 0.0002."""
_COLUMNS = ("pxname", "svname", "addr", "status", "check_status", "scur", "check_code", "last_chk")
"""What is read of a hundred columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Info:
    """The process that answers, and the digest of the configuration it was started with."""

    pid: int
    frame: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerState:
    """A server as HAProxy sees it now."""

    slot: str
    name: str
    address: str
    status: str
    """`UP`, `DOWN`, `MAINT`, or one on its way such as `UP 1/3`."""
    check: str
    """The last check's result: `L7OK`, `L4CON` ...; `INI` where none has ended yet."""
    sessions: int
    """Requests under way."""
    code: str = ""
    """The status of the last check's answer, where there was one."""
    reason: str = ""
    """What the operating system said, or the words beside the status."""

    @property
    def healthy(self) -> bool:
        """Whether HAProxy's own checks say so; not where none has ended yet."""
        return self.status.startswith("UP") and self.check != "INI"

    @property
    def retired(self) -> bool:
        """Whether it gets no new requests and is not checked."""
        return self.status.startswith("MAINT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Every server, and the requests under way in each slot."""

    servers: tuple[ServerState, ...]
    sessions: dict[str, int]

    def of(self, slot: str) -> dict[str, ServerState]:
        """The servers of a slot by their names."""
        return {server.name: server for server in self.servers if server.slot == slot}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """All that is read of HAProxy, of one moment."""

    info: Info
    statistics: Statistics
    shares: tuple[str, ...]
    """The map as it is applied: the slot for each request number; empty where nothing is routed."""


class Runtime:
    """Speaks to the HAProxy that was started in `directory`. Raises CloudError where it does not answer."""

    SOCKET: ClassVar[str] = "admin.sock"
    """Its socket, in the directory."""
    MAP: ClassVar[str] = "shares.map"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self) -> Info | None:
        """The process that answers; None where nobody listens (it has ended, or never began)."""
        said = self._ask_any("show info")
        return None if said is None else parse_info(said)

    def look(self) -> Sight | None:
        """All of it in one answer, for each takes a turn of a busy computer; None where nobody listens.

        Each command's answer ends with an empty line (HAProxy's management guide, "Unix Socket commands").
        """
        said = self._ask_any(f"show info;show stat;show map {self.MAP}")
        if said is None:
            return None
        info, _, rest = said.partition("\n\n")
        statistics, _, shares = rest.partition("\n\n")
        return Sight(info=parse_info(info), statistics=parse_statistics(statistics), shares=parse_map(shares))

    def statistics(self) -> Statistics:
        """Servers, health verdicts and requests under way, freshly read."""
        return parse_statistics(self.tell("show stat"))

    def shares(self) -> tuple[str, ...]:
        """The map as it is applied now: the slot for each request number; empty where nothing is routed."""
        return parse_map(self.tell(f"show map {self.MAP}"))

    def replace_shares(self, entries: str) -> None:
        """Replace the map by `entries` (lines `NUMBER SLOT`) at one moment: no request sees a part of it."""
        said = self.tell(f"prepare map {self.MAP}")
        version = said.rpartition(":")[2].strip()
        if not version.isdecimal():
            raise CloudError("HAProxy prepared no new map", details=said.strip(), resolution="Try again.")
        if entries:
            self.tell(f"add map @{version} {self.MAP} <<\n{entries}")
        self.tell(f"commit map @{version} {self.MAP}")

    def seat(self, slot: str, server: str, address: str) -> str:
        """Give a retired server the machine at `address` (IP:PORT); gives HAProxy's words.

        HAProxy takes a server for well until it has checked it, so it enters without weight and is put down first.
        The first check comes within one interval.
        """
        name, (host, _colon, port) = f"{slot}/{server}", address.rpartition(":")
        return self.tell(
            f"set server {name} weight 0; set server {name} addr {host} port {port}; set server {name} state ready; "
            f"set server {name} health down; set server {name} weight 1"
        )

    def retire(self, slot: str, server: str) -> str:
        """Give the server no new requests and check it no more; what it is answering goes on."""
        return self.tell(f"set server {slot}/{server} state maint")

    def cut(self, slot: str, server: str) -> str:
        """End the requests that the server is answering."""
        return self.tell(f"shutdown sessions server {slot}/{server}")

    def _ask_any(self, command: str) -> str | None:
        try:
            return self._ask(command)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise self._mute(error) from error

    def tell(self, command: str) -> str:
        """One line (and its payload) to the socket, and the answer."""
        try:
            return self._ask(command)
        except OSError as error:
            raise self._mute(error) from error

    def _ask(self, command: str) -> str:
        # A socket's address holds 107 bytes and a project may lie deeper: the way leads through an open directory.
        directory = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(f"/proc/self/fd/{directory}/{self.SOCKET}")
                connection.sendall(command.encode() + b"\n")
                answer = b""
                while chunk := connection.recv(65536):
                    answer += chunk
        finally:
            os.close(directory)
        return answer.decode("utf-8", "replace")

    def _mute(self, error: OSError) -> UnreachableError:
        return UnreachableError(
            "the balancer does not answer",
            details=f"{self._directory / self.SOCKET}: {str(error) or type(error).__name__}",
            resolution="Try again. If it hangs and serves nothing, `kill -9` it; `phoenix tend` starts it again.",
        )


def parse_info(text: str) -> Info:
    """What `show info` printed."""
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return Info(pid=int(facts["Pid"]), frame=facts.get("description", "").removeprefix("phoenix-"))


def parse_statistics(text: str) -> Statistics:
    """What `show stat` printed."""
    servers: list[ServerState] = []
    sessions: dict[str, int] = {}
    rows = csv.reader(io.StringIO(text.removeprefix("# ")))
    columns = next(rows, [])
    wanted = itemgetter(*(columns.index(name) for name in _COLUMNS)) if columns else None
    for slot, name, address, status, check, current, code, reason in (wanted(row) for row in rows if wanted and row):
        if name == "BACKEND":
            sessions[slot] = int(current)
        elif name != "FRONTEND":
            servers.append(
                ServerState(
                    slot=slot,
                    name=name,
                    address=address,
                    status=status,
                    check=check.removeprefix("* "),
                    sessions=int(current),
                    code=code,
                    reason=reason,
                )
            )
    return Statistics(servers=tuple(servers), sessions=sessions)


def parse_map(text: str) -> tuple[str, ...]:
    """What `show map` printed, in the order of the request numbers."""
    entries = [line.split() for line in text.splitlines() if line.startswith("0x")]
    return tuple(slot for _id, _number, slot in sorted(entries, key=lambda entry: int(entry[1])))
