"""What CloudWatch says of alarms, as a roll hears it."""

from __future__ import annotations

from phoenix.clouds.aws.account import alarms
from phoenix.manner import Alarm, Ring

ANSWER = {
    "MetricAlarms": [
        {
            "AlarmName": "web-5xx",
            "StateValue": "ALARM",
            "StateReason": "Threshold Crossed: 1 datapoint [9.0 (28/11/26 06:10:00)] was greater than 5.0.",
        },
        {"AlarmName": "latency p99", "StateValue": "INSUFFICIENT_DATA", "StateReason": "Unchecked: Initial creation"},
    ],
    "CompositeAlarms": [{"AlarmName": "all of web", "StateValue": "OK"}],
}


def test_metric_and_composite_alarms_alike() -> None:
    assert alarms.told(ANSWER) == (
        Alarm(name="all of web", ring=Ring.QUIET),
        Alarm(name="latency p99", ring=Ring.UNKNOWN, why="Unchecked: Initial creation"),
        Alarm(
            name="web-5xx",
            ring=Ring.RINGING,
            why="Threshold Crossed: 1 datapoint [9.0 (28/11/26 06:10:00)] was greater than 5.0.",
        ),
    )


def test_none_of_these_names() -> None:
    assert alarms.told({"MetricAlarms": []}) == ()


def test_a_state_that_nobody_knows_says_nothing() -> None:
    (alarm,) = alarms.told({"MetricAlarms": [{"AlarmName": "web", "StateValue": "MAYBE"}]})
    assert alarm.ring is Ring.UNKNOWN
