"""The load generator against real servers: it sends what is due, and misses nothing that goes wrong."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.demo import load, load_summary
from phoenix.demo.load import Generator
from phoenix.demo.load_summary import ANSWERS_TOLD, OTHER, Summary, Tally
from phoenix.errors import RefusedError, ToolError
from phoenix.wait import Look, Verdict, wait_for
from tests.support.fakes.doubles import FakeClock
from tests.support.real.instant import Machine, machines
from tests.support.real.ports import free_port

pytestmark = pytest.mark.timeout(60)

CLOCK = SystemClock()


@pytest.fixture
def machine() -> Iterator[Machine]:
    with machines() as started:
        started.append(Machine("hello-1"))
        yield started[0]


@contextmanager
def generating(url: str, out: Path, *, rate: float) -> Iterator[Generator]:
    """A generator that runs in this process until the end of the block."""
    generator = Generator(url, rate=rate, out=out, seconds=60, by="", clock=CLOCK)
    thread = threading.Thread(target=generator.run)
    thread.start()
    try:
        yield generator
    finally:
        generator.stop()
        thread.join()


def generate(url: str, out: Path, *, by: str = "") -> Summary:
    """What came of half a second of requests."""
    Generator(url, rate=50, out=out, seconds=0.5, by=by, clock=CLOCK).run()
    return summary(out)


def until(wanted: Callable[[], bool]) -> None:
    def look() -> Look:
        return Look(verdict=Verdict.PASS if wanted() else Verdict.UNKNOWN, seen="not yet")

    wait_for("what the test waits for", look, clock=CLOCK, deadline=30, interval=0.02)


def summary(out: Path) -> Summary:
    read = load_summary.read(out)
    assert read is not None
    return read


def test_it_sends_at_its_rate_and_counts_every_answer(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    url = f"http://{machine.address}/hello?x=1"
    with load.running(url, rate=200, out=out, clock=CLOCK, seconds=1.5) as running:
        until(lambda: running.so_far().done)
        seen = running.finish()
    assert (seen.url, seen.rate, seen.done) == (url, 200, True)
    assert seen.sent == seen.answered == 300
    assert (seen.failed, seen.failures, seen.skipped) == (0, (), 0)
    assert seen.answers == {"hello-1": 300}
    assert sum(sum(second.answers.values()) for second in seen.timeline) == 300
    assert 0 < seen.p50 <= seen.p99 <= seen.max
    assert machine.asked()["GET /hello?x=1"] == 300
    assert json.loads(out.read_text())["answered"] == 300


def test_finish_waits_for_what_is_under_way(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    with generating(f"http://{machine.address}/hold", out, rate=50) as generator:
        until(lambda: machine.asked()["GET /hold"] > 20)  # open loop: nobody was answered, and it goes on
        generator.stop()
        until(lambda: summary(out).sent == machine.asked()["GET /hold"])  # the file is at most a second old
        assert (summary(out).answered, summary(out).done) == (0, False)
        until(lambda: bool(machine.say("release")) and summary(out).done)
    seen = summary(out)
    assert seen.answered == seen.sent > 20
    assert seen.max > 0.3, "a request that waits makes the others no faster"


def test_every_kind_of_failure_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.say("sick")
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        threading.Thread(target=_speak, args=(foreign, b"SSH-2.0-x\r\n\r\n"), daemon=True).start()
        other = foreign.getsockname()[1]
        cases = {
            f"http://{machine.address}/healthz": "status 503",
            f"http://{machine.address}/crash": "closed before the answer was whole",
            f"http://127.0.0.1:{free_port()}/": "Connection refused",
            f"http://127.0.0.1:{other}/": "no HTTP answer: illegal status line: bytearray(b'SSH-2.0-x')",
        }
        for url, reason in cases.items():
            seen = generate(url, tmp_path / "load.json")
            assert {failure.reason for failure in seen.failures} == {reason}
            assert seen.failed == seen.sent == len(seen.failures) > 0
            assert seen.answered == 0
            assert all(0 <= failure.second <= seen.seconds for failure in seen.failures)
            assert seen.timeline[0].failed == seen.failed


def _speak(server: socket.socket, text: bytes) -> None:
    while True:
        try:
            connection, _address = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(text)
            connection.recv(65536)


def test_no_answer_in_time_is_a_failure(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "TIMEOUT", 0.2)
    seen = generate(f"http://{machine.address}/hold", tmp_path / "load.json")
    machine.say("release")
    assert seen.failed == seen.sent > 0
    assert {failure.reason for failure in seen.failures} == {"no answer within 0.2 s"}


def test_a_server_that_closes_idle_connections_costs_nothing(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    with generating(f"http://{machine.address}/", out, rate=5):
        until(lambda: machine.asked()["GET /"] >= 3)
        machine.say("hang up")
        until(lambda: machine.asked()["GET /"] >= 8)
    assert summary(out).failures == ()


def test_answers_are_told_apart_by_a_header(machine: Machine, tmp_path: Path) -> None:
    seen = generate(f"http://{machine.address}/healthz", tmp_path / "load.json", by="x-machine")
    assert set(seen.answers) == {"HELLO-1"}


def test_the_file_is_whole_whenever_it_is_read(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    with load.running(f"http://{machine.address}/", rate=500, out=out, clock=CLOCK) as running:
        counts: list[int] = []
        while not counts or counts[-1] < 1000:
            counts.append(running.so_far().answered)
        running.finish()
    assert counts == sorted(counts)


def test_a_generator_that_had_no_processor_sends_no_flood(machine: Machine, tmp_path: Path) -> None:
    clock = FakeClock()
    out = tmp_path / "load.json"
    generator = Generator(f"http://{machine.address}/", rate=10, out=out, seconds=100, by="", clock=clock)
    clock.seconds = 60.0
    original = clock.monotonic

    def ticking() -> float:
        clock.seconds += 0.01
        return original()

    clock.monotonic = ticking  # type: ignore[method-assign]
    thread = threading.Thread(target=generator.run)
    thread.start()
    until(lambda: machine.asked()["GET /"] >= 15)
    generator.stop()
    thread.join()
    seen = summary(out)
    assert 580 <= seen.skipped <= 591
    assert seen.sent == machine.asked()["GET /"]


def test_while_all_it_may_have_wait_for_an_answer_it_sends_no_more(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "MOST_CONNECTIONS", 3)
    monkeypatch.setattr(load, "TIMEOUT", 0.5)
    out = tmp_path / "load.json"
    generator = Generator(f"http://{machine.address}/hold", rate=100, out=out, seconds=0.4, by="", clock=CLOCK)
    generator.run()
    machine.say("release")
    seen = summary(out)
    assert (seen.sent, seen.answered, seen.failed) == (3, 0, 3)
    assert seen.skipped + seen.sent == 40


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://example.org/",
        "http://127.0.0.1.example.org/",
        "https://127.0.0.1/",
        "http://0.0.0.0:80/",
        "http://127.0.0.1:many/",
        "127.0.0.1:8000",
        "",
    ],
)
def test_only_this_computer_is_loaded(url: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no load on"), load.running(url, rate=1, out=tmp_path / "o", clock=CLOCK):
        pass
    argv = [sys.executable, "-m", "phoenix.demo.load", url, "--rate", "1", "--out", str(tmp_path / "o")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no load on" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_generator_that_is_killed_is_an_error(machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "load.json"
    with load.running(f"http://{machine.address}/", rate=50, out=out, clock=CLOCK) as running:
        os.kill(running.child.pid, signal.SIGKILL)
        with pytest.raises(ToolError, match="did not end as it should"):
            running.finish()


def test_the_load_ends_with_its_block(machine: Machine, tmp_path: Path) -> None:
    with load.running(f"http://{machine.address}/", rate=50, out=tmp_path / "load.json", clock=CLOCK) as running:
        assert running.child.code() is None
    assert running.child.code() is not None
    before = machine.asked()["GET /"]
    client = http.client.HTTPConnection(machine.address)
    client.request("GET", "/")
    client.getresponse().read()
    client.close()
    assert machine.asked()["GET /"] == before + 1


def test_a_generator_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "load.json.new").mkdir()
    with pytest.raises(ToolError, match="did not start") as caught:
        with load.running(f"http://127.0.0.1:{free_port()}/", rate=1, out=tmp_path / "load.json", clock=CLOCK):
            pass
    assert "load.log" in caught.value.resolution


def test_latencies_are_within_two_percent() -> None:
    tally = Tally("http://127.0.0.1/", 1, "now")
    for number in range(1, 1001):
        tally.sent()
        tally.answered(number / 100, number / 1000, "hello")
    seen = tally.summary(10, done=True)
    assert seen.p50 == pytest.approx(0.5, rel=0.02)
    assert seen.p99 == pytest.approx(0.99, rel=0.02)
    assert seen.max == 1.0
    assert len(seen.timeline) == 11


def test_endlessly_different_answers_are_lumped_together() -> None:
    tally = Tally("http://127.0.0.1/", 1, "now")
    for number in range(200):
        tally.answered(0.5, 0.001, f"answer {number}")
    seen = tally.summary(1, done=True)
    assert len(seen.answers) == ANSWERS_TOLD + 1
    assert seen.answers[OTHER] == 200 - ANSWERS_TOLD
    assert sum(seen.timeline[0].answers.values()) == 200


def test_nothing_answered_makes_no_latency() -> None:
    seen = Tally("http://127.0.0.1/", 1, "now").summary(0, done=False)
    assert (seen.p50, seen.p99, seen.max, seen.timeline) == (0.0, 0.0, 0.0, ())
