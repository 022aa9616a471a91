"""What doctor finds in an account, from AWS's own answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.aws.account import check
from phoenix.errors import CloudError
from phoenix.manner import State
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.load import load
from phoenix.spec.project import Project

YAML = """\
version: 1
project: shop
state: s3://bucket/shop
clouds:
  aws: {kind: aws, region: eu-west-1, subnets: [subnet-a, subnet-b], images: {kms: alias/shop}}
images:
  os:
    debian-12: {base: {aws: "136693071363/debian-12-amd64-*"}, playbook: os.yml}
services:
  web:
    image: os/debian-12
    port: 8080
    environments:
      prod:
        cloud: aws
        size: {min: 2, max: 6}
        machine: {type: t3.small}
        load_balancer: {listener: "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/web/1/2"}
"""
SUBNETS = [
    {"SubnetId": "subnet-a", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1a", "AvailableIpAddressCount": 200},
    {"SubnetId": "subnet-b", "VpcId": "vpc-1", "AvailabilityZone": "eu-west-1b", "AvailableIpAddressCount": 50},
]
X86 = {"SupportedArchitectures": ["i386", "x86_64"]}
ANSWERS: dict[str, Mapping[str, Any]] = {
    "get_caller_identity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ci"},
    "describe_subnets": {"Subnets": SUBNETS},
    "describe_instance_types": {
        "InstanceTypes": [
            {"InstanceType": "t3.medium", "VCpuInfo": {"DefaultVCpus": 2}, "ProcessorInfo": X86},
            {"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}, "ProcessorInfo": X86},
        ]
    },
    "get_service_quota": {"Quota": {"Value": 32.0}},
    "autoscaling.describe_account_limits": {"MaxNumberOfAutoScalingGroups": 500, "NumberOfAutoScalingGroups": 7},
    "elbv2.describe_account_limits": {"Limits": [{"Name": "target-groups", "Max": "3000"}]},
    "describe_key": {"KeyMetadata": {"KeyId": "key-1"}},
    "list_grants": {"Grants": [{"GranteePrincipal": f"arn:aws:iam::123456789012:{check._SCALING_ROLE}"}]},
}

FULL = {"MaxNumberOfAutoScalingGroups": 7, "NumberOfAutoScalingGroups": 7}


class Account:
    """Answers as AWS does."""

    def __init__(self, **changes: Mapping[str, Any] | None) -> None:
        changed = {name.replace("__", "."): answer for name, answer in changes.items()}
        self.answers: dict[str, Mapping[str, Any] | None] = {**ANSWERS, **changed}

    def ask(self, service: str, action: str, **parameters: Any) -> Mapping[str, Any]:
        answer = self.answers.get(f"{service}.{action}", self.answers.get(action))
        if answer is None:
            raise CloudError(f"AWS refused {service} {action}", details="AccessDenied: no", resolution="Log in.")
        return answer


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/os.yml").write_text("---\n[]\n")
    (tmp_path / "phoenix.yaml").write_text(YAML)
    return load(tmp_path / "phoenix.yaml", {})


def look(project: Project, account: Account) -> dict[str, tuple[State, str, str]]:
    spec = project.clouds["aws"]
    assert isinstance(spec, AwsCloud)
    found = check.findings(project, spec, account)
    return {each.subject.removeprefix("aws: "): (each.state, each.found, each.remedy) for each in found}


def test_a_roll_needs_everything_twice(project: Project) -> None:
    assert check.needed(project, "aws") == check.Needed(machines=(("t3.small", 12),), groups=2)
    assert check.needed(project, "another") == check.Needed(machines=(), groups=0)


def test_an_account_that_has_it_all(project: Project) -> None:
    assert look(project, Account()) == {
        "identity": (State.FINE, "arn:aws:iam::123456789012:user/ci in eu-west-1", ""),
        "subnets": (State.FINE, "2 in eu-west-1a, eu-west-1b, 250 free addresses, 12 needed in a roll", ""),
        "vCPUs": (State.FINE, "24 needed in a roll, the account may run 32", ""),
        "groups": (State.FINE, "1 more needed in a roll, the account may have 500 and has 7", ""),
        "target groups": (State.FINE, "2 more needed in a roll, the account may have 3000", ""),
        "key": (State.FINE, "alias/shop is granted to Auto Scaling", ""),
    }


def test_without_an_identity_nothing_else_is_asked(project: Project) -> None:
    found = look(project, Account(get_caller_identity=None))
    assert found == {"identity": (State.LACK, "AWS refused sts get_caller_identity", "Log in.")}


@pytest.mark.parametrize(
    ("changes", "subject", "state", "words"),
    [
        ({"describe_subnets": {"Subnets": SUBNETS[:1]}}, "subnets", State.NOTE, "1 in eu-west-1a, 200 free"),
        ({"describe_subnets": {"Subnets": [SUBNETS[0], {**SUBNETS[1], "VpcId": "vpc-2"}]}}, "subnets", None, "2 in"),
        (
            {"describe_subnets": {"Subnets": [{**each, "AvailableIpAddressCount": 3} for each in SUBNETS]}},
            "addresses",
            State.LACK,
            "6 free addresses, 12 needed",
        ),
        ({"get_service_quota": {"Quota": {"Value": 23.0}}}, "vCPUs", State.LACK, "24 needed in a roll"),
        ({"get_service_quota": None}, "machine types", State.NOTE, "not seen: AccessDenied: no"),
        (
            {
                "autoscaling__describe_account_limits": {
                    "MaxNumberOfAutoScalingGroups": 7,
                    "NumberOfAutoScalingGroups": 7,
                }
            },
            "groups",
            State.LACK,
            "may have 7 and has 7",
        ),
        (
            {"elbv2__describe_account_limits": {"Limits": [{"Name": "target-groups", "Max": "1"}]}},
            "target groups",
            State.LACK,
            "2 more needed",
        ),
        ({"list_grants": {"Grants": []}}, "key", State.NOTE, "no grant for Auto Scaling"),
    ],
)
def test_what_is_short(
    project: Project, changes: dict[str, Any], subject: str, state: State | None, words: str
) -> None:
    found = look(project, Account(**changes))
    assert words in found[subject][1]
    assert state in (None, found[subject][0])


def test_missing_subnets_and_another_vpc_are_lacks(project: Project) -> None:
    spec = project.clouds["aws"]
    assert isinstance(spec, AwsCloud)
    for subnets, words in (
        (SUBNETS[:1], "not there: subnet-b"),
        ([SUBNETS[0], {**SUBNETS[1], "VpcId": "vpc-2"}], "in several VPCs"),
    ):
        found = check.findings(project, spec, Account(describe_subnets={"Subnets": subnets}))
        assert words in [each.found for each in found if each.state is State.LACK]


def test_machines_that_cannot_run_the_image(project: Project) -> None:
    arm = {"SupportedArchitectures": ["arm64"]}
    types = [
        {"InstanceType": "t3.medium", "VCpuInfo": {"DefaultVCpus": 2}, "ProcessorInfo": X86},
        {"InstanceType": "t3.small", "VCpuInfo": {"DefaultVCpus": 2}, "ProcessorInfo": arm},
    ]
    found = look(project, Account(describe_instance_types={"InstanceTypes": types}))
    assert found["machine types"][:2] == (State.LACK, "t3.small cannot run x86_64")


@pytest.mark.parametrize(
    ("name", "standard"), [("t3.small", True), ("m7i-flex.large", True), ("im4gn.large", True), ("inf1.xlarge", False)]
)
def test_which_machines_count_for_the_standard_quota(name: str, standard: bool) -> None:
    assert check.MachineType(name=name, vcpus=2, architectures=("x86_64",)).is_standard is standard
