"""The emulator with instant machines: instances that answer by themselves, at addresses of their own."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench


@pytest.fixture
def bench(emulator_with_machines: Emulator) -> Bench:
    return Bench(emulator_with_machines)


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.02)


def get(address: str, path: str = "/") -> Any:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def addresses(bench: Bench) -> dict[str, str]:
    found = bench.ec2.describe_instances(InstanceIds=bench.ids())["Reservations"]
    return {one["InstanceId"]: one["PrivateIpAddress"] for part in found for one in part["Instances"]}


def test_machines_are_probed_at_addresses_of_their_own(bench: Bench) -> None:
    arn = bench.served(size=2)
    until(lambda: set(bench.health(arn).values()) == {("healthy", "")})
    assert len(set(addresses(bench).values())) == 2
    for id, address in addresses(bench).items():
        assert address.startswith("127.")
        said = get(f"{address}:8080", "/hello")
        assert (said["instance"], said["group"], said["path"]) == (id, "web", "/hello")


def test_a_new_target_is_initial_until_it_answers(bench: Bench) -> None:
    bench.emulator.sick("web", status=None, error="timed out")
    arn = bench.target_group(UnhealthyThresholdCount=10)
    bench.rule(arn)
    bench.group(size=1, TargetGroupARNs=[arn])
    assert bench.health(arn)[bench.ids()[0]] == ("initial", "Elb.InitialHealthChecking")
    bench.emulator.well("web")
    until(lambda: bench.health(arn)[bench.ids()[0]] == ("healthy", ""))


def test_a_machine_that_dies_is_unhealthy_and_its_group_replaces_it(bench: Bench) -> None:
    arn = bench.served(size=2, HealthCheckType="ELB")
    until(lambda: set(bench.health(arn).values()) == {("healthy", "")})
    dead = bench.ids()[0]
    bench.emulator.kill(dead)
    until(lambda: bench.health(arn)[dead] == ("unhealthy", "Target.FailedHealthChecks"))
    bench.emulator.advance(10)
    until(lambda: dead not in bench.ids() and len(bench.ids()) == 2)
    until(lambda: {bench.health(arn)[one] for one in bench.ids()} == {("healthy", "")})


def test_an_ended_instance_answers_no_more(bench: Bench) -> None:
    arn = bench.served(size=1)
    until(lambda: set(bench.health(arn).values()) == {("healthy", "")})
    ((id, address),) = addresses(bench).items()
    bench.asg.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    with pytest.raises(OSError, match="refused"):
        get(f"{address}:8080")
    assert bench.ec2.get_console_output(InstanceId=id).get("Output", "") == ""
