"""What a target group is made with: the service's health check within AWS's bounds, and what the serving one has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from phoenix.clouds.aws.balancer import target_groups
from phoenix.model import Health
from tests.unit.clouds.aws.account import Account, no


def test_a_health_check_is_the_services_own() -> None:
    health = Health(path="/up", status=204, interval=10.0, healthy_after=30.0)
    assert target_groups.checks(health) == {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/up",
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 4,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "204"},
    }


@pytest.mark.parametrize(
    ("interval", "healthy_after", "seconds", "timeout", "times"),
    [
        (2.0, 5.0, 5, 4, 2),
        (5.0, 0.0, 5, 4, 2),
        (5.5, 20.0, 6, 5, 5),
        (5.0, 600.0, 5, 4, 10),
        (900.0, 5.0, 300, 5, 2),
    ],
)
def test_a_health_check_stays_within_what_aws_takes(
    interval: float, healthy_after: float, seconds: int, timeout: int, times: int
) -> None:
    asked = target_groups.checks(Health(interval=interval, healthy_after=healthy_after))
    assert asked["HealthCheckIntervalSeconds"] == seconds
    assert asked["HealthCheckTimeoutSeconds"] == timeout
    assert asked["HealthyThresholdCount"] == times


FRESH = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.type": "round_robin",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.type": "lb_cookie",
}


def test_what_the_serving_target_group_has_is_taken_over() -> None:
    serving = {
        **FRESH,
        "deregistration_delay.timeout_seconds": "900",
        "slow_start.duration_seconds": "60",
        "stickiness.enabled": "true",
        "waf.fail_open.enabled": "true",
    }
    assert target_groups.attributes(FRESH, serving, 30.0) == {
        "deregistration_delay.timeout_seconds": "30",
        "slow_start.duration_seconds": "60",
        "stickiness.enabled": "true",
    }


def test_nothing_is_set_twice_and_a_drain_stays_within_bounds() -> None:
    assert target_groups.attributes({**FRESH, "deregistration_delay.timeout_seconds": "30"}, FRESH, 30.0) == {}
    assert target_groups.attributes(FRESH, {}, 0.0) == {"deregistration_delay.timeout_seconds": "0"}
    assert target_groups.attributes(FRESH, {}, 86_400.0) == {"deregistration_delay.timeout_seconds": "3600"}


def test_a_target_group_that_somebody_deleted_hides_no_other() -> None:
    gone, here, balancer = "arn:gone", "arn:here", "arn:balancer"

    def told(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if gone in asked["TargetGroupArns"]:
            raise no("TargetGroupNotFound")
        return {"TargetGroups": [{"LoadBalancerArns": [balancer]}]}

    account = Account(describe_target_groups=told, describe_target_health=no("TargetGroupNotFound"))
    assert target_groups.balancers(account, frozenset({gone, here})) == {balancer}
    assert target_groups.balancers(account, frozenset({gone})) == frozenset()
    assert target_groups.targets(account, gone) == ()
