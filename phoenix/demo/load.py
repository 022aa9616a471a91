"""The load generator: a child process that sends requests at a steady rate and writes down what came of each.

Open loop: a request is sent when it is due, whether or not earlier ones were answered, and its latency counts from
then. Every request goes out once; whatever does not end in a status of 200 to 299 within 10 s has failed.
It talks to this computer only.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import selectors
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11

from phoenix.clock import Clock, SystemClock, rfc3339
from phoenix.demo import load_summary
from phoenix.demo.load_connection import BadAnswerError, Connection
from phoenix.demo.load_summary import Summary, Tally
from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.tools import process
from phoenix.tools.process import Command, Running
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, wait_for

TIMEOUT = 10.0
"""Seconds after which a request has failed."""
CONNECTIONS = 8
"""Connections that are kept open and used in turn; more are opened while all of them wait for an answer."""
MOST_CONNECTIONS = 512
"""While so many wait for an answer none is sent: a process has 1,024 descriptors. Those that wait fail by TIMEOUT."""
LONGEST = 3600.0
"""Seconds after which a load ends by itself."""
_LATE = 1.0
"""Seconds behind its own schedule from which the generator leaves requests out instead of sending a flood."""
_TICK = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """A load that is running."""

    child: Running
    out: Path
    clock: Clock

    def so_far(self) -> Summary:
        """What has happened, at most a second old."""
        summary = load_summary.read(self.out)
        assert summary is not None, "running() waits for the first one"
        return summary

    def finish(self) -> Summary:
        """Send no more requests, wait for the answers under way, give the whole summary."""
        if self.child.code() is None:
            os.kill(self.child.pid, signal.SIGTERM)
        try:
            wait_for("the end of the load", self._look, clock=self.clock, deadline=TIMEOUT + 5, interval=0.02)
        except (DeadlineError, HopelessError) as error:
            raise ToolError(
                "the load generator did not end as it should",
                details=error.details,
                resolution=f"What it counted is in {self.out}; its own words are beside it.",
            ) from error
        return self.so_far()

    def _look(self) -> Look:
        ended = self.child.code() is not None  # before reading, so that its last summary is not missed
        if self.so_far().done:
            return Look(verdict=Verdict.PASS, seen="done")
        return Look(verdict=Verdict.FAIL if ended else Verdict.UNKNOWN, seen="killed" if ended else "under way")


@contextmanager
def running(url: str, *, rate: float, out: Path, clock: Clock, seconds: float = LONGEST) -> Iterator[Load]:
    """Keep a load of `rate` requests a second on `url` while this holds, for `seconds` at most.

    Begins when the first request has ended. The summary is in `out`, the generator's own words beside it in `.log`.
    Raises RefusedError for a url that does not lead to this computer, ToolError where the generator does not run.
    """
    _address(url)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    log = out.with_suffix(".log")
    argv = (sys.executable, "-P", "-m", "phoenix.demo.load", url)
    options = ("--rate", str(rate), "--out", str(out), "--seconds", str(seconds))
    with process.running(Command(argv=(*argv, *options)), log=log) as child:

        def look() -> Look:
            summary = load_summary.read(out)
            if summary and summary.answered + summary.failed:
                return Look(verdict=Verdict.PASS, seen="running")
            ended = child.code() is not None
            return Look(verdict=Verdict.FAIL if ended else Verdict.UNKNOWN, seen="it ended" if ended else "starting")

        try:
            wait_for("the first request of the load", look, clock=clock, deadline=TIMEOUT + 5, interval=0.02)
        except (DeadlineError, HopelessError) as error:
            raise ToolError(
                "the load generator did not start", details=error.details, resolution=f"See {log}."
            ) from error
        yield Load(child=child, out=out, clock=clock)


class Generator:
    """Sends and counts. One thread, no blocking but in `select`."""

    def __init__(self, url: str, *, rate: float, out: Path, seconds: float, by: str, clock: Clock) -> None:
        self._address, host, path = _address(url)
        told = [("Host", host), ("User-Agent", "phoenix-load")]
        self._request = h11.Request(method="GET", target=path.encode("latin-1"), headers=told)
        self._rate, self._out, self._seconds, self._by = rate, out, seconds, by
        self._clock = clock
        self._started = clock.monotonic()
        self._tally = Tally(url, rate, rfc3339(clock.now()))
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._under_way: dict[Connection, None] = {}
        """In the order in which they were sent, so that the first is the next to time out."""
        self._begun = 0
        self._ended_first = False
        self._stopping = False

    def stop(self, *_signal: object) -> None:
        """Begin no more requests."""
        self._stopping = True

    def run(self) -> None:
        """Send until the time is over or `stop` is called, wait for the answers under way, write the summary."""
        written = -1.0
        while True:
            now = self._now()
            if not self._stopping:
                self._send_what_is_due(now)
            if now >= self._seconds:
                self.stop()
            if self._stopping and not self._under_way:
                break
            self._wait()
            self._time_out()
            if self._now() - written >= 1 or self._first_end():
                written = self._now()
                load_summary.write(self._out, self._tally.summary(written, done=False))
        load_summary.write(self._out, self._tally.summary(self._now(), done=True))
        for connection in self._idle:
            connection.close()
        self._selector.close()

    def _now(self) -> float:
        return self._clock.monotonic() - self._started

    def _first_end(self) -> bool:
        """Whether a request has ended for the first time: whoever started the load waits for that."""
        if self._ended_first or self._begun == len(self._under_way):
            return False
        self._ended_first = True
        return True

    def _send_what_is_due(self, now: float) -> None:
        behind = int((now - _LATE) * self._rate) - self._begun
        if behind > 0:
            self._tally.skipped(behind)
            self._begun += behind
        while self._begun / self._rate <= now and self._begun / self._rate < self._seconds:
            self._begun += 1
            self._begin((self._begun - 1) / self._rate)

    def _begin(self, due: float) -> None:
        if len(self._under_way) >= MOST_CONNECTIONS:
            self._tally.skipped(1)
            return
        self._tally.sent()
        try:
            connection = self._connection()
        except OSError as error:
            self._tally.failed(self._now(), _reason(error))
            return
        connection.due, connection.sent = due, self._now()
        self._under_way[connection] = None

    def _connection(self) -> Connection:
        """A connection with the request on its way: an idle one, or a new one that sends when it is connected."""
        if self._idle and len(self._idle) + len(self._under_way) >= CONNECTIONS:
            connection = self._idle.popleft()
            try:
                connection.send(self._request)
            except OSError:
                self._drop(connection)
                raise
            return connection
        connection = Connection(self._address)
        self._selector.register(connection.socket, selectors.EVENT_WRITE, connection)
        return connection

    def _wait(self) -> None:
        next_due = _TICK if self._stopping else self._begun / self._rate - self._now()
        for key, events in self._selector.select(timeout=max(0.0, min(next_due, _TICK))):
            self._go_on(key.data, events)

    def _go_on(self, connection: Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                connection.check_connected()
                connection.send(self._request)
                self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
                return
            answer = connection.receive()
        except (OSError, BadAnswerError) as error:
            self._fail(connection, _reason(error))
            return
        if answer is None:
            return
        if not 200 <= answer.status < 300:
            self._tally.failed(self._now(), f"status {answer.status}")
        else:
            told = answer.headers.get(self._by, "") if self._by else answer.body.decode("utf-8", "replace").strip()
            self._tally.answered(self._now(), self._now() - connection.due, told[:200])
        del self._under_way[connection]
        if answer.reusable:
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _fail(self, connection: Connection, reason: str) -> None:
        """The request failed; a connection that ends while it is idle costs nothing."""
        if connection in self._under_way:
            del self._under_way[connection]
            self._tally.failed(self._now(), reason)
        else:
            self._idle.remove(connection)
        self._drop(connection)

    def _time_out(self) -> None:
        while self._under_way:
            oldest = next(iter(self._under_way))
            if self._now() - oldest.sent < TIMEOUT:
                return
            self._fail(oldest, f"no answer within {TIMEOUT:g} s")

    def _drop(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.close()


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _address(url: str) -> tuple[tuple[str, int], str, str]:
    """Where to connect, and what to ask for. RefusedError for anything but http on this computer."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here or parts.scheme != "http":
        raise RefusedError(
            f"no load on {url}",
            details="the load generator sends to loopback addresses only, by http",
            resolution="Give it an address such as http://127.0.0.1:8000/.",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return ("127.0.0.1" if host == "localhost" else host, port), parts.netloc, path


def main(arguments: list[str]) -> None:
    """`python -m phoenix.demo.load URL --rate N --out FILE`: send until SIGTERM or the time is over."""
    parser = argparse.ArgumentParser(prog="phoenix.demo.load", description=main.__doc__)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--out", type=Path, required=True, help="the summary, written anew each second")
    parser.add_argument("--seconds", type=float, default=LONGEST, help="end by itself after this time")
    parser.add_argument("--by", default="", help="tell answers apart by this header instead of by their text")
    given = parser.parse_args(arguments)
    if given.rate <= 0 or given.seconds <= 0:
        parser.error("--rate and --seconds must be more than 0")
    try:
        generator = Generator(
            given.url, rate=given.rate, out=given.out, seconds=given.seconds, by=given.by.lower(), clock=SystemClock()
        )
    except PhoenixError as error:
        parser.error(str(error))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, generator.stop)
    generator.run()


if __name__ == "__main__":
    main(sys.argv[1:])
