"""No request is lost with a group that is burnt the moment its traffic has gone: real machines behind a real proxy."""

from __future__ import annotations

import http.client
import select
from collections.abc import Iterator
from dataclasses import replace

import pytest

from phoenix.clock import SystemClock
from phoenix.clouds.aws.groups import AwsGroups
from phoenix.wait import Look, Verdict, wait_for
from tests.emulators.aws import Emulator
from tests.support.fakes.aws_rule import NEW, OLD, PROJECT, Rules, as_wanted, shift
from tests.support.real import aws

pytestmark = pytest.mark.timeout(120)

CLOCK = SystemClock()
SLOW = 1.5
"""Seconds that a request takes: less than machines drain for, and more than they take to end."""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(machines="instant") as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def test_what_a_group_is_still_answering_outlasts_its_target_group(emulator: Emulator) -> None:
    account, rules = aws.account(emulator, PROJECT), Rules(emulator)
    emulator.configure(speed=10, probe=0.1, check=3600)
    traffic = rules.traffic(address=f"http://{emulator.serve(rules.world.listener)}")
    groups = AwsGroups(PROJECT, account.spec, account.calls, CLOCK)
    template = account.template("unused")
    for name in (OLD, NEW):
        groups.create(as_wanted(name), replace(template, born_with=traffic.prepare(as_wanted(name))))
        traffic.attach(as_wanted(name))
    healthy(rules, OLD, NEW)
    shift(traffic, old=100)
    client = http.client.HTTPConnection(traffic.read().address.removeprefix("http://"), timeout=30)
    client.request("GET", f"/slow?seconds={SLOW}")
    asked = CLOCK.monotonic()
    answered: list[float] = []

    def between() -> None:
        if not answered and select.select([client.sock], [], [], 0)[0]:
            answered.append(CLOCK.monotonic() - asked)

    shift(traffic, new=100)
    traffic.detach(OLD)
    groups.delete(OLD, between=between)
    assert answered, "while the group was burnt"
    assert answered[0] >= SLOW, "a machine that ends answers at once"
    answer = client.getresponse()
    assert answer.status == 200
    assert OLD in answer.read().decode()
    client.close()
    assert rules.target_groups() == ["unused", NEW]
    assert rules.found(OLD) is None


def healthy(rules: Rules, *names: str) -> None:
    """Wait until two machines of each group are."""
    traffic = rules.traffic()

    def look() -> Look:
        route = traffic.read()
        backends = [route.backend(name) for name in names]
        well = all(each is not None and each.healthy == 2 for each in backends)
        return Look(verdict=Verdict.PASS if well else Verdict.UNKNOWN, seen=str(backends))

    wait_for("the groups", look, clock=CLOCK, deadline=30, interval=0.1)
