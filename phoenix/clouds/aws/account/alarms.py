"""CloudWatch's alarms as a roll hears them: read by their names, in one call.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html: without AlarmTypes composite
alarms are left out, a name that no alarm has is no error, and one call takes and tells 100 at most.
"""

from __future__ import annotations

from typing import Any

from phoenix.clouds.aws.calls import Answer, Calls
from phoenix.manner import Alarm, Ring

_KINDS = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}
_RINGS = {"ALARM": Ring.RINGING, "OK": Ring.QUIET, "INSUFFICIENT_DATA": Ring.UNKNOWN}
_MOST = 100


def read(calls: Calls, names: tuple[str, ...]) -> tuple[Alarm, ...]:
    """The alarms of those names, sorted; one that there is not is left out."""
    answer = calls.ask(
        "cloudwatch",
        "describe_alarms",
        AlarmNames=list(dict.fromkeys(names)),
        AlarmTypes=list(_KINDS.values()),
        MaxRecords=_MOST,
    )
    return told(answer)


def told(answer: Answer) -> tuple[Alarm, ...]:
    """What CloudWatch answered. A state that this version does not know says nothing."""
    found = [_alarm(each) for kind in _KINDS for each in answer.get(kind, ())]
    return tuple(sorted(found, key=lambda alarm: alarm.name))


def _alarm(said: Answer) -> Alarm:
    state: Any = said.get("StateValue")
    return Alarm(
        name=str(said["AlarmName"]),
        ring=_RINGS.get(state, Ring.UNKNOWN),
        why=str(said.get("StateReason", "")),
    )
