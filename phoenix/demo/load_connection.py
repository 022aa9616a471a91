"""One keep-alive connection of the load generator: sends a request without blocking, takes the answer apart by h11."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass

import h11

LARGEST = 1024 * 1024
"""Bytes of an answer that are read before it counts as failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole answer. `reusable`: whether the connection may carry another request."""

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool


class BadAnswerError(Exception):
    """What came back is not a whole HTTP answer; the text says why."""


class Exchange:
    """Requests and their answers as HTTP/1 has them on one connection, without the connection."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT)
        self._begin()

    def ask(self, request: h11.Request) -> bytes:
        """What to send for the next request."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        self._begin()
        return (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def take(self, received: bytes) -> Answer | None:
        """The answer, once it is whole with what was received (nothing: the other side has closed).

        Raises BadAnswerError where it never will be.
        """
        try:
            self._http.receive_data(received)
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    return None
                if isinstance(event, h11.EndOfMessage):
                    return self._whole(open_still=bool(received))
                self._note(event)
        except h11.RemoteProtocolError as error:
            why = f"no HTTP answer: {error}" if received else "closed before the answer was whole"
            raise BadAnswerError(why) from error

    def _begin(self) -> None:
        self._head: h11.Response | None = None
        self._body = b""

    def _note(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self._head = event
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > LARGEST:
                raise BadAnswerError(f"answer longer than {LARGEST} bytes")
        elif isinstance(event, h11.ConnectionClosed):
            raise BadAnswerError("closed before the answer was whole")
        elif event is h11.PAUSED:
            raise BadAnswerError("an answer that nobody asked for")

    def _whole(self, *, open_still: bool) -> Answer:
        assert self._head is not None, "an answer ends after its head"
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        reusable = open_still and self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        return Answer(status=self._head.status_code, headers=headers, body=self._body, reusable=reusable)


class Connection:
    """A non-blocking connection that carries one request at a time. Every method may raise OSError."""

    def __init__(self, address: tuple[str, int]) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        """When the request under way should have been sent, on the caller's clock."""
        self.sent = 0.0
        """When it was sent."""
        self._exchange = Exchange()
        begun = self.socket.connect_ex(address)
        if begun not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(begun, os.strerror(begun))

    def check_connected(self) -> None:
        """Raise the OSError that the attempt to connect ended with, if it did."""
        failure = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def send(self, request: h11.Request) -> None:
        """Send a request, small enough to fit into the socket's buffer."""
        written = self._exchange.ask(request)
        if self.socket.send(written) != len(written):
            raise BlockingIOError(errno.EAGAIN, "the request did not fit into the socket's buffer")

    def receive(self) -> Answer | None:
        """Read what is there; gives the answer when it is whole. Raises BadAnswerError where it never will be."""
        return self._exchange.take(self.socket.recv(65536))

    def close(self) -> None:
        """Give the socket back."""
        self.socket.close()
