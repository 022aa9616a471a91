"""Machines that are HTTP servers, up at once: each at a loopback address of its own, on whatever port it is asked.

Every path is answered with a JSON object that says which machine, group and image it came from; `/slow?seconds=N` takes
so many REAL seconds, and `/hold` until the machine is stopped.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.emulators.machines.kinds import Check, Launch, Probed

BLOCKS = range(64, 127)
"""Of each, 127.BLOCK.0.0/16 are the addresses of one emulator of this computer."""
LOCK_PORT = 9


@dataclass
class Machine:
    """One of them."""

    wanted: Launch
    address: str
    since: float
    up: bool = True
    servers: dict[int, _Server] = field(default_factory=dict)
    """By port; each is opened when it is first asked for."""
    stopped: threading.Event = field(default_factory=threading.Event)


class Instant:
    """Up at once, or `boot` REAL seconds after the launch."""

    real = True

    def __init__(self, *, boot: str = "0", **options: str) -> None:
        assert not options, options
        self._boot = float(boot)
        self._machines: dict[str, Machine] = {}
        self._turn = threading.Lock()
        self._lock, self._addresses = _block()

    def launch(self, wanted: Launch) -> str:
        """It has its address from now on."""
        machine = Machine(wanted=wanted, address=next(self._addresses), since=time.monotonic())
        self._machines[wanted.id] = machine
        return machine.address

    def ready(self, machine: str) -> bool:
        """Up, and its boot is over."""
        found = self._machines.get(machine)
        return bool(found and found.up and time.monotonic() - found.since >= self._boot)

    def probe(self, machine: str, check: Check) -> Probed:
        """One real request."""
        found = self._machines.get(machine)
        if found is None or not self.ready(machine):
            return Probed(status=None, error="refused")
        self._open(found, check.port)
        return asked(found.address, check)

    def _open(self, machine: Machine, port: int) -> None:
        with self._turn:
            if machine.up and port not in machine.servers:
                machine.servers[port] = _Server(machine, port)

    def console(self, machine: str) -> str:
        """It says no more than that it is up."""
        return f"{machine} login: " if self.ready(machine) else ""

    def stop(self, machine: str) -> None:
        """Its ports are closed, and so is every connection."""
        found = self._machines.get(machine)
        if found is None:
            return
        with self._turn:
            found.up = False
            found.stopped.set()
            servers, found.servers = list(found.servers.values()), {}
        for server in servers:
            server.end()

    def kill(self, machine: str) -> None:
        """The same: it has nothing to end in order."""
        self.stop(machine)

    def start(self, machine: str) -> None:
        """Up again."""
        found = self._machines.get(machine)
        if found:
            found.up, found.since, found.stopped = True, time.monotonic(), threading.Event()

    def terminate(self, machine: str) -> None:
        """Stopped, and gone."""
        self.stop(machine)
        self._machines.pop(machine, None)

    def save(self, machine: str, image: str) -> None:
        """There is no disk."""

    def copy(self, image: str, to: str) -> None:
        """There is no disk."""

    def forget(self, image: str) -> None:
        """There is no disk."""

    def close(self) -> None:
        """None is left."""
        for machine in list(self._machines):
            self.terminate(machine)


def asked(address: str, check: Check) -> Probed:
    """What a machine at this address answers to a health check."""
    connection = http.client.HTTPConnection(address, check.port, timeout=check.timeout)
    try:
        headers = {"Host": check.host, "User-Agent": check.agent}
        connection.request("GET", check.path, headers={name: value for name, value in headers.items() if value})
        return Probed(status=connection.getresponse().status)
    except TimeoutError:
        return Probed(status=None, error="timed out")
    except (OSError, http.client.HTTPException) as error:
        return Probed(status=None, error=str(error))
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    """One port of one machine."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, machine: Machine, port: int) -> None:
        super().__init__((machine.address, port), _Handler)
        self.machine = machine
        self.open: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self) -> None:
        """As by a power cut."""
        self.socket.shutdown(socket.SHUT_RDWR)  # a listener that a thread waits at outlives its closing
        self.server_close()
        threading.Thread(target=self.shutdown, daemon=True).start()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has ended by itself

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is none of our business."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        machine, url = self.server.machine, urlsplit(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path == "/hold":
            machine.stopped.wait()
        if url.path == "/slow":
            machine.stopped.wait(float(parse_qs(url.query)["seconds"][0]))
        said = {
            "instance": machine.wanted.name or machine.wanted.id,
            "group": machine.wanted.group,
            "image": machine.wanted.image,
            "zone": machine.wanted.zone,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        return


def _block() -> tuple[socket.socket, Iterator[str]]:
    """Addresses that no other emulator of this computer gives out, as long as the socket is open."""
    for block in BLOCKS:
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind((f"127.{block}.0.1", LOCK_PORT))
        except OSError:
            lock.close()
            continue
        return lock, (f"127.{block}.{number // 250 + 1}.{number % 250 + 1}" for number in count())
    raise OSError("all addresses of machines are in use by other emulators")
