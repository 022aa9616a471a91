"""A listener's rule as a balancer when things go wrong: throttled, answers lost, changed by hand, full, another's."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from phoenix.errors import CloudError, RefusedError, StaleRouteError, UnreachableError
from tests.emulators.aws import Emulator
from tests.support.fakes.aws_rule import LEGACY, NEW, NOTHING, OLD, STICKY, Rules, as_wanted, attached, shares, shift

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def rules(emulator: Emulator) -> Rules:
    return Rules(emulator)


def test_a_strangers_target_group_of_that_name_is_left_alone(rules: Rules) -> None:
    rules.target_group(NEW)
    with pytest.raises(RefusedError, match=NEW):
        rules.traffic().prepare(as_wanted(NEW))
    rules.traffic().detach(NEW)
    assert rules.target_groups() == [NEW]


def test_a_rule_that_somebody_changes_by_hand_is_not_written(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, old=100)
    seen = traffic.read()
    (routing,) = rules.actions()
    config = {**routing["ForwardConfig"], "TargetGroupStickinessConfig": STICKY}
    rules.default({"Type": "forward", "ForwardConfig": config})
    with pytest.raises(StaleRouteError):
        traffic.shift({NEW: 100}, seen)
    shift(traffic, new=100)
    assert rules.actions()[0]["ForwardConfig"]["TargetGroupStickinessConfig"] == STICKY


def test_what_somebody_sets_while_the_lease_is_renewed_is_not_lost(rules: Rules) -> None:
    """At whichever question before a write: the tags, the preview of what serves, the rule itself."""
    traffic = rules.traffic()
    attached(rules, traffic, NEW)
    arn = rules.foreign()
    rules.default(rules.forward(arn))
    for moment in range(1, 9):
        asked: list[int] = []

        def by_hand(moment: int = moment, asked: list[int] = asked) -> None:
            asked.append(moment)
            if len(asked) == moment:
                rules.default(rules.forward(arn, TargetGroupStickinessConfig={**STICKY, "DurationSeconds": moment}))

        try:
            traffic.shift({NEW: 100}, traffic.read(), between=by_hand)
        except StaleRouteError:
            continue
        break
    assert len(asked) == moment - 1, "each change was seen, and not written over"
    assert rules.actions()[0]["ForwardConfig"]["TargetGroupStickinessConfig"]["DurationSeconds"] == moment - 1
    assert moment > 2


@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_answer_is_lost_is_looked_at(rules: Rules, times: int) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, old=100)
    rules.emulator.fail("elbv2", "ModifyListener", lost=True, times=times)
    shift(traffic, old=95, new=5)
    assert shares(traffic) == {OLD: 95, NEW: 5}


def test_a_write_that_is_not_taken_is_unknown_and_may_be_said_again(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, old=100)
    rules.emulator.fail("elbv2", "ModifyListener", code="Throttling", times=1)
    shift(traffic, old=95, new=5)
    rules.emulator.fail("elbv2", "ModifyListener", code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        shift(traffic, new=100)
    assert shares(traffic) == {OLD: 95, NEW: 5}
    shift(traffic, new=100)
    assert shares(traffic) == {NEW: 100}


@pytest.mark.parametrize("action", ["CreateTargetGroup", "CreateRule"])
def test_what_is_made_by_a_call_whose_answer_is_lost_is_made_once(rules: Rules, action: str) -> None:
    traffic = rules.traffic()
    rules.emulator.fail("elbv2", action, lost=True)
    attached(rules, traffic, OLD)
    assert rules.target_groups() == [OLD]
    assert len(rules.rules()) == 2


@pytest.mark.parametrize("action", ["DescribeRules", "DescribeTargetHealth"])
def test_a_look_without_an_answer_is_unknown(rules: Rules, action: str) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    rules.emulator.fail("elbv2", action, code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        traffic.read()
    assert traffic.read().backend(OLD)


def test_a_priority_that_others_take_meanwhile_is_left_to_them(rules: Rules) -> None:
    traffic = rules.traffic()
    rules.emulator.fail("elbv2", "CreateRule", code="PriorityInUse", times=2)
    traffic.prepare(as_wanted(OLD))
    assert len(rules.rules()) == 2
    rules.emulator.fail("elbv2", "CreateRule", code="PriorityInUse", times=9)
    with pytest.raises(CloudError, match="got no rule"):
        traffic.prepare(as_wanted(NEW))


def test_no_more_rules_are_refused_before_a_roll_and_in_it(rules: Rules) -> None:
    traffic = rules.traffic()
    traffic.check()
    rules.emulator.configure(rules=1, target_groups=1)
    traffic.prepare(as_wanted(OLD))
    with pytest.raises(RefusedError, match="target groups"):
        traffic.prepare(as_wanted(NEW))
    rules.emulator.configure(target_groups=2)
    with pytest.raises(RefusedError, match="rules"):
        traffic.prepare(as_wanted(NEW))
    for priority in range(1000, 1099):
        rules.emulator.configure(rules=200)
        rules.rule(priority, rules.forward(rules.arn(OLD)))
    with pytest.raises(RefusedError, match="rules-per-application-load-balancer"):
        traffic.check()
    traffic.check(back=True)


def test_no_priority_before_the_service_is_refused(rules: Rules) -> None:
    rules.rule(1, NOTHING)
    with pytest.raises(RefusedError, match="no priority is free before rule 1 "):
        rules.traffic(rule="1").check()
    with pytest.raises(RefusedError, match="no priority is free"):
        rules.traffic(rule="1").prepare(as_wanted(OLD))


def test_a_network_load_balancer_and_what_is_missing_are_refused_by_name(rules: Rules) -> None:
    made = rules.elb.create_load_balancer(Name="lines", Type="network", Subnets=list(rules.world.subnets))
    asked = {"Protocol": "TCP", "Port": 8080, "VpcId": rules.world.vpc}
    lines = rules.elb.create_target_group(Name="lines", **asked)["TargetGroups"][0]["TargetGroupArn"]
    listener = rules.elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="TCP",
        Port=443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": lines}],
    )["Listeners"][0]["ListenerArn"]
    with pytest.raises(RefusedError, match="TCP:443 is a Network Load Balancer's"):
        rules.traffic(listener=listener).check()
    with pytest.raises(RefusedError, match="there is no listener"):
        rules.traffic(listener=f"{rules.world.listener[:-4]}beef").check()
    for word in ("7", "07", "last"):
        with pytest.raises(RefusedError, match=f"has no rule {word}"):
            rules.traffic(rule=word).check(back=True)


def test_machines_in_another_vpc_than_the_balancers_are_refused_before_a_roll(rules: Rules) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    away = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/20")["Subnet"]["SubnetId"]
    rules.spec = replace(rules.spec, subnets=(rules.world.subnets[0], away))
    with pytest.raises(RefusedError) as refused:
        rules.traffic().check()
    assert refused.value.details == f"it is in {rules.world.vpc}; {away} is in {vpc}"
    rules.traffic().check(back=True)


def test_a_target_group_that_others_use_too_is_refused_naming_them(rules: Rules) -> None:
    foreign = rules.foreign()
    rules.default(rules.forward(foreign))
    traffic = rules.traffic()
    attached(rules, traffic, NEW)
    beside = rules.listener(8080, rules.forward(foreign))
    with pytest.raises(RefusedError) as refused:
        traffic.check()
    assert "the default rule of the listener HTTP:8080 also forwards to it" in refused.value.details
    with pytest.raises(RefusedError):
        shift(traffic, new=100)
    assert shares(traffic) == {LEGACY: 100}
    rules.elb.delete_listener(ListenerArn=beside)
    shift(traffic, new=100)


def test_the_way_back_is_not_refused(rules: Rules) -> None:
    foreign = rules.foreign()
    rules.default(rules.forward(foreign))
    traffic = rules.traffic()
    attached(rules, traffic, NEW)
    rules.emulator.configure(rules=1)
    traffic.attach(as_wanted(LEGACY, made=False))
    rules.emulator.configure(rules=100)
    shift(traffic, new=100)
    rules.rule(500, rules.forward(foreign))
    shift(traffic, legacy=100)
    assert shares(traffic) == {LEGACY: 100}


def test_a_group_in_two_target_groups_and_a_target_group_of_nobody_are_refused(rules: Rules) -> None:
    first, second, lonely = rules.foreign(), rules.target_group("second"), rules.target_group("lonely")
    attach = rules.autoscaling.attach_load_balancer_target_groups
    attach(AutoScalingGroupName=LEGACY, TargetGroupARNs=[second])
    rules.default(rules.forward(first))
    with pytest.raises(RefusedError) as refused:
        rules.traffic().check()
    assert "its Auto Scaling group legacy is in second as well" in refused.value.details
    rules.default(rules.forward(lonely))
    with pytest.raises(RefusedError) as refused:
        rules.traffic().check()
    assert "no Auto Scaling group has it attached" in refused.value.details
    assert shares(rules.traffic()) == {"lonely": 100}, "a look shows it all the same"


def test_what_is_left_of_a_run_that_died_while_it_prepared_is_removed(rules: Rules) -> None:
    rules.emulator.fail("elbv2", "CreateRule", code="ServiceUnavailable", status=503, times=2)
    traffic = rules.traffic()
    with pytest.raises(UnreachableError):
        traffic.prepare(as_wanted(NEW))
    assert traffic.read().backends == ()
    traffic.detach(NEW)
    assert rules.target_groups() == []
    traffic.prepare(as_wanted(NEW))
    assert [each.group for each in traffic.read().backends] == [NEW]
    traffic.detach(NEW)
    assert rules.target_groups() == []
    assert len(rules.rules()) == 1


def test_a_strangers_rule_with_our_header_is_not_removed(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    ours = next(each for each in rules.rules() if each["Priority"] != "default")
    rules.elb.remove_tags(ResourceArns=[ours["RuleArn"]], TagKeys=["phoenix:project"])
    with pytest.raises(RefusedError, match="x-phoenix-group"):
        traffic.detach(OLD)
    assert len(rules.rules()) == 2
