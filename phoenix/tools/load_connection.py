"""One keep-alive connection of the load generator: sends a request without blocking, takes the answer apart."""

from __future__ import annotations

import errno
import os
import socket

from phoenix.tools.http_answer import Answer, BadAnswerError, parse

LARGEST = 1024 * 1024
"""Bytes of an answer that are read before it counts as failed."""


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
        self._received = b""
        begun = self.socket.connect_ex(address)
        if begun not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(begun, os.strerror(begun))

    def check_connected(self) -> None:
        """Raise the OSError that the attempt to connect ended with, if it did."""
        failure = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def send(self, request: bytes) -> None:
        """Send a request, small enough to fit into the socket's buffer."""
        self._received = b""
        if self.socket.send(request) != len(request):
            raise BlockingIOError(errno.EAGAIN, "the request did not fit into the socket's buffer")

    def receive(self) -> Answer | None:
        """Read what is there; gives the answer when it is whole. Raises BadAnswerError where it never will be."""
        chunk = self.socket.recv(65536)
        self._received += chunk
        if len(self._received) > LARGEST:
            raise BadAnswerError(f"answer longer than {LARGEST} bytes", certain=True)
        return parse(self._received, ended=not chunk)

    def close(self) -> None:
        """Give the socket back."""
        self.socket.close()
