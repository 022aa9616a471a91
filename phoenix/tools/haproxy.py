"""HAProxy as a program: its configuration as text, and a process of it started, reloaded and known by its socket.

The configuration's words are in `templates/haproxy/`. It is not for projects to override: `haproxy_socket` and the
local cloud's balancer rely on what stands there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

from phoenix import data
from phoenix.clock import Clock
from phoenix.errors import RefusedError, ToolError
from phoenix.tools import process
from phoenix.tools.haproxy_socket import Runtime
from phoenix.tools.process import Command, ProcessId
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

OLDEST = (2, 5)
"""The first version that adds and checks servers at run time. Debian 12 has 2.6."""
START_DEADLINE = 15.0
"""Seconds from start to the first answer on the socket, which takes 0.05."""
FALL, RISE = 3, 2
"""Failed checks in a row that take a server out, and passed ones that bring it in."""

_CONFIG, _MAP, _LOG = "haproxy.cfg", "shares.map", "haproxy.log"
_NAME = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
_ADDRESS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}", re.ASCII)
_PATH = re.compile(r"/[!-~]*", re.ASCII)
_NOT_BOUND = re.compile(r"cannot bind \w+ \((?P<why>[^)]*)\)[^\[]*\[(?P<address>[^\]]*)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """How HAProxy asks a server whether it is well. `interval` in seconds."""

    path: str
    status: int
    interval: float

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path) or not 100 <= self.status <= 599 or self.interval <= 0:
            raise ValueError(f"no health check: {self}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server of a slot; `address` is IP:PORT. ValueError for what HAProxy would read as something else."""

    name: str
    address: str
    check: Check

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name for a server")
        if not _ADDRESS.fullmatch(self.address):
            raise ValueError(f"{self.address!r} is no IP:PORT")

    @property
    def arguments(self) -> str:
        """The server as the configuration and `add server` both write it, without its name.

        While a verdict is changing, and while a server is down, it is asked more often than `interval`.
        """
        interval = round(self.check.interval * 1000) or 1
        return (
            f"{self.address} check inter {interval} fastinter {min(interval, 500)} downinter {min(interval, 1000)} "
            f"rise {RISE} fall {FALL}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place for one group's servers. `preview` is the IP:PORT where it answers alone."""

    name: str
    path: str
    status: int
    preview: str
    servers: tuple[Server, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Balancer:
    """Everything HAProxy is started with. `shares` names the slot for each request number modulo its length."""

    listen: str
    slots: tuple[Slot, ...]
    shares: tuple[str, ...] = ()

    @property
    def frame(self) -> str:
        """A digest of what cannot change while HAProxy runs: everything but servers and shares."""
        bare = replace(self, slots=tuple(replace(slot, servers=()) for slot in self.slots))
        return hashlib.sha256(_configuration(bare, frame="").encode()).hexdigest()[:12]


def configuration(balancer: Balancer) -> str:
    """The text of `haproxy.cfg`."""
    return _configuration(balancer, balancer.frame)


def quote(text: str) -> str:
    """`text` as one word of a configuration, whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


def start(directory: Path, balancer: Balancer, *, clock: Clock) -> ProcessId:
    """Start HAProxy in `directory`; it outlives this process. Returns when it answers on its socket.

    Raises RefusedError where HAProxy is missing or too old or an address is taken (`AddressTakenError`),
    ToolError where it does not start for another reason.
    """
    return _start(directory, balancer, (), clock)


def reload(directory: Path, balancer: Balancer, former: ProcessId, *, clock: Clock) -> ProcessId:
    """Start HAProxy with another configuration beside `former`, which hands its sockets over and ends.

    No connection is refused and no request is lost: `former` ends when its last request is answered.
    Raises what `start` raises; `former` goes on as it was then.
    """
    return _start(directory, balancer, ("-x", Runtime.SOCKET, "-sf", str(former.pid)), clock)


class AddressTakenError(RefusedError):
    """HAProxy could not listen on `address`."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the balancer cannot listen on {address}: {why}",
            details="another program or another service of yours may have that port",
            resolution=f"See `ss -ltnp 'sport = :{address.rpartition(':')[2]}'`; end that program, "
            "or set another `load_balancer.listen` in phoenix.yaml.",
        )
        self.address = address


def require() -> str:
    """The path of a HAProxy that can do what is asked of it here; RefusedError where there is none."""
    program = process.require("haproxy", "haproxy")
    said = process.run(Command(argv=(program, "-v")), timeout=10).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise RefusedError(
            "this HAProxy cannot be used",
            details=f"{program} says {said.splitlines()[0] if said else 'nothing'!r}; "
            f"{OLDEST[0]}.{OLDEST[1]} or newer is needed",
            resolution="Install a newer one; Debian 12 and later have it.",
        )
    return program


def _start(directory: Path, balancer: Balancer, former: tuple[str, ...], clock: Clock) -> ProcessId:
    program = require()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _CONFIG).write_text(configuration(balancer))
    (directory / _MAP).write_text(map_text(balancer.shares))
    process.run(Command(argv=(program, "-c", "-q", "-f", _CONFIG), cwd=directory), timeout=30)
    log = directory / _LOG
    if not former:
        log.unlink(missing_ok=True)
    said_before = log.stat().st_size if log.exists() else 0
    pid = process.spawn(Command(argv=(program, "-db", "-f", _CONFIG, *former), cwd=directory), log=log)
    child = ProcessId.of(pid)

    def look() -> Look:
        if child is None or not child.alive:
            return Look(verdict=Verdict.FAIL, seen=_said(log, said_before))
        answers = Runtime(directory).find()
        ready = answers is not None and answers.pid == pid
        return Look(verdict=Verdict.PASS if ready else Verdict.UNKNOWN, seen="it answers" if ready else "no answer yet")

    try:
        wait_for("the start of HAProxy", look, clock=clock, deadline=START_DEADLINE, interval=0.01)
    except (HopelessError, DeadlineError) as error:
        if child:
            child.end()
        raise _not_started(error.details, log) from error
    assert child is not None  # it passed a look
    return child


def _not_started(said: str, log: Path) -> RefusedError | ToolError:
    taken = _NOT_BOUND.search(said)
    if taken:
        return AddressTakenError(taken["address"], taken["why"])
    return ToolError("HAProxy did not start", details=said, resolution=f"Its whole output is in {log}.")


def _said(log: Path, since: int) -> str:
    text = log.read_bytes()[since:].decode("utf-8", "replace")
    alerts = [line for line in text.splitlines() if "[ALERT]" in line]
    return "\n".join(alerts or text.splitlines()[-5:]) or "it ended without a word"


def map_text(shares: tuple[str, ...]) -> str:
    """`shares` as HAProxy reads a map: request number, slot."""
    return "".join(f"{number} {slot}\n" for number, slot in enumerate(shares))


def _configuration(balancer: Balancer, frame: str) -> str:
    if not _ADDRESS.fullmatch(balancer.listen):
        raise ValueError(f"{balancer.listen!r} is no IP:PORT")
    return _fill(
        "balancer.cfg",
        {
            "frame": f"phoenix-{frame}",
            "listen": balancer.listen,
            "previews": "\n".join(f"    bind {slot.preview} name {slot.name}" for slot in balancer.slots),
            "slots": "\n".join(_slot(slot) for slot in balancer.slots),
        },
    )


def _slot(slot: Slot) -> str:
    servers = "\n".join(f"    server {server.name} {server.arguments}" for server in slot.servers)
    values = {"name": slot.name, "path": quote(slot.path), "status": str(slot.status), "servers": servers}
    return _fill("slot.cfg", values)


def _fill(template: str, values: Mapping[str, str]) -> str:
    return Template(data.path("templates", "haproxy", template).read_text()).substitute(values)
