"""An HTTP answer is taken apart the same way however it arrives."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix.tools.http_answer import Answer, BadAnswerError, parse


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_an_answer_is_whole_at_its_last_byte_and_never_before(pieces: list[bytes], in_chunks: bool) -> None:
    body = b"".join(pieces)
    if in_chunks:
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(pieces)
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    for length in range(len(wire)):
        assert parse(wire[:length], ended=False) is None
        with pytest.raises(BadAnswerError) as caught:
            parse(wire[:length], ended=True)
        assert not caught.value.certain
    answer = parse(wire, ended=False)
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
    answer = parse(wire, ended=ended)
    assert answer is not None
    assert (answer.status, answer.body, answer.reusable) == wanted


def test_headers_are_told_in_lower_case() -> None:
    assert parse(b"HTTP/1.1 200 OK\r\nX-Machine:  m1 \r\nContent-Length: 0\r\n\r\n", ended=False) == Answer(
        status=200, headers={"x-machine": "m1", "content-length": "0"}, body=b"", reusable=True
    )


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nlong\r\n",
    ],
)
def test_what_is_no_http_is_known_at_once(wire: bytes) -> None:
    with pytest.raises(BadAnswerError) as caught:
        parse(wire, ended=False)
    assert caught.value.certain


@given(st.binary(max_size=200))
def test_garbage_is_taken_calmly(wire: bytes) -> None:
    for received in (
        wire,
        b"HTTP/1.1 200 OK\r\n" + wire,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire,
    ):
        for ended in (False, True):
            with suppress(BadAnswerError):  # anything else is a failure
                parse(received, ended=ended)
