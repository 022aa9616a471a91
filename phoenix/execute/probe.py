"""phoenix's own look at a web address: pass, fail or unknown, within a short time.

The balancer's verdict counts machines; this one is for a single address that should answer in one way. No answer, or
one that asks to come back later, says nothing about what will be a second from now: unknown is not no.
"""

from __future__ import annotations

import socket
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from phoenix.clock import Clock
from phoenix.tools.http_answer import Answer, BadAnswerError, parse
from phoenix.wait import Look, Verdict

TIMEOUT = 3.0
"""Seconds for a whole look."""
LARGEST = 64 * 1024
"""Bytes of an answer that are read."""

_COME_BACK = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses by which a server says that the same request may do better later (RFC 9110, 15; RFC 6585, 4)."""


class Probe(Protocol):
    """Makes one request to a service; a test hands in its own."""

    def __call__(self, url: str, *, clock: Clock, status: int = 200) -> Look:
        """What the answer amounts to."""
        ...


def probe(url: str, *, clock: Clock, status: int = 200, timeout: float = TIMEOUT) -> Look:
    """Ask for `url` (http, by GET) once; ends within `timeout` seconds, however slowly the other side speaks.

    A host's name is looked up first, which takes what it takes; give an address where there is one.

    PASS: a whole answer with `status`. FAIL: another one, or something that is not HTTP. UNKNOWN: no whole answer,
    or a status that means "not now" (5xx, 408, 425, 429). Redirects are not followed.
    """
    try:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 80)
    except ValueError as error:
        return Look(verdict=Verdict.FAIL, seen=f"{url} is no address: {error}")
    if parts.scheme != "http" or not parts.hostname:
        return Look(verdict=Verdict.FAIL, seen=f"{url} is no http address")
    try:
        answer = _ask(address, _request(parts), clock, clock.monotonic() + timeout)
    except BadAnswerError as error:
        return Look(verdict=Verdict.FAIL if error.certain else Verdict.UNKNOWN, seen=f"{url}: {error}")
    except OSError as error:
        return Look(verdict=Verdict.UNKNOWN, seen=f"{url}: {_reason(error, timeout)}")
    return Look(verdict=_verdict(answer.status, status), seen=f"{url} answers {answer.status}")


def _verdict(seen: int, wanted: int) -> Verdict:
    if seen == wanted:
        return Verdict.PASS
    return Verdict.UNKNOWN if seen in _COME_BACK else Verdict.FAIL


def _request(parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: phoenix-probe\r\nConnection: close\r\n\r\n"
    return head.encode("ascii", "replace")


def _ask(address: tuple[str, int], request: bytes, clock: Clock, until: float) -> Answer:
    with socket.create_connection(address, timeout=_left(clock, until)) as connection:
        connection.settimeout(_left(clock, until))
        connection.sendall(request)
        received = b""
        while True:
            connection.settimeout(_left(clock, until))
            chunk = connection.recv(65536)
            received += chunk
            answer = parse(received, ended=not chunk)
            if answer:
                return answer
            if len(received) > LARGEST:
                raise BadAnswerError(f"an answer of more than {LARGEST} bytes", certain=True)


def _left(clock: Clock, until: float) -> float:
    left = until - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(error: OSError, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no whole answer within {timeout:g} s"
    return error.strerror or type(error).__name__
