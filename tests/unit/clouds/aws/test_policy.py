"""The rights that phoenix asks for: no right twice, none without a limit that could have one, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.aws.account import permissions, policy
from phoenix.clouds.aws.account.policy import BEYOND, Work
from phoenix.manner import State
from tests.support.real.aws_rights import PREFIXES, allowed


@pytest.mark.parametrize("work", [Work.BAKE, Work.ROLL, Work.TEND])
def test_what_is_made_or_changed_is_the_projects_own(work: Work) -> None:
    statements = {each["Sid"]: each for each in policy.policy(work, "shop")["Statement"]}
    condition = statements["Change"]["Condition"]
    assert condition == {"StringEquals": {"aws:ResourceTag/phoenix:project": "shop"}}
    assert all(each["Effect"] == "Allow" for each in statements.values())
    assert not any("*" in action for each in statements.values() for action in each["Action"])
    reads = statements["Read"]["Action"]
    assert all(action.partition(":")[2].startswith(("Describe", "Get", "List", "Simulate")) for action in reads)


@pytest.mark.parametrize("work", Work)
def test_no_action_stands_in_two_statements(work: Work) -> None:
    actions = [action for each in policy.policy(work, "shop")["Statement"] for action in each["Action"]]
    assert sorted(actions) == sorted(set(actions))


def test_adopting_is_a_policy_of_its_own() -> None:
    (statement,) = policy.policy(Work.ADOPT, "shop")["Statement"]
    assert "autoscaling:DeleteAutoScalingGroup" in statement["Action"]
    assert "Condition" not in statement


def test_who_tends_makes_nothing_and_passes_no_role() -> None:
    assert policy.rights(Work.TEND).makes == ()
    assert "iam:PassRole" not in str(policy.policy(Work.TEND, "shop"))


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


class Simulator:
    """Allows everything but some."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied
        self.asked: list[Mapping[str, Any]] = []

    def ask(self, service: str, action: str, **parameters: Any) -> Mapping[str, Any]:
        assert (service, action) == ("iam", "simulate_principal_policy")
        self.asked.append(parameters)
        decisions = {name: "implicitDeny" if name in self.denied else "allowed" for name in parameters["ActionNames"]}
        return {"EvaluationResults": [{"EvalActionName": n, "EvalDecision": d} for n, d in decisions.items()]}


def test_all_rights_are_there() -> None:
    simulator = Simulator()
    found = list(permissions.findings(simulator, "arn:aws:iam::1:user/ci", "shop", "aws"))
    assert [(each.state, each.found) for each in found] == [(State.FINE, "all are given")] * 3
    assert all(len(asked["ActionNames"]) <= 100 for asked in simulator.asked)
    assert {
        key: value for key, value in simulator.asked[0]["ContextEntries"][1].items() if key != "ContextKeyValues"
    } == {"ContextKeyName": "aws:ResourceTag/phoenix:project", "ContextKeyType": "string"}


def test_a_right_that_is_missing_is_named_for_each_work_that_needs_it() -> None:
    simulator = Simulator("ec2:CreateImage", "autoscaling:UpdateAutoScalingGroup")
    found = {each.subject: each for each in permissions.findings(simulator, "arn:aws:iam::1:user/ci", "shop", "aws")}
    assert found["aws: rights to bake"].found == "not allowed: ec2:CreateImage"
    assert found["aws: rights to roll"].found == "not allowed: autoscaling:UpdateAutoScalingGroup"
    assert found["aws: rights to tend"].state is State.LACK
    assert "--policy" in found["aws: rights to tend"].remedy


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
