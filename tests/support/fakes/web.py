"""Small web servers of tests: a WSGI application on loopback, and a line to it that can be bad."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return None


@contextmanager
def serving(application: Application) -> Iterator[str]:
    """The address of a server that answers by `application`, one request after the other."""
    turn = threading.Lock()

    def one_by_one(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        with turn:  # so that what checks and then writes is one act, as it is in a real store
            return list(application(environ, start))

    server = _Threads(("127.0.0.1", 0), _Quiet)
    server.set_app(one_by_one)
    with _in_a_thread(server):
        yield f"http://127.0.0.1:{server.server_port}"


class Line(Enum):
    """What becomes of one request."""

    GOOD = "it is carried out and answered"
    ANSWER_LOST = "it is carried out, and the connection ends without an answer"
    REQUEST_LOST = "it is not carried out, and the connection ends"
    LATE = "the connection ends, and it is carried out just before the next request of its method"
    SILENT = "it is carried out, and nothing is said"
    BROKEN = "it is not carried out, and answered with 503"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str, choose: Callable[[str, str], Line]) -> None:
        super().__init__(("127.0.0.1", 0), _Between)
        self.upstream = urlsplit(upstream).netloc
        self.choose = choose
        self.closing = threading.Event()
        self.late: dict[str, Callable[[], object]] = {}
        """What is still on its way, by method."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        return None  # clients that give up are what this server is for


@contextmanager
def line_to(upstream: str, choose: Callable[[str, str], Line]) -> Iterator[str]:
    """The address of a proxy to `upstream`; `choose(method, path)` says what becomes of each request."""
    server = _Server(upstream, choose)
    with _in_a_thread(server):
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.closing.set()


@contextmanager
def _in_a_thread(server: WSGIServer | ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Between(BaseHTTPRequestHandler):
    server: _Server

    def _pass_on(self) -> None:
        fate = self.server.choose(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fate is Line.BROKEN:
            self.send_error(503)
            return
        if fate is Line.REQUEST_LOST:
            self._hang_up()
            return
        if fate is Line.LATE:
            self.server.late[self.command] = partial(self._ask, body)
            self._hang_up()
            return
        if self.command in self.server.late:
            self.server.late.pop(self.command)()
        code, headers, answer = self._ask(body)
        if fate is Line.ANSWER_LOST:
            self._hang_up()
        elif fate is Line.SILENT:
            self.server.closing.wait()
            self._hang_up()
        else:
            self._tell(code, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream)
        try:
            upstream.request(self.command, self.path, body or None, dict(self.headers))
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _tell(self, code: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(code)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        return None
