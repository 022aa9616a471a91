"""The sockets: plain HTTP for the test, and a proxy whose tunnels end here for everybody else."""

from __future__ import annotations

import json
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.emulators.gcp.wire.application import Application, Heard


class Server(ThreadingHTTPServer):
    """It listens; `serve_forever` answers."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, application: Application, context: ssl.SSLContext, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.application = application
        self.context = context

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away says nothing to anybody."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _tunnel = ""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing; what a call was is in `Emulator.calls`."""

    def do_CONNECT(self) -> None:
        """From here on the connection is the host's that was asked for."""
        self.send_response(200, "Connection established")
        self.end_headers()
        self._tunnel = self.path.partition(":")[0]
        try:
            self.connection = self.request = self.server.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        """The server closes what it has accepted; a tunnel has another socket by now."""
        super().finish()
        self.connection.close()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        # Through a proxy urllib3 sends a body only when the headers are acknowledged, which would take 40 ms.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        body = self.rfile.read(length) if length else b""
        url = urlsplit(self.path)
        heard = Heard(
            host=self._tunnel or url.hostname or self.headers.get("Host", "").partition(":")[0],
            http=self.command,
            path=unquote(url.path),
            query=parse_qs(url.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        answer = self.server.application.answer(heard)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)  # at once: who asked is not to wait for it
            return
        status, said = answer
        text = json.dumps(said).encode()
        head = (
            f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}\r\n"
            "Content-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(text)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + text)  # in one packet: two would wait for each other

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that BaseHTTPRequestHandler wants
