"""DescribeTargetHealth's answers, as the API's reference shows them, in phoenix's words."""

from __future__ import annotations

from typing import Any

from phoenix.clouds.aws.balancer import target_health
from phoenix.model import Backend

MISMATCH = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [401]",
}
STARTING = {
    "State": "initial",
    "Reason": "Elb.RegistrationInProgress",
    "Description": "Target registration is in progress",
}
DRAINING = {
    "State": "draining",
    "Reason": "Target.DeregistrationInProgress",
    "Description": "Target deregistration is in progress",
}
NOT_USED = {
    "State": "unused",
    "Reason": "Target.NotInUse",
    "Description": "Target group is not configured to receive traffic from the load balancer",
}
GONE = {
    "State": "unused",
    "Reason": "Target.NotRegistered",
    "Description": "Target is not registered to the target group",
}


def seen(*told: tuple[str, dict[str, Any]], port: int = 8080) -> Backend:
    answer = [
        {"Target": {"Id": instance, "Port": port + number}, "HealthCheckPort": str(port), "TargetHealth": health}
        for number, (instance, health) in enumerate(told)
    ]
    return target_health.backend("web-prod-v001", 95, target_health.parsed(answer))


def test_machines_are_counted_by_what_their_checks_say() -> None:
    assert seen(("i-1", {"State": "healthy"}), ("i-2", MISMATCH), ("i-3", STARTING)) == Backend(
        group="web-prod-v001",
        share=95,
        healthy=1,
        total=3,
        requests=None,
        well=frozenset({"i-1"}),
        leaving=0,
        seen="1 x Elb.RegistrationInProgress: Target registration is in progress (i-3); "
        "1 x Target.ResponseCodeMismatch: Health checks failed with these codes: [401] (i-2)",
        checks=(
            ("i-2", "Target.ResponseCodeMismatch: Health checks failed with these codes: [401]"),
            ("i-3", "Elb.RegistrationInProgress: Target registration is in progress"),
        ),
    )


def test_what_is_seen_most_is_said_first() -> None:
    told = seen(("i-1", STARTING), ("i-2", MISMATCH), ("i-3", MISMATCH)).seen
    assert told.startswith(
        "2 x Target.ResponseCodeMismatch: Health checks failed with these codes: [401] (i-2, i-3); 1 x Elb."
    )


def test_machines_that_drain_are_no_longer_part_of_it_and_are_seen() -> None:
    backend = seen(("i-1", {"State": "healthy"}), ("i-2", DRAINING), ("i-3", GONE))
    assert (backend.healthy, backend.total, backend.leaving) == (1, 1, 1)
    assert backend.seen == "1 x Target.DeregistrationInProgress: Target deregistration is in progress (i-2)"


def test_what_is_not_checked_is_not_healthy_and_says_why() -> None:
    backend = seen(("i-1", NOT_USED), ("i-2", {"State": "unavailable", "Reason": "Target.HealthCheckDisabled"}))
    assert (backend.healthy, backend.total) == (0, 2)
    assert backend.seen.startswith("1 x Target.HealthCheckDisabled (i-2); 1 x Target.NotInUse: Target group is not")


def test_a_machine_with_several_ports_is_well_where_all_of_them_are() -> None:
    backend = seen(("i-1", {"State": "healthy"}), ("i-1", MISMATCH), ("i-2", {"State": "healthy"}))
    assert (backend.healthy, backend.total, backend.well) == (1, 2, frozenset({"i-2"}))


def test_an_empty_target_group_has_nothing_to_say() -> None:
    backend = seen()
    assert (backend.healthy, backend.total, backend.seen) == (0, 0, "")
