"""phoenix's own look at a web address: pass, fail or unknown, within a short time.

The balancer's verdict counts machines; this one is for a single address that should answer in one way. No answer, or
one that asks to come back later, says nothing about what will be a second from now: unknown is not no.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import h11

from phoenix.clock import Clock
from phoenix.wait import Look, Verdict

Headers = tuple[tuple[str, str], ...]

TIMEOUT = 3.0
"""Seconds for a whole look."""
LARGEST = 64 * 1024
"""Bytes of an answer that are read while its status line and headers are not whole; what follows them is never read."""

_CHUNK = 16 * 1024
_SHOWN = 200
"""Characters of an address that a redirect leads to."""
_PORTS = {"http": 80, "https": 443}
_COME_BACK = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses by which a server says that the same request may do better later (RFC 9110, 15; RFC 6585, 4)."""


class Probe(Protocol):
    """Makes one request to a service; a test hands in its own."""

    def __call__(self, url: str, *, clock: Clock, status: int = 200) -> Look:
        """What the answer amounts to."""
        ...


class BadAnswerError(Exception):
    """What came back is no HTTP answer with whole headers; the text says why.

    `certain`: it is no HTTP at all. Else the connection ended too early.
    """

    def __init__(self, why: str, *, certain: bool) -> None:
        super().__init__(why)
        self.certain = certain


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """The head of an answer. `leads_to`: where else a redirect sends whoever asks."""

    status: int
    leads_to: str = ""

    def __str__(self) -> str:
        return f"{self.status}, to {self.leads_to}" if self.leads_to else str(self.status)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Until:
    """The moment at which the look is over."""

    clock: Clock
    moment: float

    @property
    def left(self) -> float:
        left = self.moment - self.clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def probe(
    url: str,
    *,
    clock: Clock,
    status: int = 200,
    timeout: float = TIMEOUT,
    headers: Headers = (),
    trust: ssl.SSLContext | None = None,
) -> Look:
    """Ask for `url` (http or https, by GET) once; ends within `timeout` seconds, however slowly the other side speaks.

    The name in `url` is what the other side is told it is asked as (Host, and over TLS SNI), and what its certificate
    has to be for, by the certificates that this computer trusts or by `trust`. `headers` are sent, too. A host's name
    is looked up first, which takes what it takes; give an address where there is one.

    The status line and the headers decide, as they do for balancers: of the body, however large it is, no more is
    read than comes along with them.
    PASS: an answer with `status`. FAIL: another one, something that is not HTTP, or a certificate that is not
    trusted. UNKNOWN: no answer, or a status that means "not now" (5xx, 408, 425, 429). Redirects are not followed.
    """
    try:
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))
    except ValueError as error:
        return Look(verdict=Verdict.FAIL, seen=f"{url} is no address: {error}")
    if parts.scheme not in _PORTS or not parts.hostname:
        return Look(verdict=Verdict.FAIL, seen=f"{url} is no http address")
    try:
        until = _Until(clock=clock, moment=clock.monotonic() + timeout)
        with socket.create_connection(address, timeout=until.left) as connection:
            answer = _ask(_secured(connection, parts, trust, until), parts, headers, until)
    except BadAnswerError as error:
        return Look(verdict=Verdict.FAIL if error.certain else Verdict.UNKNOWN, seen=f"{url}: {error}")
    except ssl.SSLCertVerificationError as error:
        return Look(verdict=Verdict.FAIL, seen=f"{url}: its certificate is not trusted: {error.verify_message}")
    except OSError as error:
        return Look(verdict=Verdict.UNKNOWN, seen=f"{url}: {_reason(error, timeout)}")
    return Look(verdict=_verdict(answer.status, status), seen=f"{url} answers {answer}")


def _verdict(seen: int, wanted: int) -> Verdict:
    if seen == wanted:
        return Verdict.PASS
    return Verdict.UNKNOWN if seen in _COME_BACK else Verdict.FAIL


def _secured(
    connection: socket.socket, parts: SplitResult, trust: ssl.SSLContext | None, until: _Until
) -> socket.socket:
    """The connection, inside of TLS where the scheme says so."""
    if parts.scheme == "http":
        return connection
    connection.settimeout(until.left)
    return (trust or ssl.create_default_context()).wrap_socket(connection, server_hostname=parts.hostname)


def _ask(connection: socket.socket, parts: SplitResult, headers: Headers, until: _Until) -> _Answer:
    """The head of the answer, once it is there."""
    with connection:
        speech = _Speech()
        connection.settimeout(until.left)
        connection.sendall(speech.asking(parts, headers))
        received, seen = b"", 0
        while True:
            connection.settimeout(until.left)
            chunk = connection.recv(_CHUNK)
            received += chunk[: 80 - len(received)]
            if not b"HTTP/1.".startswith(received[:7]):
                raise BadAnswerError(f"no HTTP answer: {received!r}", certain=True)
            answer = speech.hear(chunk, received)
            if answer is not None:
                return answer
            seen += len(chunk)
            if seen > LARGEST:
                raise BadAnswerError(f"headers of more than {LARGEST} bytes", certain=True)


class _Speech:
    """One question and the head of its answer, as h11 understands them."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST + 2 * _CHUNK)

    def asking(self, parts: SplitResult, headers: Headers) -> bytes:
        """The bytes of the question."""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        told = [("Host", parts.netloc), ("User-Agent", "phoenix-probe"), ("Connection", "close"), *headers]
        asked = h11.Request(method="GET", target=target.encode("ascii", "replace"), headers=told)
        return (self._http.send(asked) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def hear(self, chunk: bytes, received: bytes) -> _Answer | None:
        """The answer, once its headers are whole with this chunk (empty: nothing more can come); else None.

        What is announced ahead of the answer (1xx) is passed over.
        """
        try:
            self._http.receive_data(chunk)
            event = self._http.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            if chunk:
                raise BadAnswerError(f"no HTTP answer: {received!r}", certain=True) from error
            raise _closed(received) from error
        if isinstance(event, h11.Response):
            return _answer(event)
        if not chunk or isinstance(event, h11.ConnectionClosed):
            raise _closed(received)
        return None


def _answer(head: h11.Response) -> _Answer:
    where = next((value for name, value in head.headers if name == b"location"), b"")
    leads_to = where.decode("latin-1") if 300 <= head.status_code < 400 else ""
    return _Answer(status=head.status_code, leads_to=leads_to[:_SHOWN])


def _closed(received: bytes) -> BadAnswerError:
    why = "closed within the answer" if received else "closed without an answer"
    return BadAnswerError(why, certain=False)


def _reason(error: OSError, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    return error.strerror or type(error).__name__
