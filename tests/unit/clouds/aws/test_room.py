"""Whether AWS has room for a roll, from its own answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from phoenix.clouds.api import Need
from phoenix.clouds.aws import room
from phoenix.errors import CloudError
from phoenix.manner import State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import AwsCloud

CLOUD = AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"))
NEED = Need(machine=CloudMachine(type="t3.small"), machines=4, live=4)
X86 = {"SupportedArchitectures": ["x86_64"]}
ANSWERS: dict[str, Mapping[str, Any]] = {
    "ec2.describe_subnets": {"Subnets": [{"AvailableIpAddressCount": 3}, {"AvailableIpAddressCount": 1}]},
    "ec2.describe_instance_types": {
        "InstanceTypes": [{"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}, "ProcessorInfo": X86}]
    },
    "service-quotas.get_service_quota": {"Quota": {"Value": 16.0}},
    "autoscaling.describe_account_limits": {"MaxNumberOfAutoScalingGroups": 8, "NumberOfAutoScalingGroups": 7},
    "elbv2.describe_account_limits": {"Limits": [{"Name": "targets-per-application-load-balancer", "Max": "8"}]},
}


class Answers:
    """AWS with these answers; an error is raised."""

    def __init__(self, **others: Any) -> None:
        self._answers = {**ANSWERS, **{key.replace("__", ".").replace("_q_", "-"): v for key, v in others.items()}}

    def ask(self, service: str, action: str, **_parameters: Any) -> Mapping[str, Any]:
        found: Mapping[str, Any] | CloudError = self._answers[f"{service}.{action}"]
        if isinstance(found, CloudError):
            raise found
        return found


def states(calls: Answers, need: Need = NEED) -> dict[str, State]:
    return {each.subject: each.state for each in room.findings(CLOUD, calls, need)}


def test_just_enough() -> None:
    assert states(Answers()) == dict.fromkeys(("addresses", "vCPUs", "groups", "targets"), State.FINE)


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("addresses", {"ec2__describe_subnets": {"Subnets": [{"AvailableIpAddressCount": 3}]}}),
        ("vCPUs", {"service_q_quotas__get_service_quota": {"Quota": {"Value": 15.0}}}),
        (
            "groups",
            {
                "autoscaling__describe_account_limits": {
                    "MaxNumberOfAutoScalingGroups": 7,
                    "NumberOfAutoScalingGroups": 7,
                }
            },
        ),
        (
            "targets",
            {
                "elbv2__describe_account_limits": {
                    "Limits": [{"Name": "targets-per-application-load-balancer", "Max": "7"}]
                }
            },
        ),
    ],
)
def test_too_little_of_one(subject: str, answer: dict[str, Any]) -> None:
    found = {each.subject: each for each in room.findings(CLOUD, Answers(**answer), NEED)}
    assert [name for name, each in found.items() if each.state is State.LACK] == [subject]
    assert found[subject].remedy


def test_what_may_not_be_looked_at_is_a_note() -> None:
    denied = CloudError("AWS refused", details="AccessDenied: no")
    assert states(Answers(ec2__describe_subnets=denied))["addresses"] is State.NOTE


def test_spot_machines_and_others_count_for_quotas_of_their_own() -> None:
    need = Need(machine=CloudMachine(type="t3.small", spot=True), machines=4, live=4)
    assert "vCPUs" not in states(Answers(), need)
