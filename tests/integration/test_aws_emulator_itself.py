"""The emulator as a tool: its clock, faults, record of calls, rights and quotas, and what is only written down."""

from __future__ import annotations

import time

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, client, refused
from tests.emulators.aws.machines import kind
from tests.emulators.machines.instant import Instant
from tests.emulators.machines.kinds import Kind
from tests.emulators.machines.told import Told


@pytest.fixture
def bench(emulator: Emulator) -> Bench:
    return Bench(emulator)


def test_a_reset_leaves_nothing(bench: Bench) -> None:
    bench.emulator.configure(pending=60)
    bench.served()
    bench.emulator.fail("autoscaling", ".*", code="Throttling")
    bench.emulator.reset()
    assert bench.emulator.calls() == ()
    assert bench.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert bench.elb.describe_load_balancers()["LoadBalancers"] == []
    assert Bench(bench.emulator).world != bench.world


def test_time_passes_by_itself_as_fast_as_it_is_told(bench: Bench) -> None:
    bench.emulator.configure(pending=60, speed=600)
    bench.group(size=1)
    end = time.monotonic() + 20
    while bench.states() != ["InService"]:
        assert time.monotonic() < end


def test_calls_are_counted_with_what_they_were_asked_with(bench: Bench) -> None:
    bench.asg.describe_auto_scaling_groups(AutoScalingGroupNames=["web"], MaxRecords=10)
    client(bench.emulator.url, "sts").get_caller_identity()
    one, two = bench.emulator.calls()
    assert (one.service, one.action, one.status) == ("autoscaling", "DescribeAutoScalingGroups", 200)
    assert one.parameters == ("AutoScalingGroupNames", "MaxRecords")
    assert "Boto3" in one.user_agent
    assert one.region == "eu-west-1"
    assert one.at <= two.at
    assert (two.service, two.action) == ("sts", "GetCallerIdentity")
    bench.emulator.forget_calls()
    assert bench.emulator.calls() == ()


@pytest.mark.parametrize(
    ("service", "action", "verb"),
    [
        ("ec2", "DescribeVpcs", "describe_vpcs"),
        ("autoscaling", "DescribeAutoScalingGroups", "describe_auto_scaling_groups"),
        ("elbv2", "DescribeLoadBalancers", "describe_load_balancers"),
        ("cloudwatch", "DescribeAlarms", "describe_alarms"),
        ("ssm", "DescribeParameters", "describe_parameters"),
    ],
)
def test_a_fault_meets_as_many_calls_as_it_says(bench: Bench, service: str, action: str, verb: str) -> None:
    ask = getattr(client(bench.emulator.url, service), verb)
    bench.emulator.fail(service, action, code="RequestLimitExceeded", status=503, message="slow down", skip=1, times=2)
    ask()
    for _each in range(2):
        with pytest.raises(ClientError) as error:
            ask()
        assert error.value.response["Error"] == error.value.response["Error"] | {
            "Code": "RequestLimitExceeded",
            "Message": "slow down",
        }
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    ask()
    assert [call.status for call in bench.emulator.calls()] == [200, 503, 503, 200]


def test_a_lost_answer_is_of_a_call_that_was_carried_out(bench: Bench) -> None:
    template = {"LaunchTemplateName": bench.template(), "Version": "1"}
    bench.emulator.fail("autoscaling", "CreateAutoScalingGroup", lost=True)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        bench.group(size=1, LaunchTemplate=template)
    assert len(bench.ids()) == 1
    with refused("AlreadyExists"):
        bench.group(size=1, LaunchTemplate=template)


def test_a_late_answer_is_late(bench: Bench) -> None:
    bench.emulator.fail("ec2", "DescribeVpcs", delay=0.3)
    begun = time.monotonic()
    bench.ec2.describe_vpcs()
    assert time.monotonic() - begun >= 0.3
    bench.emulator.fail("ec2", "DescribeVpcs", code="Throttling")
    bench.emulator.clear_faults()
    bench.ec2.describe_vpcs()


def test_what_was_written_may_not_be_seen_yet(bench: Bench) -> None:
    bench.group(size=1)
    bench.emulator.fail("autoscaling", "DescribeAutoScalingGroups", empty=True)
    assert bench.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert len(bench.asg.describe_auto_scaling_groups()["AutoScalingGroups"]) == 1


def test_every_kind_of_machines_has_one_shape() -> None:
    kinds: tuple[Kind, ...] = (Told, Instant)
    assert kinds == (kind("told"), kind("instant"))
    assert kind("tests.emulators.machines.told:Told") is Told
    with pytest.raises(ValueError, match="no kind of machines: nothing"):
        kind("nothing")


def test_what_nobody_can_answer_is_refused_and_not_repeated(bench: Bench) -> None:
    with refused("InvalidAction"):
        bench.ec2.describe_fast_snapshot_restores()


def test_the_sdk_finds_it_by_its_environment(emulator: Emulator) -> None:
    assert boto3.client("sts").get_caller_identity()["Account"] == emulator.world().account


def test_rights_are_simulated_as_the_test_says(bench: Bench) -> None:
    bench.emulator.configure(denied=["ec2:Run*"])
    iam = client(bench.emulator.url, "iam")
    actions = ["ec2:RunInstances", "ec2:DescribeVpcs"]
    answer = iam.simulate_principal_policy(PolicySourceArn=bench.world.role, ActionNames=actions)
    decided = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    assert decided == {"ec2:RunInstances": "implicitDeny", "ec2:DescribeVpcs": "allowed"}
    first = iam.simulate_principal_policy(PolicySourceArn=bench.world.role, ActionNames=["ec2:DescribeVpcs"] * 101)
    assert (len(first["EvaluationResults"]), first["IsTruncated"]) == (100, True)


def test_a_roles_session_is_who_asks_and_not_whose_rights_are_simulated(bench: Bench) -> None:
    sts, iam = client(bench.emulator.url, "sts"), client(bench.emulator.url, "iam")
    assert ":iam::123456789012:user/" in sts.get_caller_identity()["Arn"]
    keys = sts.assume_role(RoleArn=bench.world.role, RoleSessionName="phoenix")["Credentials"]
    session = boto3.client(
        "sts",
        endpoint_url=bench.emulator.url,
        region_name="eu-west-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).get_caller_identity()["Arn"]
    assert session == "arn:aws:sts::123456789012:assumed-role/machine/phoenix"
    with refused("InvalidInput", "does not clearly define entity type and name"):
        iam.simulate_principal_policy(PolicySourceArn=session, ActionNames=["ec2:DescribeVpcs"])


def test_quotas_are_as_the_test_says(bench: Bench) -> None:
    quotas = client(bench.emulator.url, "service-quotas")
    ask = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    assert quotas.get_service_quota(**ask)["Quota"]["Value"] == 64
    bench.emulator.configure(quotas={"L-1216C47A": 5})
    assert quotas.get_service_quota(**ask)["Quota"]["Value"] == 5
    assert {one["QuotaCode"] for one in quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]} >= {"L-1216C47A"}
    with refused("NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")


def test_alarms_are_described(bench: Bench) -> None:
    cloudwatch = client(bench.emulator.url, "cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="HTTPCode_ELB_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="the test")
    (shown,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert shown["StateValue"] == "ALARM"


def test_policies_and_scheduled_actions_are_kept_with_their_group(bench: Bench) -> None:
    bench.group(size=1)
    target = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
    }
    put = bench.asg.put_scaling_policy(
        AutoScalingGroupName="web",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=target,
    )
    (policy,) = bench.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"]
    assert policy["PolicyARN"] == put["PolicyARN"]
    assert policy["TargetTrackingConfiguration"] == target
    assert len(policy["Alarms"]) == 2
    bench.asg.put_scheduled_update_group_action(
        AutoScalingGroupName="web", ScheduledActionName="night", Recurrence="0 22 * * *", DesiredCapacity=1
    )
    (action,) = bench.asg.describe_scheduled_actions(AutoScalingGroupName="web")["ScheduledUpdateGroupActions"]
    assert (action["Recurrence"], action["DesiredCapacity"]) == ("0 22 * * *", 1)
    bench.asg.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="night")
    bench.asg.delete_policy(AutoScalingGroupName="web", PolicyName="cpu")
    assert bench.asg.describe_policies(AutoScalingGroupName="web")["ScalingPolicies"] == []


def test_warm_pools_and_notifications_are_kept(bench: Bench) -> None:
    bench.group(size=1)
    bench.asg.put_warm_pool(AutoScalingGroupName="web", MinSize=2)
    assert bench.asg.describe_warm_pool(AutoScalingGroupName="web")["WarmPoolConfiguration"]["MinSize"] == 2
    assert bench.described()["WarmPoolConfiguration"]["MinSize"] == 2
    topic = "arn:aws:sns:eu-west-1:123456789012:groups"
    bench.asg.put_notification_configuration(
        AutoScalingGroupName="web", TopicARN=topic, NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH"]
    )
    found = bench.asg.describe_notification_configurations(AutoScalingGroupNames=["web"])
    assert [one["TopicARN"] for one in found["NotificationConfigurations"]] == [topic]
    bench.asg.delete_notification_configuration(AutoScalingGroupName="web", TopicARN=topic)
    bench.asg.delete_warm_pool(AutoScalingGroupName="web", ForceDelete=True)
    assert "WarmPoolConfiguration" not in bench.asg.describe_warm_pool(AutoScalingGroupName="web")
