"""The probe against real sockets that misbehave in every way a starting, dying or foreign service does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from phoenix.clock import SystemClock
from phoenix.execute.probe import LARGEST, probe
from phoenix.wait import Look, Verdict
from tests.support.real.ports import free_port

CLOCK = SystemClock()


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that treats its one client with `speak`, which may wait for the test's end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                try:
                    speak(connection, over)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/healthz?full=1"
        finally:
            over.set()
            thread.join()


def answering(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def speak(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return speak


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def status(code: int) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n\r\nok" % code


@pytest.mark.parametrize(
    ("code", "wanted", "verdict"),
    [
        (200, 200, Verdict.PASS),
        (503, 503, Verdict.PASS),
        (204, 200, Verdict.FAIL),
        (301, 200, Verdict.FAIL),
        (404, 200, Verdict.FAIL),
        (200, 204, Verdict.FAIL),
        (429, 200, Verdict.UNKNOWN),
        (500, 200, Verdict.UNKNOWN),
        (503, 200, Verdict.UNKNOWN),
    ],
)
def test_the_status_decides(code: int, wanted: int, verdict: Verdict) -> None:
    with speaking(answering(status(code))) as url:
        assert probe(url, clock=CLOCK, status=wanted) == Look(verdict=verdict, seen=f"{url} answers {code}")


def test_it_asks_for_exactly_the_address() -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket, _over: threading.Event) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(status(200))

    with speaking(speak) as url:
        assert probe(url, clock=CLOCK).verdict is Verdict.PASS
    host = url.removeprefix("http://").partition("/")[0].encode()
    assert heard[0].startswith(b"GET /healthz?full=1 HTTP/1.1\r\nHost: " + host + b"\r\n")


def test_refused_is_unknown() -> None:
    look = probe(f"http://127.0.0.1:{free_port()}", clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "refused" in look.seen


def test_reset_is_unknown() -> None:
    def speak(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(1)  # the rest stays unread: closing resets

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "reset" in look.seen


@pytest.mark.parametrize(
    "text", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"]
)
def test_half_an_answer_is_unknown(text: bytes) -> None:
    with speaking(answering(text)) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "closed" in look.seen


def test_silence_is_unknown_after_the_timeout() -> None:
    with speaking(silent) as url:
        began = CLOCK.monotonic()
        look = probe(url, clock=CLOCK, timeout=0.2)
        took = CLOCK.monotonic() - began
    assert look == Look(verdict=Verdict.UNKNOWN, seen=f"{url}: no whole answer within 0.2 s")
    assert took >= 0.2


def test_dripping_does_not_outlast_the_timeout() -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            connection.sendall(b"X: y\r\n")

    with speaking(speak) as url:
        began = CLOCK.monotonic()
        look = probe(url, clock=CLOCK, timeout=0.3)
        took = CLOCK.monotonic() - began
    assert look.verdict is Verdict.UNKNOWN
    assert took >= 0.3


@pytest.mark.parametrize(
    "text", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x16", b"HTTP/1.1 fine\r\n\r\n"]
)
def test_another_language_is_certain(text: bytes) -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(text)
        over.wait()

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.FAIL
    assert "no HTTP answer" in look.seen


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * LARGEST)

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.FAIL
    assert "more than" in look.seen


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "127.0.0.1:80", "http://", "http://127.0.0.1:many/", "http://[::1"]
)
def test_what_is_no_http_address_fails(url: str) -> None:
    assert probe(url, clock=CLOCK).verdict is Verdict.FAIL


def test_an_unknown_host_is_unknown() -> None:
    assert probe("http://nowhere.invalid/", clock=CLOCK).verdict is Verdict.UNKNOWN
