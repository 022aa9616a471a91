"""Scaling activities: what AWS says of machines that do not start, and when waiting is pointless."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from phoenix.clouds.aws.machines.activities import Activity, Trouble, activity, trouble
from tests.unit.clouds.aws.answers import NOON

CAPACITY = (
    "We currently do not have sufficient m5.large capacity in the Availability Zone you requested (us-east-1a). "
    "Our system will be working on provisioning additional capacity. You can currently get m5.large capacity by not "
    "specifying an Availability Zone in your request or choosing us-east-1b. Launching EC2 instance failed."
)
QUOTA = (
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed."
)


def told(number: int, status: str = "Failed", words: str = CAPACITY, what: str = "Launching a new EC2 instance") -> Any:
    """One of the Activities; later numbers are later."""
    return {
        "ActivityId": f"a-{number}",
        "AutoScalingGroupName": "web",
        "Description": what,
        "Cause": "At 2026-03-01T12:00:00Z an instance was started in response to a difference",
        "StartTime": NOON + timedelta(minutes=number),
        "StatusCode": status,
        **({"StatusMessage": words} if status == "Failed" else {}),
        "Progress": 100,
    }


def read(*answers: Any, old: frozenset[str] = frozenset()) -> Trouble | None:
    return trouble(map(activity, answers), old=old)


def test_an_activity() -> None:
    assert activity(told(1, words="no\n  capacity")) == Activity(
        id="a-1", launch=True, status="Failed", words="no capacity", started=NOON + timedelta(minutes=1)
    )


def test_without_failures_there_is_no_trouble() -> None:
    assert read() is None
    assert read(told(1, "Successful"), told(2, "InProgress")) is None


def test_a_success_ends_the_trouble_and_what_is_under_way_does_not() -> None:
    assert read(told(1), told(2, "Successful")) is None
    assert read(told(1), told(2, "PreInService")) == Trouble(words=CAPACITY, certain=False)


def test_an_end_that_failed_is_no_start_that_failed() -> None:
    assert read(told(1, what="Terminating EC2 instance: i-1")) is None


def test_capacity_may_come_until_it_did_not_three_times() -> None:
    assert read(told(1), told(2)) == Trouble(words=CAPACITY, certain=False)
    assert read(told(3), told(1), told(2)) == Trouble(words=CAPACITY, certain=True)
    assert read(told(1), told(2, "Successful"), told(3), told(4)) == Trouble(words=CAPACITY, certain=False)


def test_what_was_known_before_says_nothing() -> None:
    assert read(told(1), told(2, words=QUOTA), old=frozenset({"a-1", "a-2"})) is None
    assert read(told(1), told(2), told(3), old=frozenset({"a-1"})) == Trouble(words=CAPACITY, certain=False)


def test_of_several_reasons_the_last_is_told() -> None:
    assert read(told(1), told(2, words=QUOTA)) == Trouble(words=QUOTA, certain=True)


@pytest.mark.parametrize(
    "words",
    [
        QUOTA,
        "Your quota allows for 0 more running instance(s). You requested at least 1. Launching EC2 instance failed.",
        "The image id '[ami-1]' does not exist. Launching EC2 instance failed.",
        "The subnet ID 'subnet-1' does not exist. Launching EC2 instance failed.",
        "The security group 'sg-1' does not exist. Launching EC2 instance failed.",
        "Invalid IAM Instance Profile name. Launching EC2 instance failed.",
        "Client.InternalError: Client error on launch.",
        "You are not authorized to perform this operation. Launching EC2 instance failed.",
        "The requested configuration is currently not supported. Launching EC2 instance failed.",
        "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded.",
        "Provided Target Group 'arn:aws:...' not found. Validating load balancer configuration failed.",
    ],
)
def test_what_is_certain_at_once(words: str) -> None:
    assert read(told(1, words=words)) == Trouble(words=words, certain=True)


@pytest.mark.parametrize(
    "words",
    [
        CAPACITY,
        "There are not enough free addresses in subnet 'subnet-1' to satisfy the requested number of instances.",
        "Request limit exceeded. Launching EC2 instance failed.",
        "",
    ],
)
def test_what_may_pass(words: str) -> None:
    assert read(told(1, words=words)) == Trouble(words=words or "AWS does not say why", certain=False)
