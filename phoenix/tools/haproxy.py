"""HAProxy as a program: its configuration as text, and a process of it started, reloaded and known by its socket.

The configuration's words are in `templates/haproxy/`. It is not for projects to override: `haproxy_socket` and the
local cloud's balancer rely on what stands there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template

from phoenix import data
from phoenix.clock import Clock
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.manner import HEADERS, Forwarded, Timeouts
from phoenix.tools import listeners, process
from phoenix.tools.haproxy_socket import Runtime
from phoenix.tools.process import Command, ProcessId
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, retry_while_unknown, wait_for

OLDEST = (2, 6)
"""The first version that knows all that the configuration says; what Debian 12 has."""
START_DEADLINE = 15.0
"""Seconds from start to the first answer on the socket, which takes 0.05."""
FALL, RISE = 3, 2
"""Failed checks in a row that take a server out, and passed ones that bring it in."""

OUTLAST = 900.0
"""Seconds that the former process of a reload may take for its last requests, where `drain` gives them less."""
REWRITE = 1024
"""Bytes of a buffer that HAProxy keeps free to add headers (its `tune.maxrewrite`)."""
NOWHERE = "127.0.0.1:1"
"""The address of an empty seat, which is disabled."""

_CONFIG, _MAP, _LOG = "haproxy.cfg", "shares.map", "haproxy.log"
_ADDRESS = re.compile(r"(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}", re.ASCII)
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
class Slot:
    """A place for one group. `preview` is the IP:PORT where it answers alone.

    `seats` are its servers: the IP:PORT of the machine on each, None where it is empty.
    """

    name: str
    check: Check
    preview: str
    seats: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """On which terms requests pass. `headers`: bytes that those of one request, or answer, may have.

    `drain`: seconds that a request may take where its group loses its traffic; after a reload it has that long, too.
    """

    timeouts: Timeouts = field(default_factory=Timeouts)
    headers: int = HEADERS
    forwarded: Forwarded = Forwarded.REPLACE
    drain: float = 0.0


USUAL = Terms()
"""Where the file says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Balancer:
    """Everything HAProxy is started with. `shares` names the slot for each request number modulo its length."""

    listen: str
    terms: Terms = USUAL
    slots: tuple[Slot, ...]
    shares: tuple[str, ...] = ()

    @property
    def frame(self) -> str:
        """A digest of what cannot change while HAProxy runs: everything but machines and shares."""
        bare = replace(self, slots=tuple(replace(slot, seats=(None,) * len(slot.seats)) for slot in self.slots))
        return hashlib.sha256(_configuration(bare, frame="").encode()).hexdigest()[:12]


def configuration(balancer: Balancer) -> str:
    """The text of `haproxy.cfg`."""
    return _configuration(balancer, balancer.frame)


def seat(number: int) -> str:
    """The name of a slot's server."""
    return f"seat{number}"


def check_address(address: str) -> str:
    """`address` itself; ValueError where it is no IP:PORT and HAProxy might read it as something else."""
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no IP:PORT")
    return address


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


_WHY = {
    "Address already in use": "another program or another service of yours has that port",
    "Permission denied": "ports below 1024 are for root, or see sysctl net.ipv4.ip_unprivileged_port_start",
    "Cannot assign requested address": "this computer has no such address",
}


class AddressTakenError(RefusedError):
    """HAProxy cannot listen on `address`. `holder`: the program that does, where that is known."""

    def __init__(self, address: str, why: str, holder: str = "") -> None:
        super().__init__(
            f"the balancer cannot listen on {address}: {why}",
            details=f"{holder} listens there" if holder else _WHY.get(why, "the operating system said so"),
            resolution=f"See `ss -ltnp 'sport = :{address.rpartition(':')[2]}'` for who has it; "
            "end that program, or set another `load_balancer.listen` in phoenix.yaml.",
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
        try:
            answers = Runtime(directory).find()
        except CloudError as error:  # it opens its socket before it finds that an address is taken, and ends
            return retry_while_unknown(error)
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
        return AddressTakenError(taken["address"], taken["why"], listeners.holder(taken["address"]))
    return ToolError("HAProxy did not start", details=said, resolution=f"Its whole output is in {log}.")


def _said(log: Path, since: int) -> str:
    text = log.read_bytes()[since:].decode("utf-8", "replace")
    alerts = [line for line in text.splitlines() if "[ALERT]" in line]
    return "\n".join(alerts or text.splitlines()[-5:]) or "it ended without a word"


def map_text(shares: tuple[str, ...]) -> str:
    """`shares` as HAProxy reads a map: request number, slot."""
    return "".join(f"{number} {slot}\n" for number, slot in enumerate(shares))


def _configuration(balancer: Balancer, frame: str) -> str:
    return _fill(
        "balancer.cfg",
        {
            "frame": f"phoenix-{frame}",
            "listen": check_address(balancer.listen),
            "previews": "\n".join(
                f"    bind {check_address(slot.preview)} name {slot.name}" for slot in balancer.slots
            ),
            "slots": "\n".join(_slot(slot) for slot in balancer.slots),
            **_terms(balancer.terms),
        },
    )


def _terms(terms: Terms) -> dict[str, object]:
    own = "".join(f"    http-request del-header {name}\n" for name in ("X-Forwarded-For", "Forwarded"))
    return {
        "buffer": terms.headers + REWRITE,
        "forwarded": own if terms.forwarded is Forwarded.REPLACE else "",
        "connect": _milliseconds(terms.timeouts.connect),
        "response": _milliseconds(terms.timeouts.response),
        "idle": _milliseconds(terms.timeouts.idle),
        "outlast": _milliseconds(max(OUTLAST, terms.drain)),
    }


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000) or 1}ms"


def _slot(slot: Slot) -> str:
    interval = round(slot.check.interval * 1000) or 1
    values = {
        "name": slot.name,
        "path": quote(slot.check.path),
        "status": slot.check.status,
        "interval": interval,
        "soon": min(interval, 500),
        "rise": RISE,
        "fall": FALL,
        "servers": "\n".join(_server(number, address) for number, address in enumerate(slot.seats)),
    }
    return _fill("slot.cfg", values)


def _server(number: int, address: str | None) -> str:
    where = check_address(address) if address else f"{NOWHERE} disabled"
    return f"    server {seat(number)} {where}"


def _fill(template: str, values: Mapping[str, object]) -> str:
    return Template(data.path("templates", "haproxy", template).read_text()).substitute(values)
