"""An HTTP/1 answer taken apart while it arrives, for those who must not wait for more than they have."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: [^\r\n]*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole answer. `reusable`: whether the connection may carry another request."""

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool


class BadAnswerError(Exception):
    """What came back is not a whole HTTP answer; the text says why.

    `certain`: it is no HTTP at all. Else the connection ended too early.
    """

    def __init__(self, why: str, *, certain: bool) -> None:
        super().__init__(why)
        self.certain = certain


def parse(received: bytes, *, ended: bool) -> Answer | None:
    """The answer in `received`; None where more has to come. `ended`: nothing more can come."""
    if received[:7] != b"HTTP/1."[: len(received)]:
        raise BadAnswerError(f"no HTTP answer: {received[:80]!r}", certain=True)
    head, blank, rest = received.partition(b"\r\n\r\n")
    if not blank:
        if ended:
            raise BadAnswerError(
                "closed within the answer's head" if received else "closed without an answer", certain=False
            )
        return None
    first, *lines = head.split(b"\r\n")
    found = _STATUS.fullmatch(first)
    if not found:
        raise BadAnswerError(f"no HTTP answer: {first[:80]!r}", certain=True)
    status = int(found[2])
    if 100 <= status < 200:
        return parse(rest, ended=ended)
    headers = _headers(lines)
    body = _body(status, headers, rest, ended=ended)
    if body is None:
        if ended:
            raise BadAnswerError("closed within the answer's body", certain=False)
        return None
    keep = found[1] == b"1" and headers.get("connection", "").lower() != "close" and not ended
    return Answer(status=status, headers=headers, body=body, reusable=keep)


def _headers(lines: list[bytes]) -> dict[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _colon, value in pairs}


def _body(status: int, headers: dict[str, str], rest: bytes, *, ended: bool) -> bytes | None:
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(rest)
    length = headers.get("content-length")
    if length is None:
        return rest if ended else None
    if not length.isdecimal():
        raise BadAnswerError(f"content-length: {length}", certain=True)
    return rest[: int(length)] if len(rest) >= int(length) else None


def _chunks(rest: bytes) -> bytes | None:
    """The body that is sent in chunks; trailers are left out."""
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
        size_text = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size_text):
            raise BadAnswerError(f"size of a chunk: {line[:20]!r}", certain=True)
        size = int(size_text, 16)
        if size == 0:
            return body if rest.endswith(b"\r\n") else None
        if len(rest) < size + 2:
            return None
        body, rest = body + rest[:size], rest[size + 2 :]
