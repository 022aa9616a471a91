"""The network of a machine that has a network namespace of its own: a way out, a way in, and ways back.

    way out     slirp4netns: the world, but nothing of this computer's loopback interface
    way in      a loopback port of this computer that leads to the machine's service
    ways back   what phoenix serves on this computer's loopback interface (repositories), and a mirror or a proxy that
                is there: each port by itself, at 10.0.2.2 as the machine sees it

A way back ends in a small network namespace of its own, joined to the machine's by a wire: were it a port of the
machine itself, its service could not have the same.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import CloudError
from phoenix.tools import ip, netns, slirp, socket_proxy
from phoenix.tools.loopback import HOST_AS_SEEN_BY_MACHINES
from phoenix.tools.process import ProcessId, run, spawn

TIMEOUT = 60.0
"""Seconds one step of a start may take on a busy host; each takes some hundredths."""
BACKLOG = 4096
WIRE = "phoenix0"
"""The interface that ways back begin at, in the machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The network of the machine whose first process is `pid`; its programs log into `directory` and bear `tag`."""

    pid: int
    directory: Path
    tag: Mapping[str, str]

    @contextmanager
    def way_out(self) -> Iterator[ProcessId]:
        """Start the program that connects the machine to the outside; at the end of this it does."""
        log = self.directory / "network.log"
        ready, said = os.pipe()
        try:
            try:
                process = identity(spawn(slirp.build_command(self.pid, said, self.tag), log=log, keep=(said,)), log)
            finally:
                os.close(said)
            yield process
            heard, _, _ = select.select([ready], [], [], TIMEOUT)
            if not heard or not os.read(ready, 1):
                raise failed("the network of a machine could not be made", log)
        finally:
            os.close(ready)

    def way_in(self, port: int) -> tuple[int, ProcessId]:
        """Open a loopback port of this computer that leads to the machine's `port`."""
        log = self.directory / "port.log"
        with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
            listening: int = listener.getsockname()[1]
            to = f"{slirp.GUEST_ADDRESS}:{port}"
            command = socket_proxy.build_command(listener.fileno(), to, self.tag, network_of=self.pid)
            return listening, identity(spawn(command, log=log, keep=(listener.fileno(),)), log)

    @contextmanager
    def ways_back(self, ports: tuple[int, ...]) -> Iterator[dict[int, ProcessId]]:
        """Let the machine reach these loopback ports of this computer. The way out has to stand at the end of this."""
        if not ports:
            yield {}
            return
        log = self.directory / "port.log"
        with netns.opened(self.pid) as machine, netns.fresh() as between:
            with netns.inside(between):
                run(ip.batch(*_far_end(machine)), timeout=ip.TIMEOUT)
            found = {}
            for port in ports:
                with ExitStack() as held:
                    with netns.inside(between):
                        address = (HOST_AS_SEEN_BY_MACHINES, port)
                        listener = held.enter_context(socket.create_server(address, backlog=BACKLOG))
                    command = socket_proxy.build_command(listener.fileno(), f"127.0.0.1:{port}", self.tag)
                    found[port] = identity(spawn(command, log=log, keep=(listener.fileno(),)), log)
            yield found
            with netns.inside(machine):
                run(ip.batch(*_near_end()), timeout=ip.TIMEOUT)


def _far_end(machine: int) -> tuple[str, ...]:
    """The wire and this computer's end of it."""
    return (
        f"link add name computer type veth peer name {WIRE} netns /proc/{os.getpid()}/fd/{machine}",
        f"address add {HOST_AS_SEEN_BY_MACHINES}/32 dev computer",
        "link set computer up",
        f"route add {slirp.GUEST_ADDRESS}/32 dev computer",
    )


def _near_end() -> tuple[str, ...]:
    """The machine's end. Its way out stays by the gateway of the same address: that is on another link."""
    route = f"{HOST_AS_SEEN_BY_MACHINES}/32 dev {WIRE} src {slirp.GUEST_ADDRESS}"
    return (f"link set {WIRE} up", f"route add {route}")


def identity(pid: int, log: Path) -> ProcessId:
    """The identity of a process of the machine that has just been started; CloudError with its log where it ended."""
    process = ProcessId.of(pid)
    if process is None:
        raise failed("a machine ended while it was started", log)
    return process


def failed(brief: str, log: Path) -> CloudError:
    """What went wrong, with the last lines of the log."""
    said = log.read_text(errors="replace").strip() if log.exists() else ""
    return CloudError(
        brief,
        details="\n".join(said.splitlines()[-5:]) or "it said nothing",
        resolution="`phoenix doctor` tells whether light machines work here; `machines: qemu` does without them.",
    )
