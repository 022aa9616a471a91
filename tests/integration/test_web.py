"""Reading what urls show, from servers of this computer as they are: slow, rude, moved, gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from phoenix.tools import web
from tests.support.real.ports import free_port


class Server(ThreadingHTTPServer):
    """Remembers what was asked, and over how many connections."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Answers by the path: /moved leads elsewhere, /last hangs up after it, /cut breaks off, anything else is told."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/moved":
            self._answer(302, b"", Location="/here")
            return
        self._answer(404 if self.path == "/none" else 200, f"this is {self.path}".encode())
        self.close_connection = self.path in ("/last", "/cut")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (10 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with _running(Server()) as made:
        yield made


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_several_pages_come_over_one_connection(server: Server) -> None:
    with web.reader(server.url, timeout=5) as read:
        pages = [read(f"{server.url}/{name}") for name in ("a", "b+1~rc%3A2", "none")]
    assert [(page.status, page.text) for page in pages] == [
        (200, "this is /a"),
        (200, "this is /b+1~rc%3A2"),
        (404, "this is /none"),
    ]
    assert server.connections == 1


def test_a_server_that_hung_up_is_asked_again(server: Server) -> None:
    with web.reader(server.url, timeout=5) as read:
        read(f"{server.url}/last")
        assert read(f"{server.url}/again").text == "this is /again"
    assert server.asked == ["/last", "/again"]


def test_a_redirect_is_followed(server: Server) -> None:
    with web.reader(server.url, timeout=5) as read:
        assert read(f"{server.url}/moved").text == "this is /here"


def test_a_path_is_quoted_where_it_has_to_be(server: Server) -> None:
    with web.reader(server.url, timeout=5) as read:
        assert read(f"{server.url}/two words/ä").status == 200
    assert server.asked == ["/two%20words/%C3%A4"]


def test_an_answer_that_breaks_off_is_none(server: Server) -> None:
    with web.reader(server.url, timeout=5) as read, pytest.raises(web.NoPageError, match="IncompleteRead"):
        read(f"{server.url}/cut")


def test_where_nobody_listens_that_is_told_apart() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with web.reader(url, timeout=5) as read, pytest.raises(web.NobodyError):
        read(f"{url}/a")


def test_no_proxy_stands_before_this_computer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    for path in ("/a", "/moved"):
        with web.reader(server.url, timeout=5) as read:
            assert read(f"{server.url}{path}").status == 200


def test_a_file_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a b").write_text("here")
    with web.reader(tmp_path.as_uri(), timeout=5) as read:
        assert read(f"{tmp_path.as_uri()}/a%20b").text == "here"
        with pytest.raises(web.NoPageError, match="No such file"):
            read(f"{tmp_path.as_uri()}/none")
