"""Instant machines: real HTTP servers in child processes, as a balancer's backends, ready within a moment.

A machine answers every path with its name, and in headers whom it was asked for; `/healthz` with 200, or 503 while it
is sick. A request for `/hold` is answered when the test says so, one for `/crash` never: nothing here sleeps.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO


class Machine:
    """A machine that runs in a child process."""

    def __init__(self, name: str, *, port: int = 0) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.real.instant", name, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.address = f"127.0.0.1:{_line(self.process.stdout)}"

    def say(self, word: str) -> str:
        """`sick`, `well`, `release` the held requests, `hang up` all connections; `held` waits for a held request."""
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        return _line(self.process.stdout)

    def asked(self) -> Counter[str]:
        """How often each path was asked for, with its method: `GET /healthz`."""
        return Counter(json.loads(self.say("asked")))

    def end(self) -> None:
        """Dead at once, as by a power cut."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def machines() -> Iterator[list[Machine]]:
    """A list for machines; whatever is in it at the end is ended."""
    started: list[Machine] = []
    try:
        yield started
    finally:
        for machine in started:
            machine.end()


def get(url: str, path: str = "/", *, method: str = "GET", timeout: float = 10.0) -> tuple[int, str]:
    """Status and text of one request on a connection of its own."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _line(stream: IO[bytes] | None) -> str:
    assert stream is not None
    line = stream.readline().decode().strip()
    assert line, "the instant machine has died"
    return line


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, name: str, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.name = name
        self.sick = False
        self.held = threading.Semaphore(0)
        self.release = threading.Event()
        self.open: set[socket.socket] = set()
        self.asked: Counter[str] = Counter()
        self.counting = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is none of our business."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def obey(self, word: str) -> str:
        if word in ("sick", "well"):
            self.sick = word == "sick"
        elif word == "hang up":
            for connection in list(self.open):
                connection.shutdown(socket.SHUT_RDWR)
        elif word == "held":
            self.held.acquire()
        elif word == "release":
            self.release.set()
            self.release = threading.Event()
        elif word == "asked":
            with self.counting:
                return json.dumps(self.asked)
        return "done"


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
        with self.server.counting:
            self.server.asked[f"{self.command} {self.path}"] += 1
        if self.path == "/hold":
            release = self.server.release
            self.server.held.release()
            release.wait()
        if self.path == "/crash":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        sick = self.server.sick and self.path.startswith("/healthz")
        body = self.server.name.encode()
        self.send_response(503 if sick else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Machine", self.server.name.upper())
        for name in ("X-Forwarded-For", "Forwarded"):
            for value in self.headers.get_all(name, []):
                self.send_header("X-Seen", f"{name}: {value}")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        return


def _main(name: str, port: str) -> None:
    server = _Server(name, int(port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    for line in sys.stdin:  # ends with the test that started it, however that ends
        sys.stdout.write(server.obey(line.strip()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
