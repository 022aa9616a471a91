"""The way of requests: a proxy on loopback that asks its cloud's chooser where each request goes."""

from __future__ import annotations

import http.client
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

OF_A_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What balancers look at."""

    method: str
    target: str
    """Path and query, as they stand in the request line."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    client: str = "127.0.0.1"

    @property
    def host(self) -> str:
        """Without its port."""
        return self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")

    @property
    def cookies(self) -> dict[str, str]:
        """What the client has kept."""
        try:
            return {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("cookie", "")).items()}
        except CookieError:
            return {}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a machine answers."""

    id: str
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Where a request goes, or what it is answered with."""

    place: Place | None = None
    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the answer to the client: cookies, a location."""
    patience: float = 60.0
    """REAL seconds without a byte before the machine is given up."""


class Chooser(Protocol):
    """Chooses for one listener; called by many threads at once."""

    def choose(self, request: Request) -> Choice:
        """Where this request goes."""
        ...


class Turns:
    """Whose turn it is: by weights exactly, smoothly, and the same in every run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def next(self, of: str, weights: Sequence[tuple[str, float]]) -> str | None:
        """The next of those with a weight; None where there is none."""
        with self._lock:
            due, total = self._due[of], sum(weight for _name, weight in weights)
            for name, weight in weights:
                due[name] += weight
            chosen = max((name for name, weight in weights if weight), key=lambda name: due[name], default=None)
            if chosen is not None:
                due[chosen] -= total
            return chosen


class Proxy(ThreadingHTTPServer):
    """A listener, on a port of loopback."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, chooser: Chooser) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chooser = chooser
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def end(self) -> None:
        """Closed; requests that are under way go on."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is none of our business."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def _pass_on(self) -> None:
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            client=str(self.client_address[0]),
        )
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        choice = self.server.chooser.choose(request)
        if choice.place is None:
            self._answer(choice.status, [("Content-Type", "text/plain"), *choice.headers], choice.body.encode())
            return
        try:
            status, headers, answer = self._ask(choice.place, body, choice.patience)
        except TimeoutError:
            self._answer(504, [], b"")
        except (OSError, http.client.HTTPException):
            self._answer(502, [], b"")
        else:
            self._answer(status, [*headers, *choice.headers], answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

    def _ask(self, place: Place, body: bytes, patience: float) -> tuple[int, list[tuple[str, str]], bytes]:
        sent = {name: value for name, value in self.headers.items() if name.lower() not in OF_A_CONNECTION}
        sent["X-Forwarded-For"] = ", ".join(filter(None, (sent.get("X-Forwarded-For"), self.client_address[0])))
        sent["X-Forwarded-Proto"], sent["X-Forwarded-Port"] = "http", str(self.server.server_port)
        upstream = http.client.HTTPConnection(place.address, place.port, timeout=patience)
        try:
            upstream.request(self.command, self.path, body or None, sent)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in OF_A_CONNECTION | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, format: str, *args: object) -> None:
        return
