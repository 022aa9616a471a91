"""The network of a light machine: a way out, a way in, and ways back to what phoenix serves on this computer.

way out     the world, by slirp4netns behind a gateway (see `tools.gateway`); nothing of this computer's loopback
way in      a loopback port of this computer that leads to the machine's service
ways back   single loopback ports of this computer, under the same number at 10.0.2.2: its gateway, not the machine
            itself, whose service may have the same port
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import CloudError
from phoenix.tools import gateway, slirp, socket_proxy
from phoenix.tools.loopback import HOST_AS_SEEN_BY_MACHINES
from phoenix.tools.namespaces import in_network, network_of, new_network
from phoenix.tools.process import ProcessId, spawn

BACKLOG = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The network of the machine whose first process is `pid`; its programs log into `directory` and bear `tag`."""

    pid: int
    directory: Path
    tag: Mapping[str, str]

    def connect(
        self, reach: tuple[int, ...], also: Callable[[int], object] = lambda _between: None
    ) -> dict[str, ProcessId]:
        """Open the way out, and a way back to each loopback port of `reach`; the processes that do it, in words.

        `also` is called with a descriptor of the network between, for what else the machine is to find there.
        CloudError with what slirp4netns said where there is none; OSError where the kernel refuses.
        """
        log = self.directory / "network.log"
        with network_of(self.pid) as machine, new_network() as between:
            out = slirp.start(between, log, self.tag)
            gateway.connect_machine(machine, between)
            why_not = out.wait()
            if why_not:
                raise not_started("the network of a machine could not be made", why_not)
            gateway.connect_world(between)
            back = {f"way to the computer's port {port}": self._way_back(between, port) for port in reach}
            also(between)
        return {"way to the network": identity(out.pid, log), **back}

    def open_inside(self, port: int) -> ProcessId:
        """Have a loopback port of this computer under the same number on the machine's own loopback interface."""
        with network_of(self.pid) as machine, in_network(machine):
            listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        with listener:
            return self._lead(listener, f"127.0.0.1:{port}")

    def way_in(self, port: int) -> tuple[int, ProcessId]:
        """Open a loopback port of this computer that leads to the machine's `port`."""
        with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
            listening: int = listener.getsockname()[1]
            return listening, self.lead(listener, port)

    def lead(self, listener: socket.socket, port: int) -> ProcessId:
        """Lead what comes to a listening socket of this computer to the machine's `port`."""
        return self._lead(listener, f"{gateway.MACHINE}:{port}", network_of=self.pid)

    def _way_back(self, between: int, port: int) -> ProcessId:
        with in_network(between):
            listener = socket.create_server((HOST_AS_SEEN_BY_MACHINES, port), backlog=BACKLOG)
        with listener:
            return self._lead(listener, f"127.0.0.1:{port}")

    def _lead(self, listener: socket.socket, address: str, network_of: int | None = None) -> ProcessId:
        log = self.directory / "port.log"
        command = socket_proxy.build_command(listener.fileno(), address, self.tag, network_of=network_of)
        return identity(spawn(command, log=log, keep=(listener.fileno(),)), log)


def identity(pid: int, log: Path) -> ProcessId:
    """The identity of a process of the machine that has just been started; CloudError with its log where it ended."""
    process = ProcessId.of(pid)
    if process is None:
        said = log.read_text(errors="replace").strip() if log.exists() else ""
        raise not_started("a machine ended while it was started", "\n".join(said.splitlines()[-5:]))
    return process


def not_started(brief: str, said: str) -> CloudError:
    """A machine that did not come to be, with what its programs said."""
    return CloudError(
        brief,
        details=said or "nothing was said about it",
        resolution="`phoenix doctor` tells whether light machines work here; `machines: qemu` does without them.",
    )
