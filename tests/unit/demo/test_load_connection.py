"""An HTTP answer is taken apart the same way however it arrives."""

from __future__ import annotations

from contextlib import suppress

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.demo.load_connection import LARGEST, Answer, BadAnswerError, Exchange

REQUEST = h11.Request(method="GET", target=b"/", headers=[("Host", "127.0.0.1")])


def asked() -> Exchange:
    exchange = Exchange()
    assert exchange.ask(REQUEST) == b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    return exchange


def answer_to(wire: bytes, *, ended: bool = False) -> Answer | None:
    exchange = asked()
    found = exchange.take(wire)
    return exchange.take(b"") if found is None and ended else found


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_an_answer_is_whole_at_its_last_byte_and_never_before(pieces: list[bytes], in_chunks: bool) -> None:
    body = b"".join(pieces)
    if in_chunks:
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(pieces)
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    byte_by_byte = asked()
    for length in range(1, len(wire)):
        assert byte_by_byte.take(wire[length - 1 : length]) is None
        with pytest.raises(BadAnswerError):
            answer_to(wire[:length], ended=True)
    for answer in (byte_by_byte.take(wire[-1:]), answer_to(wire)):
        assert answer is not None
        assert (answer.status, answer.body, answer.reusable) == (200, body, True)


@pytest.mark.parametrize(
    ("wire", "ended", "wanted"),
    [
        (b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", False, (204, b"", True)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", False, (200, b"x", False)),
        (b"HTTP/1.1 200\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n", False, (200, b"", False)),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True, (200, b"until the end", False)),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Not now\r\nContent-Length: 2\r\n\r\nno",
            False,
            (503, b"no", True),
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
            False,
            (200, b"abc", True),
        ),
    ],
)
def test_shapes_of_answers(wire: bytes, ended: bool, wanted: tuple[int, bytes, bool]) -> None:
    answer = answer_to(wire, ended=ended)
    assert answer is not None
    assert (answer.status, answer.body, answer.reusable) == wanted


def test_one_connection_carries_one_request_after_the_other() -> None:
    exchange = asked()
    for word in (b"one", b"two"):
        answer = exchange.take(b"HTTP/1.1 200 OK\r\nX-Machine:  m1 \r\nContent-Length: 3\r\n\r\n" + word)
        assert answer == Answer(
            status=200, headers={"x-machine": "m1", "content-length": "3"}, body=word, reusable=True
        )
        exchange.ask(REQUEST)


def test_an_answer_that_nobody_asked_for_is_none() -> None:
    exchange = asked()
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert exchange.take(whole) is not None
    with pytest.raises(BadAnswerError, match="nobody asked for"):
        exchange.take(whole)


def test_a_flood_ends_at_a_megabyte() -> None:
    exchange = asked()
    assert exchange.take(b"HTTP/1.1 200 OK\r\n\r\n") is None
    with pytest.raises(BadAnswerError, match="longer than"):
        exchange.take(b"x" * (LARGEST + 1))


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x16\x03",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nlong\r\n",
    ],
)
def test_what_is_no_http_is_known_at_once(wire: bytes) -> None:
    with pytest.raises(BadAnswerError):
        answer_to(wire)


@given(st.binary(max_size=200))
def test_garbage_is_taken_calmly(wire: bytes) -> None:
    for received in (
        wire,
        b"HTTP/1.1 200 OK\r\n" + wire,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire,
    ):
        for ended in (False, True):
            with suppress(BadAnswerError):  # anything else is a failure
                answer_to(received, ended=ended)
