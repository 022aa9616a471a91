"""On which terms the local balancer lets requests pass: time limits, headers, who it says they came from."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.local.balancer import SEATS
from phoenix.clouds.local.traffic import LocalTraffic
from phoenix.manner import Forwarded, Timeouts
from phoenix.spec.services import longest
from phoenix.tools.haproxy import USUAL, Terms
from tests.support.real.balancers import NEW, OLD, QUICK, World, healthy, shift, world_in
from tests.support.real.instant import get

pytestmark = pytest.mark.timeout(120)
ROOMY = Terms(headers=32 * 1024, forwarded=Forwarded.APPEND)
HASTY = Terms(timeouts=Timeouts(response=1.0))
IDLE = Terms(timeouts=Timeouts(idle=1.0))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path) as made:
        yield made


def serving(world: World, terms: Terms = USUAL) -> LocalTraffic:
    """The balancer with one machine that gets everything."""
    traffic = world.traffic(terms=terms)
    traffic.attach(world.group(OLD))
    healthy(traffic, OLD, 1)
    shift(traffic, {OLD: 100})
    return traffic


def asked(address: str, headers: dict[str, str]) -> tuple[int, list[str]]:
    """The status of a request with these headers, and whom the machine was told it came from."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    try:
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_all("X-Seen", [])
    finally:
        connection.close()


def test_headers_and_addresses_as_the_file_says_and_as_it_says_then(world: World) -> None:
    said = {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    large, too_large = {"X-Large": "x" * 20_000}, {"X-Large": "x" * 40_000}
    traffic = serving(world)
    address, first = traffic.read().address, world.haproxy()
    assert asked(address, said) == (200, ["X-Forwarded-For: 127.0.0.1"])
    assert asked(address, large)[0] == 400
    today = world.traffic(terms=ROOMY)
    today.attach(world.group(NEW))
    assert world.haproxy() != first
    for name in (OLD, NEW):
        healthy(today, name, 1)
    ours = ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=192.0.2.7"]
    preview = today.preview(NEW)
    assert preview is not None
    for url in (address, preview.url):
        assert asked(url, said) == (200, ours)
        assert asked(url, large)[0] == 200
        assert asked(url, too_large)[0] == 400
    world.kill()
    other = LocalTraffic(directory=world.directory, listen=world.listen, health=QUICK)
    other.ensure_running()
    healthy(other, OLD, 1)
    assert asked(address, large)[0] == 200, "it comes back on the terms that it had"


def test_a_machine_that_owes_an_answer_has_so_long(world: World) -> None:
    traffic = serving(world, HASTY)
    assert get(traffic.read().address, "/hold", timeout=30)[0] == 504
    today = world.traffic(terms=replace(HASTY, timeouts=Timeouts(response=30.0, idle=1.0)))
    today.attach(world.group(NEW))
    healthy(today, OLD, 1)
    world.started[0].say("held")  # the one that was given up
    threading.Timer(2.5, world.started[0].say, ["release"]).start()
    assert get(traffic.read().address, "/hold", timeout=30) == (200, f"{OLD}-1"), "who waits for an answer is not idle"


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_request_of_more_than_a_minute_outlives_its_groups_traffic_and_a_reload(world: World) -> None:
    """`drain: 90s`, and nothing said of `timeouts`: what takes less is answered, whatever happens meanwhile."""
    traffic = serving(world, Terms(timeouts=Timeouts(response=longest(90.0)), drain=90.0))
    address = traffic.read().address
    with ThreadPoolExecutor(max_workers=1) as client:
        asked_for = client.submit(get, address, "/hold", timeout=120)
        world.started[0].say("held")
        first = world.haproxy()
        traffic.attach(world.group(NEW, SEATS + 1))
        assert world.haproxy() != first, "more seats than it was started with"
        healthy(traffic, NEW, SEATS + 1)
        shift(traffic, {NEW: 100})
        time.sleep(65)
        world.started[0].say("release")
        assert asked_for.result() == (200, f"{OLD}-1")


def test_an_idle_connection_is_closed_in_time(world: World) -> None:
    traffic = serving(world, IDLE)
    with socket.create_connection(("127.0.0.1", int(traffic.read().address.rpartition(":")[2])), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert client.recv(65536) == b""
