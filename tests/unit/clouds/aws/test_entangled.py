"""What stands in the way of moving a target group's traffic by one rule, told from literal answers."""

from __future__ import annotations

import pytest

from phoenix.clouds.aws.balancer import attachments, entangled, preview, rule
from phoenix.clouds.aws.balancer.listener import Rules
from phoenix.errors import RefusedError
from tests.unit.clouds.aws import test_preview as previews
from tests.unit.clouds.aws.test_rule import ARN, LEGACY, NEW, OLD, forward

GROUPS = attachments.parsed(
    [
        {"AutoScalingGroupName": "legacy", "TargetGroupARNs": [LEGACY], "TrafficSources": []},
        {
            "AutoScalingGroupName": "web-prod-v001",
            "TargetGroupARNs": [],
            "TrafficSources": [
                {"Identifier": OLD, "Type": "elbv2"},
                {"Identifier": "classic", "Type": "elb"},
                {"Identifier": "arn:lattice", "Type": "vpc-lattice"},
            ],
        },
        {"AutoScalingGroupName": "beside", "TargetGroupARNs": [NEW], "TrafficSources": [{"Identifier": NEW}]},
        {"AutoScalingGroupName": "both", "TargetGroupARNs": [NEW, f"{ARN}:targetgroup/other/1"]},
    ]
)


def other(name: str, number: int, *actions: dict[str, object], priority: str = "default") -> rule.Rule:
    return rule.parsed({"RuleArn": f"{ARN}:{name}/{number}", "Priority": priority, "Actions": actions})


def test_a_group_tells_its_target_groups_in_either_way() -> None:
    assert GROUPS.of["web-prod-v001"] == {OLD}
    assert GROUPS.behind(LEGACY) == ("legacy",)
    assert GROUPS.behind(NEW) == ("beside", "both")


@pytest.mark.parametrize(
    ("target_group", "why"),
    [
        (LEGACY, ""),
        (OLD, ""),
        (NEW, "the Auto Scaling groups beside and both share it"),
        (f"{ARN}:targetgroup/other/1", "its Auto Scaling group both is in web-prod-v002 as well"),
        (f"{ARN}:targetgroup/lonely/1", "no Auto Scaling group has it attached"),
    ],
)
def test_a_target_group_is_one_groups_alone(target_group: str, why: str) -> None:
    assert entangled.by_groups(target_group, GROUPS) == why


def test_other_rules_are_named_and_the_places_own_are_none() -> None:
    live, shown = other("live", 1, forward(legacy=1)), other("shown", 2, forward(legacy=1), priority="9")
    found = preview.PreviewRule(arn=shown.arn, target_group=LEGACY, group="legacy", header="", leaving=False)
    rules = Rules(every=(live, shown), live=live, previews=(found,))
    every = {
        "HTTPS:443": (live, shown),
        "HTTP:80": (other("plain", 1, forward(legacy=1, new=0)), other("plain", 2, forward(new=1), priority="5")),
    }
    assert entangled.by_rules(LEGACY, rules, every) == "the default rule of the listener HTTP:80 also forwards to it"
    assert entangled.by_rules(OLD, rules, every) == ""
    assert "rule 5 of the listener HTTP:80" in entangled.by_rules(NEW, rules, every)


def test_only_a_reason_refuses() -> None:
    entangled.refuse(LEGACY, "")
    with pytest.raises(RefusedError, match="legacy") as refused:
        entangled.refuse(LEGACY, "rule 5 of the listener HTTP:80 also forwards to it")
    assert "rule 5" in refused.value.details


def test_what_is_attached_has_a_share_or_an_open_rule() -> None:
    live = other("live", 1, forward(legacy=1))
    named = {"old": OLD, "new": NEW}
    found = tuple(
        shown
        for name, arn in named.items()
        if (
            shown := preview.found(
                previews.answer(preview.header(name, arn, previews.MARK, leaving=name == "old"), arn), previews.MARK
            )
        )
    )
    rules = Rules(every=(live,), live=live, previews=found)
    assert rules.attached == tuple(sorted((LEGACY, NEW)))
    assert rules.preview(OLD) is not None
    assert rules.preview(LEGACY) is None
