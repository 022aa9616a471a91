"""The rights that phoenix asks for: no right twice, none without a limit that could have one, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.aws.account import passed, permissions, policy
from phoenix.clouds.aws.account.policy import BEYOND, Work
from phoenix.manner import State
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.load import load
from tests.support.real.aws_rights import PREFIXES, allowed

ROLE = "arn:aws:iam::*:role/web"
FILE = """\
version: 1
project: shop
clouds:
  aws: {{kind: aws, region: {region}, subnets: [a], builder: {{profile: baker}}}}
  other: {{kind: aws, region: {region}, subnets: [b]}}
images:
  os:
    debian-12: {{base: {{aws: "1/debian"}}, playbook: base.yml}}
services:
  web:
    image: os/debian-12
    port: 8080
    health: /healthz
    environments:
      prod:
        cloud: aws
        size: 2
        machine: {{type: t3.small{identity}}}
        load_balancer: {{listener: arn}}
        strategy: {{kind: blue-green}}
      elsewhere:
        cloud: other
        size: 2
        machine: {{type: t3.small, identity: another}}
        load_balancer: {{listener: arn-2}}
        strategy: {{kind: blue-green}}
"""


@pytest.mark.parametrize("work", [Work.BAKE, Work.ROLL, Work.TEND])
def test_what_is_made_or_changed_is_the_projects_own(work: Work) -> None:
    statements = {each["Sid"]: each for each in policy.policy(work, "shop", (ROLE,))["Statement"]}
    condition = statements["Change"]["Condition"]
    assert condition == {"StringEquals": {"aws:ResourceTag/phoenix:project": "shop"}}
    assert all(each["Effect"] == "Allow" for each in statements.values())
    assert not any("*" in action for each in statements.values() for action in each["Action"])
    reads = statements["Read"]["Action"]
    assert all(action.partition(":")[2].startswith(("Describe", "Get", "List", "Simulate")) for action in reads)


@pytest.mark.parametrize("work", Work)
def test_no_action_stands_in_two_statements(work: Work) -> None:
    actions = [action for each in policy.policy(work, "shop", (ROLE,))["Statement"] for action in each["Action"]]
    assert sorted(actions) == sorted(set(actions))


def test_adopting_is_a_policy_of_its_own() -> None:
    anywhere, hooks = policy.policy(Work.ADOPT, "shop", ())["Statement"]
    assert "autoscaling:DeleteAutoScalingGroup" in anywhere["Action"]
    assert "Condition" not in anywhere
    assert hooks["Action"] == ["iam:PassRole"]
    assert hooks["Condition"] == {"StringEquals": {"iam:PassedToService": "autoscaling.amazonaws.com"}}


@pytest.mark.parametrize("work", [Work.BAKE, Work.ROLL])
def test_only_the_roles_of_the_works_own_machines_are_passed_and_to_ec2_alone(work: Work) -> None:
    said = [each for each in policy.policy(work, "shop", (ROLE,))["Statement"] if "iam:PassRole" in each["Action"]]
    limit = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    assert [(each["Resource"], each["Condition"]) for each in said] == [([ROLE], limit)]
    assert "iam:PassRole" not in str(policy.policy(work, "shop", ()))


@pytest.mark.parametrize(
    ("region", "identity", "role"),
    [
        ("eu-west-1", "web", "arn:aws:iam::*:role/web"),
        ("cn-north-1", "arn:aws-cn:iam::1:instance-profile/team/web", "arn:aws-cn:iam::*:role/web"),
        ("us-gov-west-1", "web", "arn:aws-us-gov:iam::*:role/web"),
        ("eu-west-1", None, None),
    ],
)
def test_roles_are_those_of_the_machines_that_phoenix_yaml_names(
    tmp_path: Path, region: str, identity: str | None, role: str | None
) -> None:
    said = f", identity: '{identity}'" if identity else ""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "base.yml").touch()
    file = tmp_path / "phoenix.yaml"
    file.write_text(FILE.format(region=region, identity=said))
    project = load(file, {})
    cloud = project.clouds["aws"]
    assert isinstance(cloud, AwsCloud)
    assert passed.roles(project, cloud, Work.ROLL) == ((role,) if role else ())
    (baker,) = passed.roles(project, cloud, Work.BAKE, "123456789012")
    assert baker.endswith(":iam::123456789012:role/baker")
    assert passed.roles(project, cloud, Work.TEND) == passed.roles(project, cloud, Work.ADOPT) == ()


def test_who_tends_makes_nothing_and_passes_no_role() -> None:
    assert policy.rights(Work.TEND).makes == ()
    assert "iam:PassRole" not in str(policy.policy(Work.TEND, "shop", (ROLE,)))


def test_every_right_beyond_the_calls_has_its_reason() -> None:
    assert all(len(reason) > 20 for reason in BEYOND.values())


@pytest.mark.parametrize(
    ("caller", "who"),
    [
        ("arn:aws:iam::1:user/ci", "arn:aws:iam::1:user/ci"),
        ("arn:aws:sts::1:assumed-role/phoenix/i-0abc", "arn:aws:iam::1:role/phoenix"),
        ("arn:aws-cn:sts::1:assumed-role/phoenix/me@example.com", "arn:aws-cn:iam::1:role/phoenix"),
    ],
)
def test_whose_policies_count(caller: str, who: str) -> None:
    assert permissions.principal(caller) == who


CI = "arn:aws:iam::1:user/ci"
PASSED = {Work.BAKE: ("arn:aws:iam::1:role/baker",), Work.ROLL: ("arn:aws:iam::1:role/web",)}


class Simulator:
    """Allows everything but some; to pass a role only where it is named, and is none of these."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied
        self.asked: list[Mapping[str, Any]] = []

    def ask(self, service: str, action: str, **parameters: Any) -> Mapping[str, Any]:
        assert (service, action) == ("iam", "simulate_principal_policy")
        self.asked.append(parameters)
        (resource,) = parameters.get("ResourceArns", ["*"])
        denied = [*self.denied, *(["iam:PassRole"] if resource in (*self.denied, "*") else [])]
        decisions = {name: "implicitDeny" if name in denied else "allowed" for name in parameters["ActionNames"]}
        return {"EvaluationResults": [{"EvalActionName": n, "EvalDecision": d} for n, d in decisions.items()]}


def test_all_rights_are_there() -> None:
    simulator = Simulator()
    found = list(permissions.findings(simulator, CI, "shop", "aws", PASSED))
    assert [(each.state, each.found) for each in found] == [(State.FINE, "all are given")] * 3
    assert all(len(asked["ActionNames"]) <= 100 for asked in simulator.asked)
    assert {
        key: value for key, value in simulator.asked[0]["ContextEntries"][1].items() if key != "ContextKeyValues"
    } == {"ContextKeyName": "aws:ResourceTag/phoenix:project", "ContextKeyType": "string"}


def test_a_right_that_is_missing_is_named_for_each_work_that_needs_it() -> None:
    simulator = Simulator("ec2:CreateImage", "autoscaling:UpdateAutoScalingGroup")
    found = {each.subject: each for each in permissions.findings(simulator, CI, "shop", "aws", PASSED)}
    assert found["aws: rights to bake"].found == "not allowed: ec2:CreateImage"
    assert found["aws: rights to roll"].found == "not allowed: autoscaling:UpdateAutoScalingGroup"
    assert found["aws: rights to tend"].state is State.LACK
    assert "--policy" in found["aws: rights to tend"].remedy


def test_a_role_that_may_not_be_passed_is_named_for_the_work_that_needs_it() -> None:
    simulator = Simulator("arn:aws:iam::1:role/web")
    found = {each.subject: each.found for each in permissions.findings(simulator, CI, "shop", "aws", PASSED)}
    assert found == {
        "aws: rights to bake": "all are given",
        "aws: rights to roll": "not allowed: iam:PassRole of arn:aws:iam::1:role/web",
        "aws: rights to tend": "all are given",
    }
    asked = [each["ContextEntries"] for each in simulator.asked if each["ActionNames"] == ["iam:PassRole"]]
    assert {entry["ContextKeyValues"][0] for entries in asked for entry in entries} == {"ec2.amazonaws.com"}


ROOM = Path(policy.__file__).parents[1]
ASKED = re.compile(r'"(ec2|autoscaling|elbv2|iam|sts|kms|ssm|cloudwatch|service-quotas)",\s*"([a-z_]+_[a-z_]+)"')
PACKERS = frozenset(
    {
        "CreateFleet",
        "CreateImage",
        "CreateKeyPair",
        "CreateLaunchTemplate",
        "CreateSecurityGroup",
        "CreateTags",
        "AuthorizeSecurityGroupIngress",
        "DeleteKeyPair",
        "DeleteLaunchTemplate",
        "DeleteSecurityGroup",
        "DescribeImages",
        "DescribeInstances",
        "DescribeRegions",
        "DescribeSecurityGroups",
        "DescribeVolumes",
        "ModifyImageAttribute",
        "RunInstances",
        "StopInstances",
        "TerminateInstances",
    }
)
"""What Packer's amazon-ebs builder calls, 1.6.6 and the plugin of today; fleet and template for spot machines."""


BEFORE = "sts:AssumeRole"
"""The right of who takes the role; the policies are the role's."""


def sources() -> str:
    return "\n".join(file.read_text() for file in sorted(ROOM.rglob("*.py")) if file.name != "policy.py")


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def test_what_the_sources_ask_for_is_allowed() -> None:
    asked = {f"{PREFIXES.get(service, service)}:{camel(action)}" for service, action in ASKED.findall(sources())}
    assert len(asked) > 40
    assert sorted(asked - allowed() - {BEFORE}) == []
    assert sorted({f"ec2:{action}" for action in PACKERS} - policy.rights(Work.BAKE).actions) == []


def test_nothing_is_allowed_that_nobody_calls() -> None:
    said = {camel(word) for word in re.findall(r'"([a-z]+(?:_[a-z]+)+)"', sources())}
    unused = {action for action in allowed() if action.partition(":")[2] not in said | PACKERS}
    assert sorted(unused - BEYOND.keys()) == []
