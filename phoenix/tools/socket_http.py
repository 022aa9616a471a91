"""Requests over HTTP on a unix socket, answered with JSON, however long that takes: the caller lives on meanwhile."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from phoenix.clock import Clock
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

ROUND = 1.0
"""Seconds after which whoever waits for an answer looks up."""
SILENCE = 60.0
"""Seconds that a program may pause in the middle of an answer that it has begun."""


class BrokenLineError(Exception):
    """There is no answer, and none will come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was answered: the status of HTTP, and the body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as data. ValueError where it is none."""
        return json.loads(self.body)


class SocketHttp:
    """A line to the program that listens on the socket at `path`. One request at a time."""

    def __init__(self, path: Path, clock: Clock, between: Callable[[], None]) -> None:
        """`between` is called every second while an answer is waited for; what it raises ends the line."""
        self._line = _Line(str(path))
        self._clock = clock
        self._between = between

    def ask(
        self, method: str, path: str, *, deadline: float, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Send one request, with `body` as JSON, and wait for its answer at most `deadline` seconds.

        BrokenLineError where there is none.
        """
        target = f"{path}?{urlencode(params)}" if params else path
        content = None if body is None else json.dumps(body).encode()
        try:
            self._line.request(method, target, content, {"Content-Type": "application/json"} if content else {})
            self._wait(f"the answer to {method} {path}", deadline)
            answer = self._line.getresponse()
            return Answer(status=answer.status, body=answer.read())
        except (OSError, HTTPException, DeadlineError) as error:
            raise BrokenLineError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _wait(self, what: str, deadline: float) -> None:
        def look() -> Look:
            readable, _, _ = select.select([self._line.sock], [], [], ROUND)
            return Look(verdict=Verdict.PASS if readable else Verdict.UNKNOWN, seen="")

        wait_for(what, look, clock=self._clock, deadline=deadline, interval=0.0, between=self._between)


class _Line(HTTPConnection):
    """A connection to a socket instead of a host."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SILENCE)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
