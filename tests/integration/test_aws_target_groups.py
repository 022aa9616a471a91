"""What becomes of the target groups of groups that are taken off a rule: they go with their group, and no earlier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phoenix.clouds.aws.balancer import born_with
from phoenix.errors import CloudError
from tests.emulators.aws import Emulator
from tests.support.fakes.aws_rule import (
    LEGACY,
    NEW,
    OLD,
    PROJECT,
    Rules,
    as_wanted,
    attached,
    shift,
    weights,
)
from tests.support.real import aws

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def rules(emulator: Emulator) -> Rules:
    return Rules(emulator)


def test_what_drains_keeps_its_target_group_until_its_machines_are_gone(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, new=100)
    traffic.detach(OLD)
    assert traffic.read().backend(OLD) is None
    assert rules.target_groups() == [OLD, NEW]
    rules.burn(OLD)
    traffic.detach(OLD)
    assert rules.target_groups() == [NEW]
    assert len(rules.rules()) == 2


def test_what_was_just_given_is_not_asked_for_again(rules: Rules) -> None:
    traffic = rules.traffic()
    traffic.prepare(as_wanted(NEW))
    assert rules.asked().count("DescribeRules") == 1
    traffic.attach(as_wanted(NEW))
    assert sorted(rules.asked()) == [
        "DescribeAutoScalingGroups",
        "DescribeRules",
        "DescribeTags",
        "DescribeTargetGroups",
    ]


def test_a_target_group_goes_with_its_group_when_this_has_drained(rules: Rules) -> None:
    account, traffic = aws.account(rules.emulator, PROJECT), rules.traffic()
    born = traffic.prepare(as_wanted(OLD))
    account.groups().create(as_wanted(OLD), replace(account.template("other"), born_with=born))
    traffic.attach(as_wanted(OLD))
    account.clock.sleep(60)
    traffic.detach(OLD)
    draining: list[str] = []

    def between() -> None:
        answer = rules.elb.describe_target_health(TargetGroupArn=born[0]) if OLD in rules.target_groups() else {}
        draining.extend(each["TargetHealth"]["State"] for each in answer.get("TargetHealthDescriptions", ()))

    account.groups().delete(OLD, between=between)
    assert "draining" in draining
    assert rules.target_groups() == ["other"]
    assert len(rules.rules()) == 1
    account.groups().delete(OLD)


def test_what_a_detached_group_left_goes_with_it_or_by_the_next_roll(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW, "web-local-v003")
    shift(traffic, new=100)
    traffic.detach(OLD)
    rules.burn(OLD)
    born_with.remove(rules.calls, "another", OLD)
    assert OLD in rules.target_groups()
    for _time in range(2):
        born_with.remove(rules.calls, PROJECT, OLD)
        assert rules.target_groups() == [NEW, "web-local-v003"]
    with pytest.raises(CloudError, match=f"target group {NEW} is in use") as kept:
        born_with.remove(rules.calls, PROJECT, NEW)
    assert kept.value.details == "the default rule of the listener HTTP:80"
    assert traffic.preview(NEW)
    traffic.detach("web-local-v003")
    rules.burn("web-local-v003")
    traffic.prepare(as_wanted("web-local-v004"))
    assert rules.target_groups() == [NEW, "web-local-v004"]


def test_anothers_target_group_is_left_alone_though_it_has_its_groups_name(rules: Rules) -> None:
    arn = rules.target_group(LEGACY)
    rules.make(LEGACY, 2, (arn,))
    rules.default(rules.forward(arn))
    traffic = rules.traffic()
    attached(rules, traffic, NEW)
    shift(traffic, new=100)
    traffic.detach(LEGACY)
    assert traffic.read().backend(LEGACY) is None
    assert len(rules.rules()) == 2
    assert rules.target_groups() == [LEGACY, NEW]


def test_a_group_left_at_weight_0_by_hand_can_be_detached(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, old=95, new=5)
    (routing,) = rules.actions()
    old, new = routing["ForwardConfig"]["TargetGroups"]
    rules.default({"Type": "forward", "ForwardConfig": {"TargetGroups": [{**old, "Weight": 0}, new]}})
    traffic.detach(OLD)
    assert weights(rules.actions()[0]) == [(NEW, new["Weight"])]
