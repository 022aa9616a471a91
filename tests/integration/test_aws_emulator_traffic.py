"""Requests through the emulator's listeners: rules, weights, cookies, health, draining, lag."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, forward


class Road(Bench):
    """The bench with two groups behind the listener, and a client before it."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        template = {"LaunchTemplateName": self.template(), "Version": "1"}
        self.arns = {name: self.target_group(name) for name in ("old", "new")}
        self.arn = self.rule(*self.arns.values())
        for name, arn in self.arns.items():
            self.group(name, size=2, TargetGroupARNs=[arn], LaunchTemplate=template)
        self.address = emulator.serve(self.world.listener)
        self.until_healthy()

    def until_healthy(self) -> None:
        for arn in self.arns.values():
            until(lambda arn=arn: set(self.health(arn).values()) == {("healthy", "")})  # type: ignore[misc]

    def weigh(self, old: int, new: int, *, sticky: int = 0) -> None:
        config: dict[str, Any] = {
            "TargetGroups": [
                {"TargetGroupArn": self.arns["old"], "Weight": old},
                {"TargetGroupArn": self.arns["new"], "Weight": new},
            ]
        }
        if sticky:
            config["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": sticky}
        self.elb.modify_rule(RuleArn=self.arn, Actions=[{"Type": "forward", "ForwardConfig": config}])

    def ask(self, path: str = "/", **headers: str) -> tuple[int, Mapping[str, str], Any]:
        """Status, headers, and what a machine said."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            body = answer.read()
            said = json.loads(body) if body.startswith(b"{") else body.decode()
            return answer.status, dict(answer.getheaders()), said
        finally:
            connection.close()

    def served(self, count: int = 20, **headers: str) -> Counter[str]:  # type: ignore[override]
        return Counter(self.ask(**headers)[2]["group"] for _each in range(count))


@pytest.fixture
def road(emulator_with_machines: Emulator) -> Road:
    emulator_with_machines.configure(check=3600)
    return Road(emulator_with_machines)


def until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_requests_are_shared_by_weight(road: Road) -> None:
    road.weigh(90, 10)
    assert road.served(20) == {"old": 18, "new": 2}
    road.weigh(0, 1)
    assert road.served(5) == {"new": 5}
    _status, _headers, said = road.ask(X_Mine="1")
    assert (said["headers"]["x-mine"], said["headers"]["x-forwarded-for"]) == ("1", "127.0.0.1")
    assert said["headers"]["host"] == road.address


def test_the_first_rule_that_is_met_decides(road: Road) -> None:
    road.weigh(1, 0)
    preview = {
        "Field": "http-header",
        "HttpHeaderConfig": {"HttpHeaderName": "x-phoenix-group", "Values": ["new.t0ken"]},
    }
    road.elb.create_rule(
        ListenerArn=road.world.listener, Priority=5, Conditions=[preview], Actions=[forward(road.arns["new"])]
    )
    assert road.served(5, X_Phoenix_Group="new.t0ken") == {"new": 5}
    assert road.served(5, X_Phoenix_Group="new.guess") == {"old": 5}
    deny = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403", "MessageBody": "no"}}
    host = {"Field": "host-header", "Values": ["*.example.com"]}
    road.elb.create_rule(ListenerArn=road.world.listener, Priority=4, Conditions=[host], Actions=[deny])
    assert road.ask(Host="www.example.com")[::2] == (403, "no")


def test_the_default_rule_is_the_last(road: Road) -> None:
    road.elb.delete_rule(RuleArn=road.arn)
    assert road.ask()[::2] == (503, "nobody serves")


def test_a_client_stays_with_its_target_group_even_at_weight_nothing(road: Road) -> None:
    road.weigh(1, 0, sticky=600)
    cookie = road.ask()[1]["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("AWSALBTG=")
    road.weigh(0, 1, sticky=600)
    assert road.served(4, Cookie=cookie) == {"old": 4}
    assert road.served(4) == {"new": 4}
    road.emulator.advance(601)
    assert road.served(4, Cookie=cookie) == {"new": 4}


def test_a_client_stays_with_its_target(road: Road) -> None:
    attributes = [{"Key": "stickiness.enabled", "Value": "true"}]
    road.elb.modify_target_group_attributes(TargetGroupArn=road.arns["old"], Attributes=attributes)
    road.weigh(1, 0)
    _status, headers, said = road.ask()
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert {road.ask(Cookie=cookie)[2]["instance"] for _each in range(4)} == {said["instance"]}
    assert len({road.ask()[2]["instance"] for _each in range(4)}) == 2


def test_only_healthy_targets_are_asked_and_all_where_none_is(road: Road) -> None:
    road.weigh(1, 0)
    sick, well = road.ids("old")
    road.emulator.sick(sick)
    until(lambda: road.health(road.arns["old"])[sick][0] == "unhealthy")
    assert {road.ask()[2]["instance"] for _each in range(6)} == {well}
    road.emulator.sick(well)
    until(lambda: road.health(road.arns["old"])[well][0] == "unhealthy")
    assert {road.ask()[2]["instance"] for _each in range(6)} == {sick, well}, "it fails open"


def test_a_target_group_without_targets_is_no_service(road: Road) -> None:
    road.asg.update_auto_scaling_group(AutoScalingGroupName="new", MinSize=0, DesiredCapacity=0)
    road.weigh(0, 1)
    assert road.ask()[0] == 503


def test_a_dead_machine_is_a_bad_gateway_until_it_is_noticed(road: Road) -> None:
    road.elb.modify_target_group(TargetGroupArn=road.arns["old"], UnhealthyThresholdCount=10)
    road.emulator.configure(probe=0.5)
    road.weigh(1, 0)
    dead = road.ids("old")[0]
    road.emulator.kill(dead)
    assert {road.ask()[0] for _each in range(4)} == {200, 502}
    road.emulator.configure(probe=0.02)
    until(lambda: road.health(road.arns["old"])[dead][0] == "unhealthy")
    assert {road.ask()[0] for _each in range(4)} == {200}


def test_a_draining_target_finishes_what_it_answers(road: Road) -> None:
    road.weigh(1, 0)
    answers: list[int] = []
    slow = [threading.Thread(target=lambda: answers.append(road.ask("/slow?seconds=1")[0])) for _each in range(4)]
    for thread in slow:
        thread.start()
    time.sleep(0.3)
    gone, stays = road.ids("old")
    road.asg.terminate_instance_in_auto_scaling_group(InstanceId=gone, ShouldDecrementDesiredCapacity=True)
    assert {road.ask()[2]["instance"] for _each in range(4)} == {stays}
    for thread in slow:
        thread.join()
    assert answers == [200] * 4


def test_a_change_of_a_rule_takes_effect_after_the_lag(road: Road) -> None:
    road.weigh(1, 0)
    road.emulator.configure(lag=30)
    road.weigh(0, 1)
    assert road.served(4) == {"old": 4}
    road.emulator.advance(30)
    assert road.served(4) == {"new": 4}
