"""Whether AWS has room for a roll, from its own answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from phoenix.clouds.api import Need
from phoenix.clouds.aws.account import room
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.errors import CloudError
from phoenix.manner import State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import AwsCloud

CLOUD = AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"))
NEED = Need(machine=CloudMachine(type="t3.small"), machines=4, live=4)


def subnet(id: str, *, free: int = 9, vpc: str = "vpc-a") -> dict[str, Any]:
    return {"SubnetId": id, "VpcId": vpc, "AvailableIpAddressCount": free}


X86 = {"SupportedArchitectures": ["x86_64"]}
ANSWERS: dict[str, Mapping[str, Any]] = {
    "ec2.describe_subnets": {"Subnets": [subnet("subnet-a", free=3), subnet("subnet-b", free=1)]},
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

    lately = ask


def states(calls: Answers, need: Need = NEED) -> dict[str, State]:
    return {each.subject: each.state for each in room.findings(CLOUD, calls, need)}


def test_just_enough() -> None:
    assert states(Answers()) == dict.fromkeys(("addresses", "vCPUs", "groups", "targets"), State.FINE)


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("addresses", {"ec2__describe_subnets": {"Subnets": [subnet("subnet-a", free=3), subnet("subnet-b", free=0)]}}),
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


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([subnet("subnet-a")], "not there: subnet-b"),
        ([], "not there: subnet-a, subnet-b"),
        ([subnet("subnet-a"), subnet("subnet-b", vpc="vpc-b")], "in several VPCs: vpc-a, vpc-b"),
    ],
)
def test_subnets_in_which_no_machine_can_start(there: list[Any], words: str) -> None:
    answers = Answers(ec2__describe_subnets={"Subnets": there})
    (found,) = (each for each in room.findings(CLOUD, answers, NEED) if each.state is State.LACK)
    assert (found.subject, found.found) == ("subnets", words)
    assert "clouds.aws.subnets" in found.remedy


def test_a_subnet_that_is_named_twice() -> None:
    machine = CloudMachine(type="t3.small", subnets=("subnet-a", "subnet-b", "subnet-a"))
    (found,) = (
        each
        for each in room.findings(CLOUD, Answers(), Need(machine=machine, machines=1, live=1))
        if each.state is State.LACK
    )
    assert found.found == "named twice: subnet-a"


def test_a_machine_type_that_aws_does_not_have() -> None:
    refused = RefusedCallError("AWS refused", said="InvalidInstanceType", details="InvalidInstanceType: no")
    (found,) = (
        each
        for each in room.findings(CLOUD, Answers(ec2__describe_instance_types=refused), NEED)
        if each.state is not State.FINE
    )
    assert (found.state, found.found) == (State.LACK, "eu-west-1 has no t3.small")


def test_a_machine_type_for_other_processors_than_the_images() -> None:
    arm = {"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}}
    answer = {"InstanceTypes": [{**arm, "ProcessorInfo": {"SupportedArchitectures": ["arm64"]}}]}
    found = {each.subject: each for each in room.findings(CLOUD, Answers(ec2__describe_instance_types=answer), NEED)}
    assert found["machine type"].state is State.LACK
    assert found["machine type"].found == "t3.small cannot run x86_64, which the images are for"


def test_what_may_not_be_looked_at_is_a_note() -> None:
    denied = CloudError("AWS refused", details="AccessDenied: no")
    assert states(Answers(ec2__describe_subnets=denied))["addresses"] is State.NOTE


def test_spot_machines_and_others_count_for_quotas_of_their_own() -> None:
    need = Need(machine=CloudMachine(type="t3.small", spot=True), machines=4, live=4)
    assert "vCPUs" not in states(Answers(), need)
