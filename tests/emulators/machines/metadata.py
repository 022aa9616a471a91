"""The metadata service of one machine: a thread around a cloud's own answers, at the address that all clouds have."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADDRESS, PORT = "169.254.169.254", 80


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[str, str, Mapping[str, str]], Answer]
"""Answers one request: of its method, its path with the query, its headers by their names in lower case."""


class Service:
    """The service of one machine, on a listening socket of the network that only this machine sees."""

    def __init__(self, listener: socket.socket, answering: Answering, name: str = "") -> None:
        handler = partial(_Handler, answering=answering, name=name)
        self._server = _Server((ADDRESS, PORT), handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A machine that ends while it waits for an answer is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sys_version = ""
    timeout = 30

    def __init__(self, *connection: Any, answering: Answering, name: str) -> None:
        self._answering = answering
        self.server_version = name
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer, whatever the method is."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = self._answering(self.command, self.path, headers)
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    do_PUT = do_POST = do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
