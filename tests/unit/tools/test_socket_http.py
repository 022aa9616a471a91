"""An answer that takes long: whoever waits lives on meanwhile, and may give up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.errors import RefusedError
from phoenix.tools import socket_http
from phoenix.tools.socket_http import BrokenLineError, SocketHttp

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


class Slow:
    """A program that answers its one request when it is told to."""

    def __init__(self, path: Path) -> None:
        self.asked = b""
        self.answer = ANSWER
        self.go = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, suppress(OSError):  # who asked may have gone
            self.asked = connection.recv(4096)
            while b"Content-Length: " in self.asked and not self.asked.endswith(b"}"):  # the body may come later
                self.asked += connection.recv(4096)
            self.go.wait(30)
            connection.sendall(self.answer)

    def close(self) -> None:
        self.go.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(socket_http, "ROUND", 0.01)
    with closing(Slow(tmp_path / "s")) as made:
        yield made


def test_whoever_waits_is_called_until_the_answer_comes(slow: Slow, tmp_path: Path) -> None:
    rounds: list[int] = []

    def between() -> None:
        rounds.append(1)
        if len(rounds) == 5:
            slow.go.set()

    with closing(SocketHttp(tmp_path / "s", SystemClock(), between)) as line:
        answer = line.ask("POST", "/x", deadline=30, params={"q": "a b"}, body={"c": 2})
    assert (answer.status, answer.json()) == (200, {"a": 1})
    assert len(rounds) >= 5
    assert slow.asked.startswith(b"POST /x?q=a+b HTTP/1.1\r\n")
    assert b'{"c": 2}' in slow.asked


def test_who_has_lost_the_run_waits_no_longer(slow: Slow, tmp_path: Path) -> None:
    def lost() -> None:
        raise RefusedError("another has it")

    with (
        closing(SocketHttp(tmp_path / "s", SystemClock(), lost)) as line,
        pytest.raises(RefusedError, match="another has it"),
    ):
        line.ask("GET", "/x", deadline=30)


def test_no_answer_in_time_and_no_whole_answer_are_none(slow: Slow, tmp_path: Path) -> None:
    with closing(SocketHttp(tmp_path / "s", SystemClock(), lambda: None)) as line:
        with pytest.raises(BrokenLineError, match="GET /x did not happen within"):
            line.ask("GET", "/x", deadline=0.05)


def test_a_program_that_ends_in_its_answer_gave_none(slow: Slow, tmp_path: Path) -> None:
    slow.answer = ANSWER[:-3]
    slow.go.set()
    with closing(SocketHttp(tmp_path / "s", SystemClock(), lambda: None)) as line, pytest.raises(BrokenLineError):
        line.ask("GET", "/x", deadline=30)
