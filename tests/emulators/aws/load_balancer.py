"""The way of requests: a proxy on loopback for each listener that a test serves, by the rules and the health above.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.emulators.aws.elbv2.picture import Drawn, Place
from tests.emulators.aws.elbv2.routes import Request, Rule, first_met

GROUP_COOKIE, TARGET_COOKIE = "AWSALBTG", "AWSALB"
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html"""
OF_A_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
PATIENCE = 60.0
"""REAL seconds without a byte before a target is given up: the default idle timeout."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Where a request goes, or what it is answered with."""

    place: Place | None = None
    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the answer to the client: cookies, a location."""


class Turns:
    """Whose turn it is: by weights exactly, smoothly, and the same in every run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def next(self, of: str, weights: Sequence[tuple[str, int]]) -> str | None:
        """The next of those with a weight; None where there is none."""
        with self._lock:
            due, total = self._due[of], sum(weight for _name, weight in weights)
            for name, weight in weights:
                due[name] += weight
            chosen = max((name for name, weight in weights if weight), key=lambda name: due[name], default=None)
            if chosen is not None:
                due[chosen] -= total
            return chosen


class Chooser:
    """Chooses for one listener."""

    def __init__(self, listener: str, picture: Callable[[], Drawn], now: Callable[[], float]) -> None:
        self._listener = listener
        self._picture = picture
        self._now = now
        self._turns = Turns()

    def choose(self, request: Request) -> Choice:
        """By the first rule that it meets."""
        drawn = self._picture()
        rules = drawn.rules.get(self._listener, ())
        if not rules:
            return Choice(status=503)
        rule = first_met(rules, request)
        if rule.weights:
            return self._forward(drawn, rule, cookies(request))
        location = (("Location", rule.location),) if rule.location else ()
        return Choice(status=rule.status, body=rule.body, headers=location)

    def _forward(self, drawn: Drawn, rule: Rule, sent: Mapping[str, str]) -> Choice:
        """A cookie beats every weight, 0 too, as long as its target group is in the rule."""
        stuck = self._read(sent.get(GROUP_COOKIE, "")) if rule.sticky else None
        group = stuck if stuck in dict(rule.weights) else self._turns.next(rule.arn, rule.weights)
        if group is None or not drawn.targets.get(group):
            return Choice(status=503)
        headers = [self._cookie(GROUP_COOKIE, group, rule.sticky)] if rule.sticky else []
        places = {place.id: place for place in drawn.targets[group]}
        wanted = self._read(sent.get(TARGET_COOKIE, "")) if drawn.sticky.get(group) else None
        id = wanted if wanted in places else self._turns.next(group, [(name, 1) for name in places])
        if drawn.sticky.get(group):
            headers.append(self._cookie(TARGET_COOKIE, str(id), drawn.sticky[group]))
        return Choice(place=places[str(id)], headers=tuple(headers))

    def _cookie(self, name: str, value: str, seconds: int) -> tuple[str, str]:
        kept = base64.urlsafe_b64encode(json.dumps([value, self._now() + seconds]).encode()).decode()
        return "Set-Cookie", f"{name}={kept}; Max-Age={seconds}; Path=/"

    def _read(self, kept: str) -> str | None:
        """What a cookie says, as long as it is valid."""
        try:
            value, until = json.loads(base64.urlsafe_b64decode(kept))
        except (ValueError, TypeError):
            return None
        return str(value) if self._now() < until else None


def cookies(request: Request) -> dict[str, str]:
    """What the client has kept."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        return {}


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
            status, headers, answer = self._ask(choice.place, body)
        except TimeoutError:
            self._answer(504, [], b"")
        except (OSError, http.client.HTTPException):
            self._answer(502, [], b"")
        else:
            self._answer(status, [*headers, *choice.headers], answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

    def _ask(self, place: Place, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        sent = {name: value for name, value in self.headers.items() if name.lower() not in OF_A_CONNECTION}
        sent["X-Forwarded-For"] = ", ".join(filter(None, (sent.get("X-Forwarded-For"), self.client_address[0])))
        sent["X-Forwarded-Proto"], sent["X-Forwarded-Port"] = "http", str(self.server.server_port)
        upstream = http.client.HTTPConnection(place.address, place.port, timeout=PATIENCE)
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
