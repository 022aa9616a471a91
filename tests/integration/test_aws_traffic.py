"""A listener's rule as a balancer, at the wire: boto3 against an emulated AWS that throttles and loses answers."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.errors import CloudError
from phoenix.manner import DrainedBy, PreviewBy
from tests.emulators.aws import Emulator
from tests.support.fakes.aws_rule import (
    LEGACY,
    NEW,
    NOTHING,
    OLD,
    PROJECT,
    STICKY,
    Rules,
    as_wanted,
    attached,
    shares,
    shift,
    weights,
)

pytestmark = pytest.mark.timeout(120)

OIDC: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://login.acme.example",
        "AuthorizationEndpoint": "https://login.acme.example/auth",
        "TokenEndpoint": "https://login.acme.example/token",
        "UserInfoEndpoint": "https://login.acme.example/user",
        "ClientId": "web",
        "ClientSecret": "secret",
    },
}


@pytest.fixture
def rules(emulator: Emulator) -> Rules:
    return Rules(emulator)


def test_how_it_behaves_is_told(rules: Rules) -> None:
    manner = rules.traffic().manner
    assert (manner.exact_shares, manner.drain, manner.preview) == (True, DrainedBy.MANAGER, PreviewBy.HEADER)


def test_a_group_is_checked_from_its_first_moment_and_gets_nothing(rules: Rules) -> None:
    traffic = rules.traffic()
    (arn,) = traffic.prepare(as_wanted(NEW))
    assert traffic.prepare(as_wanted(NEW)) == (arn,)
    made = rules.elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    assert (made["TargetGroupName"], made["Protocol"], made["Port"], made["VpcId"]) == (
        NEW,
        "HTTP",
        8080,
        rules.world.vpc,
    )
    assert (made["HealthCheckPath"], made["HealthCheckIntervalSeconds"], made["Matcher"]) == (
        "/healthz",
        5,
        {"HttpCode": "200"},
    )
    assert made["LoadBalancerArns"] == [rules.world.balancer], "else it would not be checked"
    tags = rules.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {
        "team": "web",
        "phoenix:project": PROJECT,
        "phoenix:service": "web",
        "phoenix:environment": "local",
        "phoenix:group": NEW,
    }
    attributes = rules.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in attributes
    assert rules.actions()[0]["Type"] == "fixed-response"
    assert len(rules.rules()) == 2


def test_a_group_that_is_no_longer_in_its_target_group_is_put_there(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    (arn,) = traffic.prepare(as_wanted(OLD))
    rules.autoscaling.detach_load_balancer_target_groups(AutoScalingGroupName=OLD, TargetGroupARNs=[arn])
    attached(rules, traffic, OLD)
    found = rules.found(OLD)
    assert found
    assert found["TargetGroupARNs"] == [arn]


def test_a_look_asks_once_for_each_group_and_for_nothing_else(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    rules.asked()
    traffic.read()
    assert sorted(rules.asked()) == ["DescribeRules", "DescribeTargetHealth", "DescribeTargetHealth"]


def test_a_shift_is_one_write_that_says_nothing_of_groups_without_a_share(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD, NEW)
    shift(traffic, old=100)
    rules.asked()
    shift(traffic, old=95, new=5)
    assert rules.written() == ["ModifyListener"]
    assert weights(rules.actions()[0]) == [(OLD, 95), (NEW, 5)]
    shift(traffic, new=100)
    assert weights(rules.actions()[0]) == [(NEW, 100)], "a cookie would beat a weight of 0"
    rules.asked()
    shift(traffic, new=100)
    assert rules.written() == []


def test_what_checks_say_is_seen_in_their_own_words(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    rules.emulator.sick(OLD, status=401)
    rules.emulator.advance(60)
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert (backend.healthy, backend.total) == (0, 2)
    both = ", ".join(sorted(machine for machine, _said in backend.checks))
    assert backend.seen == f"2 x Target.ResponseCodeMismatch: Health checks failed with these codes: [401] ({both})"
    assert both.count("i-") == 2


def test_machines_that_drain_are_seen(rules: Rules) -> None:
    traffic = rules.traffic()
    group = rules.group(traffic, OLD)
    traffic.attach(group)
    rules.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=group.instances[0].id, ShouldDecrementDesiredCapacity=True
    )
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert (backend.total, backend.leaving, backend.requests) == (1, 1, None)
    rules.emulator.advance(60)
    assert traffic.read().backend(OLD) == traffic.read().backend(OLD)
    gone = traffic.read().backend(OLD)
    assert gone is not None
    assert (gone.total, gone.leaving) == (1, 0)


def test_everything_else_of_a_rule_is_kept(rules: Rules) -> None:
    foreign = rules.foreign()
    forward = {**rules.forward(foreign, TargetGroupStickinessConfig=STICKY), "Order": 2}
    arn = rules.rule(10, OIDC, forward)
    traffic = rules.traffic(rule="10")
    attached(rules, traffic, NEW)
    before = rules.rules()
    shift(traffic, legacy=95, new=5)
    shift(traffic, new=100)
    login, routing = rules.actions("10")
    assert login == next(each for each in before if each["RuleArn"] == arn)["Actions"][0]
    assert routing["ForwardConfig"]["TargetGroupStickinessConfig"] == STICKY
    assert weights(routing) == [(NEW, 100)]
    conditions = {each["RuleArn"]: each["Conditions"] for each in before}
    assert {
        each["RuleArn"]: each["Conditions"] for each in rules.rules() if each["RuleArn"] in conditions
    } == conditions
    shift(traffic)
    assert weights(rules.actions("10")[1]) == [("legacy-targets", 1)]
    assert rules.actions("10")[0] == login


def test_what_the_serving_target_group_has_a_new_one_has_too(rules: Rules) -> None:
    foreign = rules.foreign()
    rules.default(rules.forward(foreign))
    slow = [{"Key": "slow_start.duration_seconds", "Value": "60"}]
    rules.elb.modify_target_group_attributes(TargetGroupArn=foreign, Attributes=slow)
    (arn,) = rules.traffic().prepare(as_wanted(NEW))
    assert slow[0] in rules.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]


def test_a_group_that_phoenix_did_not_make_serves_and_is_checked_on_without_a_share(rules: Rules) -> None:
    rules.default(rules.forward(rules.foreign()))
    traffic = rules.traffic()
    traffic.check()
    assert shares(traffic) == {LEGACY: 100}
    attached(rules, traffic, NEW)
    shift(traffic, new=100)
    left = traffic.read().backend(LEGACY)
    assert left is not None
    assert (left.share, left.healthy) == (0, 2)
    assert traffic.preview(LEGACY)
    for back in ({"legacy": 100}, {}):
        shift(traffic, new=100)
        shift(traffic, **back)
        assert shares(traffic) == {LEGACY: 100}
    assert traffic.preview(LEGACY)
    traffic.detach(NEW)
    assert traffic.preview(LEGACY) is None, "it serves alone, and nothing of phoenix's is left"
    attached(rules, traffic, NEW)
    shift(traffic, new=100)
    for _time in range(2):
        traffic.detach(LEGACY)
    assert traffic.read().backend(LEGACY) is None
    assert "legacy-targets" in rules.target_groups(), "it is none of ours"
    assert rules.found(LEGACY)
    traffic.attach(as_wanted(LEGACY, made=False))
    assert traffic.read().backend(LEGACY) == left


@pytest.mark.parametrize("rule", ["default", "10"])
def test_a_rule_that_did_not_forward_says_again_what_it_said_to_whichever_process(rules: Rules, rule: str) -> None:
    away = {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_302"},
    }
    if rule == "default":
        rules.default(away)
    else:
        rules.rule(10, away)
    before = rules.actions(rule)
    traffic = rules.traffic(rule=rule)
    attached(rules, traffic, OLD)
    shift(traffic, old=100)
    assert rules.actions(rule) != before
    shift(rules.traffic(rule=rule))
    assert rules.actions(rule) == before


def test_what_was_before_is_known_however_many_groups_have_served_since(rules: Rules) -> None:
    before = rules.actions()
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    shift(traffic, old=100)
    attached(rules, traffic, NEW)
    shift(traffic, new=100)
    traffic.detach(OLD)
    rules.burn(OLD)
    traffic.detach(OLD)
    assert len(rules.rules()) == 2
    shift(rules.traffic())
    assert rules.actions() == before


def test_where_what_was_before_is_gone_nobody_serves(rules: Rules) -> None:
    foreign = rules.foreign()
    rules.default(rules.forward(foreign))
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    shift(traffic, old=100)
    traffic.detach(LEGACY)
    rules.burn(LEGACY)
    rules.elb.delete_target_group(TargetGroupArn=foreign)
    for _time in range(2):
        shift(traffic)
        assert rules.actions()[0]["FixedResponseConfig"]["StatusCode"] == "503"
    shift(traffic, old=100)
    shift(traffic)
    assert rules.actions()[0]["FixedResponseConfig"]["StatusCode"] == "503"


def test_what_somebody_routed_by_hand_since_is_what_was_before(rules: Rules) -> None:
    foreign = rules.foreign()
    rules.default(rules.forward(foreign))
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    shift(traffic, old=100)
    gone = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410"}}
    rules.default(gone)
    shift(traffic)
    assert rules.actions()[0]["FixedResponseConfig"]["StatusCode"] == "410", "phoenix has nothing in it to take back"
    shift(traffic, old=100)
    shift(traffic)
    assert rules.actions()[0]["FixedResponseConfig"]["StatusCode"] == "410"


def test_a_preview_needs_a_word_that_ends_with_it(rules: Rules) -> None:
    traffic = rules.traffic()
    attached(rules, traffic, OLD)
    first = traffic.preview(OLD)
    assert first is not None
    assert first == rules.traffic().preview(OLD)
    assert first.url == traffic.read().address
    ((name, value),) = first.headers
    assert name == "x-phoenix-group"
    assert value.startswith(f"{OLD}.")
    traffic.detach(OLD)
    assert traffic.preview(OLD) is None
    attached(rules, traffic, OLD)
    assert traffic.preview(OLD) not in (None, first)


def test_a_preview_stays_in_its_service(rules: Rules) -> None:
    rules.rule(10, NOTHING)
    traffic = rules.traffic(rule="10")
    attached(rules, traffic, OLD)
    shown = traffic.preview(OLD)
    assert shown is not None
    assert shown.headers[1] == ("Host", "preview.acme.example")
    told = next(each for each in rules.rules() if each["Priority"] == "9")
    assert [each["Field"] for each in told["Conditions"]] == ["http-header", "host-header"]
    clients = rules.traffic(rule="10", address="https://www.acme.example")
    assert clients.read().address == "https://www.acme.example"
    shown = clients.preview(OLD)
    assert shown is not None
    assert (shown.url, len(shown.headers)) == ("https://www.acme.example", 1)


def test_two_services_of_one_listener_do_not_touch_each_other(rules: Rules) -> None:
    rules.rule(10, NOTHING)
    web, api = rules.traffic(), rules.traffic(service="api", rule="10")
    attached(rules, web, OLD)
    attached(rules, api, "api-local-v001")
    shift(web, old=100)
    api.shift({"api-local-v001": 100}, api.read())
    assert shares(web) == {OLD: 100}
    assert [each.group for each in web.read().backends] == [OLD]
    assert [each.group for each in api.read().backends] == ["api-local-v001"]
    with pytest.raises(CloudError, match="not attached"):
        web.shift({"api-local-v001": 100}, web.read())


def test_who_is_behind_somebody_elses_target_group_is_read_for_each_decision(rules: Rules) -> None:
    arn = rules.foreign()
    rules.default(rules.forward(arn))
    traffic = rules.traffic()
    attached(rules, traffic, NEW)
    seen = traffic.read()
    assert dict(seen.shares) == {LEGACY: 100}
    rules.autoscaling.detach_load_balancer_target_groups(AutoScalingGroupName=LEGACY, TargetGroupARNs=[arn])
    rules.make("other", 2, (arn,))
    rules.emulator.advance(600)
    rules.asked()
    with pytest.raises(CloudError, match=f"{LEGACY} cannot get traffic"):
        traffic.shift({LEGACY: 95, NEW: 5}, seen)
    assert rules.written() == []
    assert shares(traffic) == {"other": 100}
