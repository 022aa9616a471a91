"""The emulator's target groups, rules and listeners, against the API's reference of Elastic Load Balancing v2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, forward, refused

OIDC = {
    "Issuer": "https://id.example.com",
    "AuthorizationEndpoint": "https://id.example.com/a",
    "TokenEndpoint": "https://id.example.com/t",
    "UserInfoEndpoint": "https://id.example.com/u",
    "ClientId": "phoenix",
    "OnUnauthenticatedRequest": "authenticate",
}


@pytest.fixture
def bench(emulator: Emulator) -> Bench:
    emulator.configure(speed=0)
    return Bench(emulator)


def test_a_target_group_without_a_rule_is_not_checked(bench: Bench) -> None:
    arn = bench.target_group()
    bench.group(size=1, TargetGroupARNs=[arn])
    bench.emulator.configure(initial=30)
    bench.emulator.advance(60)
    (one,) = bench.ids()
    assert bench.health(arn)[one] == ("unused", "Target.NotInUse")
    rule = bench.rule(arn)
    assert bench.health(arn)[one] == ("initial", "Elb.RegistrationInProgress"), "its checks begin with the rule"
    bench.emulator.advance(30)
    assert bench.health(arn)[one] == ("healthy", "")
    bench.elb.delete_rule(RuleArn=rule)
    assert bench.health(arn)[one] == ("unused", "Target.NotInUse")


def test_a_weight_of_nothing_is_a_use(bench: Bench) -> None:
    arn, other = bench.target_group(), bench.target_group("other")
    bench.group(size=1, TargetGroupARNs=[arn])
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": [weighted(other, 1), weighted(arn, 0)]}}
    bench.elb.modify_listener(ListenerArn=bench.world.listener, DefaultActions=[action])
    assert bench.health(arn)[bench.ids()[0]] == ("healthy", "")


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (503, "", "Target.ResponseCodeMismatch"),
        (None, "timed out", "Target.Timeout"),
        (None, "refused", "Target.FailedHealthChecks"),
    ],
)
def test_why_a_target_is_unhealthy(bench: Bench, status: int | None, error: str, reason: str) -> None:
    arn = bench.served(size=2)
    bench.emulator.sick(bench.ids()[0], status=status, error=error)
    assert bench.health(arn)[bench.ids()[0]] == ("unhealthy", reason)
    assert bench.health(arn)[bench.ids()[1]] == ("healthy", "")
    bench.emulator.well(bench.ids()[0])
    assert bench.health(arn)[bench.ids()[0]] == ("healthy", "")


def test_the_matcher_says_what_is_healthy(bench: Bench) -> None:
    arn = bench.target_group(Matcher={"HttpCode": "200,300-399"})
    bench.rule(arn)
    bench.group(size=1, TargetGroupARNs=[arn])
    bench.emulator.sick(bench.world.image, status=302)
    assert bench.health(arn)[bench.ids()[0]] == ("healthy", "")


def test_a_target_drains_for_its_delay_and_may_come_back(bench: Bench) -> None:
    arn = bench.served(size=2)
    key = "deregistration_delay.timeout_seconds"
    bench.elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": key, "Value": "60"}])
    one, two = bench.ids()
    for id in (one, two):
        bench.elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": id}])
    assert set(bench.health(arn).values()) == {("draining", "Target.DeregistrationInProgress")}
    bench.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": two}])
    bench.emulator.advance(60)
    assert bench.health(arn) == {two: ("healthy", "")}
    assert bench.health(arn, [one]) == {one: ("unused", "Target.NotRegistered")}
    bench.elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": one}])


def test_only_what_runs_can_be_registered(bench: Bench) -> None:
    arn = bench.served(size=1)
    (one,) = bench.ids()
    bench.asg.suspend_processes(AutoScalingGroupName="web")
    bench.ec2.stop_instances(InstanceIds=[one])
    assert bench.health(arn)[one] == ("unused", "Target.InvalidState")
    with refused("InvalidTarget"):
        bench.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": one, "Port": 9090}])


def test_a_target_outside_the_balancers_zones_is_not_used(bench: Bench) -> None:
    subnet = bench.ec2.create_subnet(VpcId=bench.world.vpc, CidrBlock="10.7.32.0/20", AvailabilityZone="eu-west-1c")[
        "Subnet"
    ]["SubnetId"]
    arn = bench.served(size=0)
    made = bench.ec2.run_instances(ImageId=bench.world.image, MinCount=1, MaxCount=1, SubnetId=subnet)
    id = made["Instances"][0]["InstanceId"]
    bench.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": id}])
    assert bench.health(arn)[id] == ("unused", "Target.NotInUse")


def test_the_states_of_an_attached_target_group(bench: Bench) -> None:
    arn = bench.served(size=1)
    bench.emulator.sick("web")
    assert attached(bench) == {arn: "Added"}
    bench.emulator.well("web")
    assert attached(bench) == {arn: "InService"}
    bench.asg.detach_load_balancer_target_groups(AutoScalingGroupName="web", TargetGroupARNs=[arn])
    assert attached(bench) == {arn: "Removing"}
    bench.emulator.advance(300)
    assert attached(bench) == {}
    assert len(bench.ids()) == 1, "the instances remain running"


def test_a_traffic_source_is_attached_and_detached(bench: Bench) -> None:
    arn = bench.target_group()
    bench.rule(arn)
    bench.group(size=1)
    sources = [{"Identifier": arn, "Type": "elbv2"}]
    bench.asg.attach_traffic_sources(AutoScalingGroupName="web", TrafficSources=sources)
    (shown,) = bench.asg.describe_traffic_sources(AutoScalingGroupName="web")["TrafficSources"]
    assert (shown["Identifier"], shown["State"]) == (arn, "InService")
    assert bench.health(arn) == {bench.ids()[0]: ("healthy", "")}
    bench.asg.detach_traffic_sources(AutoScalingGroupName="web", TrafficSources=sources)
    bench.emulator.advance(300)
    assert bench.asg.describe_traffic_sources(AutoScalingGroupName="web")["TrafficSources"] == []


def test_a_target_group_in_use_cannot_be_deleted(bench: Bench) -> None:
    arn = bench.target_group()
    rule = bench.rule(arn)
    assert bench.elb.describe_target_groups(Names=["web"])["TargetGroups"][0]["LoadBalancerArns"] == [
        bench.world.balancer
    ]
    with refused("ResourceInUse"):
        bench.elb.delete_target_group(TargetGroupArn=arn)
    bench.elb.delete_rule(RuleArn=rule)
    assert bench.elb.describe_target_groups(Names=["web"])["TargetGroups"][0]["LoadBalancerArns"] == []
    bench.elb.delete_target_group(TargetGroupArn=arn)
    bench.elb.delete_target_group(TargetGroupArn=arn)


def test_a_target_group_is_made_once(bench: Bench) -> None:
    assert bench.target_group(HealthCheckPath="/a") == bench.target_group(HealthCheckPath="/a")
    with refused("DuplicateTargetGroupName"):
        bench.target_group(HealthCheckPath="/b")
    bench.emulator.configure(target_groups=1)
    with refused("TooManyTargetGroups"):
        bench.target_group("other")


def test_a_target_group_bears_fifty_tags(bench: Bench) -> None:
    tags = [{"Key": f"key-{number}", "Value": "x"} for number in range(51)]
    arn = bench.target_group(Tags=tags[:49])
    with refused("TooManyTags"):
        bench.elb.add_tags(ResourceArns=[arn], Tags=tags)
    bench.elb.add_tags(ResourceArns=[arn], Tags=tags[:50])
    assert len(bench.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]) == 50


def test_tags_are_described_of_twenty_that_are_there(bench: Bench) -> None:
    arn = bench.target_group(Tags=[{"Key": "of", "Value": "web"}])
    rules = [rule["RuleArn"] for rule in shown_rules(bench)]
    found = bench.elb.describe_tags(ResourceArns=[arn, bench.world.listener, *rules])["TagDescriptions"]
    assert [len(one["Tags"]) for one in found] == [1, 0, 0]
    with refused("ValidationError", "up to 20"):
        bench.elb.describe_tags(ResourceArns=[arn] * 21)
    bench.elb.delete_target_group(TargetGroupArn=arn)
    with refused("TargetGroupNotFound"):
        bench.elb.describe_tags(ResourceArns=[arn])
    with refused("RuleNotFound"):
        bench.elb.describe_tags(ResourceArns=[f"{rules[0]}0"])


def test_rules_are_listed_by_their_priorities(bench: Bench) -> None:
    arn = bench.target_group()
    for priority in (30, 10, 20):
        bench.rule(arn, priority=priority)
    assert priorities(bench) == ["10", "20", "30", "default"]
    with refused("PriorityInUse"):
        bench.rule(arn, priority=20)
    rules = {rule["Priority"]: rule["RuleArn"] for rule in shown_rules(bench)}
    swapped = [{"RuleArn": rules["10"], "Priority": 30}, {"RuleArn": rules["30"], "Priority": 10}]
    bench.elb.set_rule_priorities(RulePriorities=swapped)
    assert {rule["Priority"]: rule["RuleArn"] for rule in shown_rules(bench)}["10"] == rules["30"]


def test_hosts_and_paths_are_shown_in_both_forms_and_taken_in_one(bench: Bench) -> None:
    rule = bench.rule(bench.target_group(), path="/api/*")
    (shown,) = shown_rules(bench)[0]["Conditions"]
    assert shown == {"Field": "path-pattern", "Values": ["/api/*"], "PathPatternConfig": {"Values": ["/api/*"]}}
    with refused("ValidationError", "You cannot provide both Values and 'PathPatternConfig'"):
        bench.elb.modify_rule(RuleArn=rule, Conditions=[shown])
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com", "b.example.com"]}}
    bench.elb.modify_rule(RuleArn=rule, Conditions=[host])
    assert shown_rules(bench)[0]["Conditions"] == [{**host, "Values": ["a.example.com", "b.example.com"]}]
    six = {"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{number}" for number in range(6)]}}
    with refused("ValidationError", "'5' condition values"):
        bench.elb.modify_rule(RuleArn=rule, Conditions=[six])


def test_the_number_of_rules_is_limited(bench: Bench) -> None:
    bench.emulator.configure(rules=1)
    bench.rule(bench.target_group())
    with refused("TooManyRules"):
        bench.rule(bench.target_group(), priority=11)


def test_the_default_rule_belongs_to_its_listener(bench: Bench) -> None:
    default = shown_rules(bench)[-1]
    assert default["IsDefault"]
    for ask in (bench.elb.delete_rule, bench.elb.modify_rule):
        with refused("OperationNotPermitted"):
            ask(RuleArn=default["RuleArn"])
    arn = bench.target_group()
    bench.elb.modify_listener(ListenerArn=bench.world.listener, DefaultActions=[forward(arn)])
    assert shown_rules(bench)[-1]["Actions"][0]["ForwardConfig"]["TargetGroups"] == [weighted(arn, 1)]


def test_a_forward_has_its_limits(bench: Bench) -> None:
    arns = [bench.target_group(f"web-{number}") for number in range(6)]
    with refused("ValidationError", "no more than '5'"):
        bench.rule(*arns)
    bench.rule(*arns[:5])
    for wrong in ([weighted(arns[0], 1000)], [weighted(arns[0], 1), weighted(arns[0], 2)]):
        with refused("ValidationError"):
            bench.elb.modify_listener(
                ListenerArn=bench.world.listener,
                DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": wrong}}],
            )
    with refused("TargetGroupNotFound"):
        bench.rule(arns[0].replace("web-0", "none"), priority=12)


def test_stickiness_and_weights_are_kept_as_written(bench: Bench) -> None:
    arns = [bench.target_group(name) for name in ("one", "two")]
    config = {
        "TargetGroups": [weighted(arns[0], 90), weighted(arns[1], 0)],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 600},
    }
    rule = bench.rule(arns[0])
    bench.elb.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "ForwardConfig": config}])
    assert shown_rules(bench)[0]["Actions"][0]["ForwardConfig"] == config
    assert shown_rules(bench)[0]["Conditions"][0]["Values"] == ["/*"], "what is not given stays"


def test_a_login_before_the_forward_is_kept_without_its_secret_being_shown(bench: Bench) -> None:
    login: dict[str, Any] = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": OIDC}
    go_on = {**forward(bench.target_group()), "Order": 2}
    with refused("ValidationError", "client secret"):
        write(bench, login, go_on)
    write(bench, {**login, "AuthenticateOidcConfig": {**OIDC, "ClientSecret": "hush"}}, go_on)
    shown = shown_rules(bench)[0]
    assert [action["Type"] for action in shown["Actions"]] == ["authenticate-oidc", "forward"]
    assert shown["Actions"][0]["AuthenticateOidcConfig"] == OIDC
    with refused("ValidationError", "client secret"):
        bench.elb.modify_rule(RuleArn=shown["RuleArn"], Actions=shown["Actions"])
    kept = {**login, "AuthenticateOidcConfig": {**OIDC, "UseExistingClientSecret": True}}
    bench.elb.modify_rule(RuleArn=shown["RuleArn"], Actions=[kept, shown["Actions"][1]])
    assert shown_rules(bench)[0]["Actions"] == shown["Actions"]


def test_a_target_group_serves_one_balancer(bench: Bench) -> None:
    arn = bench.target_group()
    bench.rule(arn)
    other = bench.elb.create_load_balancer(Name="other", Subnets=list(bench.world.subnets))["LoadBalancers"][0]
    with refused("TargetGroupAssociationLimit"):
        bench.elb.create_listener(
            LoadBalancerArn=other["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward(arn)]
        )


def test_a_port_has_one_listener(bench: Bench) -> None:
    asked = {
        "LoadBalancerArn": bench.world.balancer,
        "Protocol": "HTTP",
        "DefaultActions": [forward(bench.target_group())],
    }
    with refused("DuplicateListener"):
        bench.elb.create_listener(**asked, Port=80)
    bench.elb.create_listener(**asked, Port=8080)


def test_the_longest_delay_is_an_hour(bench: Bench) -> None:
    arn = bench.served(size=1)
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}
    bench.elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[delay])
    assert delay in bench.elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    bench.asg.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    bench.emulator.advance(3599)
    assert [state for state, _reason in bench.health(arn).values()] == ["draining"]
    bench.emulator.advance(1)
    assert bench.health(arn) == {}


def test_a_network_balancer_has_listeners_of_its_own(bench: Bench) -> None:
    made = bench.elb.create_load_balancer(Name="net", Type="network", Subnets=list(bench.world.subnets))
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    target_group = bench.elb.create_target_group(Name="tcp", Protocol="TCP", Port=8080, VpcId=bench.world.vpc)
    group = target_group["TargetGroups"][0]["TargetGroupArn"]
    action = {"Type": "forward", "TargetGroupArn": group}
    bench.elb.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=80, DefaultActions=[action])
    bench.group(size=1, TargetGroupARNs=[group])
    assert bench.health(group)[bench.ids()[0]] == ("healthy", "")
    bench.emulator.sick("web", status=None, error="refused")
    assert bench.health(group)[bench.ids()[0]] == ("unhealthy", "Target.FailedHealthChecks")


def weighted(arn: str, weight: int) -> dict[str, Any]:
    return {"TargetGroupArn": arn, "Weight": weight}


def shown_rules(bench: Bench) -> list[Any]:
    return list(bench.elb.describe_rules(ListenerArn=bench.world.listener)["Rules"])


def priorities(bench: Bench) -> list[str]:
    return [rule["Priority"] for rule in shown_rules(bench)]


def attached(bench: Bench) -> dict[str, str]:
    found = bench.asg.describe_load_balancer_target_groups(AutoScalingGroupName="web")
    return {one["LoadBalancerTargetGroupARN"]: one["State"] for one in found["LoadBalancerTargetGroups"]}


def write(bench: Bench, *actions: dict[str, Any]) -> None:
    bench.elb.create_rule(
        ListenerArn=bench.world.listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=list(actions),
    )
