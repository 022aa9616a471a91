"""Auto Scaling groups at the wire, with the real boto3: what AWS is told, and what becomes of calls that go wrong."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.clouds.aws.machines import launch_templates, user_data
from phoenix.errors import CloudError, RefusedError, UnreachableError
from phoenix.model import Size
from tests.emulators.aws import Emulator
from tests.support.real import aws
from tests.support.real.aws import NAME, RELEASE, Account, wanted

LEGACY = "legacy"
MANY = 99
QUOTA = "You have requested more vCPU capacity than your current vCPU limit of 32 allows."


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return aws.account(emulator, "shop")


def tags(answer: Iterable[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer if not tag["Key"].startswith("aws:")}


def test_what_aws_is_told(account: Account) -> None:
    group = account.serving(bounds=Size(wanted=2, least=1, most=6, cpu=60))
    told = account.told(NAME)
    assert (told["MinSize"], told["DesiredCapacity"], told["MaxSize"]) == (1, 2, 6)
    assert (told["HealthCheckType"], told["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert told["LaunchTemplate"]["Version"] == "1"
    assert told["VPCZoneIdentifier"] == ",".join(account.world.subnets)
    assert {instance.zone for instance in group.instances} == set(account.world.zones)
    (policy,) = account.pages("autoscaling", "describe_policies", "ScalingPolicies", AutoScalingGroupName=NAME)
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 60.0


def test_what_its_machines_are(account: Account) -> None:
    account.serving(size=1)
    template = account.ask("ec2", "describe_launch_template_versions", LaunchTemplateName=NAME, Versions=["1"])[
        "LaunchTemplateVersions"
    ][0]["LaunchTemplateData"]
    assert template["MetadataOptions"]["HttpTokens"] == "required"
    assert template["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert user_data.release_of(base64.b64decode(template["UserData"])) == RELEASE
    (reservation,) = account.pages("ec2", "describe_instances", "Reservations")
    (machine,) = reservation["Instances"]
    own = tags(machine["Tags"])
    assert (own["team"], own["phoenix:project"], own["phoenix:release"], own["Name"]) == (
        "shop",
        "shop",
        RELEASE.id,
        NAME,
    )
    assert "phoenix:keep-until" not in own
    (volume,) = account.pages("ec2", "describe_volumes", "Volumes")
    assert tags(volume["Tags"])["phoenix:group"] == NAME


def test_a_look_at_a_group_that_is_well_is_one_call_whatever_its_size(account: Account) -> None:
    account.serving(size=120)
    groups = account.groups()
    groups.find(NAME)
    account.emulator.forget_calls()
    for _look in range(3):
        found = groups.find(NAME)
        assert found is not None
        assert len({instance.address for instance in found.instances}) == 120
    assert [call.action for call in account.emulator.calls()] == ["DescribeAutoScalingGroups"] * 3


def test_a_minute_of_waiting_for_machines_is_a_few_questions(account: Account) -> None:
    account.emulator.configure(capacity=1)
    groups = account.groups()
    groups.create(wanted(), account.template(NAME))
    account.emulator.forget_calls()
    for _look in range(12):
        groups.find(NAME)
        account.clock.sleep(5)
    asked = [call.action for call in account.emulator.calls()]
    assert asked.count("DescribeAutoScalingGroups") == 12
    assert asked.count("DescribeScalingActivities") <= 4
    assert len(asked) <= 18, asked


@pytest.mark.parametrize(("times", "gone"), [(2, False), (3, True)])
def test_a_group_that_was_there_is_not_gone_by_one_old_answer(account: Account, times: int, gone: bool) -> None:
    account.serving()
    groups = account.groups()
    groups.find(NAME)
    account.emulator.fail("autoscaling", "DescribeAutoScalingGroups", empty=True, times=times)
    assert (groups.find(NAME) is None) is gone
    account.emulator.fail("autoscaling", "DescribeAutoScalingGroups", empty=True)
    assert account.groups().find(NAME) is None, "nobody has told this process of it"


def test_a_new_group_may_be_shown_late(account: Account) -> None:
    account.emulator.fail("autoscaling", "DescribeAutoScalingGroups", empty=True, times=4)
    account.groups().create(wanted(), account.template(NAME))
    assert account.seen().size == 2


def test_nobody_asks_per_machine(account: Account) -> None:
    account.serving(size=120)
    account.emulator.forget_calls()
    account.groups().list()
    assert sorted(call.action for call in account.emulator.calls()) == [
        "DescribeAutoScalingGroups",
        "DescribeInstances",
        "DescribeLaunchTemplateVersions",
    ]


@pytest.mark.parametrize(
    ("service", "action"),
    [("ec2", "CreateLaunchTemplate"), ("autoscaling", "CreateAutoScalingGroup"), ("autoscaling", "PutScalingPolicy")],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_to_a_call_that_makes_something(account: Account, service: str, action: str, times: int) -> None:
    """boto3 says it once more; where that is lost, too, whoever rolls says it again."""
    groups, template = account.groups(), account.template(NAME, Size(wanted=2, least=1, most=3, cpu=60))
    account.emulator.fail(service, action, lost=True, times=times)
    if times == 1:
        groups.create(wanted(), template)
    else:
        with pytest.raises(UnreachableError):
            groups.create(wanted(), template)
        groups.create(wanted(), template)
    account.clock.sleep(30)
    assert len(account.seen().instances) == 2
    assert account.left() == [NAME, NAME]
    policies = account.pages("autoscaling", "describe_policies", "ScalingPolicies", AutoScalingGroupName=NAME)
    assert len(list(policies)) == 1


@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded", "ScalingActivityInProgress"])
def test_a_busy_aws_is_no_answer(account: Account, code: str) -> None:
    account.serving()
    groups, until = account.groups(), wanted().created
    verbs: tuple[Callable[[], object], ...] = (
        partial(groups.find, NAME),
        partial(groups.resize, NAME, 3),
        partial(groups.pin, NAME, until=until),
    )
    for verb in verbs:
        account.emulator.fail("autoscaling", ".*", code=code, times=MANY)
        with pytest.raises(UnreachableError):
            verb()
        account.emulator.clear_faults()
        verb()


def test_no_capacity_is_told_and_given_up_when_it_goes_on(account: Account) -> None:
    account.emulator.configure(capacity=1, retry=30)
    groups = account.groups()
    groups.create(wanted(), account.template(NAME))
    account.clock.sleep(10)
    first = groups.find(NAME)
    assert first is not None
    assert "do not have sufficient t3.micro capacity" in first.trouble
    assert not first.hopeless
    account.clock.sleep(90)
    last = groups.find(NAME)
    assert last is not None
    assert last.hopeless
    account.emulator.configure(capacity=9)
    account.clock.sleep(60)
    healed = groups.find(NAME)
    assert healed is not None
    assert (healed.trouble, healed.hopeless, len(healed.instances)) == ("", False, 2)


def test_a_quota_that_is_reached_ends_the_wait_at_once(account: Account) -> None:
    account.emulator.fail("autoscaling", "Launch", message=QUOTA, times=MANY)
    account.groups().create(wanted(), account.template(NAME))
    group = account.seen()
    assert (QUOTA in group.trouble, group.hopeless, group.instances) == (True, True, ())
    account.groups().delete(NAME)
    assert account.left() == []


def test_what_failed_before_a_resize_says_nothing_of_it(account: Account) -> None:
    account.emulator.fail("autoscaling", "Launch", message=QUOTA, times=1)
    groups = account.groups()
    groups.create(wanted(1), account.template(NAME))
    found = groups.find(NAME)
    assert found is not None
    assert found.hopeless
    account.emulator.configure(retry=1e6, pending=60)
    groups.resize(NAME, 2)
    found = groups.find(NAME)
    assert found is not None
    assert (found.size, found.trouble, found.hopeless) == (2, "", False)


def test_a_subnet_that_is_gone(account: Account) -> None:
    account.ask("ec2", "delete_subnet", SubnetId=account.world.subnets[0])
    with pytest.raises(RefusedCallError) as error:
        account.groups().create(wanted(), account.template(NAME))
    assert f"The subnet ID '{account.world.subnets[0]}' does not exist" in error.value.details
    account.groups().delete(NAME)
    assert account.left() == []


def test_an_image_that_is_gone(account: Account) -> None:
    template = account.template(NAME)
    account.ask("ec2", "deregister_image", ImageId=account.world.image)
    for image in (account.world.image, "shop-web-1"):
        with pytest.raises(CloudError, match=f"the image {image} cannot be started from"):
            account.groups().create(wanted(), replace(template, image=image))
    assert account.left() == []


def test_an_image_by_the_name_that_phoenix_gave_it(account: Account) -> None:
    (image,) = account.ask("ec2", "describe_images", ImageIds=[account.world.image])["Images"]
    account.groups().create(wanted(0), replace(account.template(NAME), image=image["Name"]))
    template = account.ask("ec2", "describe_launch_template_versions", LaunchTemplateName=NAME, Versions=["1"])[
        "LaunchTemplateVersions"
    ][0]["LaunchTemplateData"]
    assert template["ImageId"] == account.world.image


def test_no_group_more_fits_in_the_account(account: Account) -> None:
    account.emulator.configure(groups=0)
    with pytest.raises(RefusedCallError) as error:
        account.groups().create(wanted(), account.template(NAME))
    assert error.value.said == "LimitExceeded"
    account.groups().delete(NAME)
    assert account.left() == []


def test_boot_work_that_does_not_fit_makes_nothing(account: Account) -> None:
    noise = base64.b64encode(bytes(range(256)) * 3).decode()
    many = tuple((f"SETTING_{number}", noise[number:] + str(number**9)) for number in range(900))
    release = replace(RELEASE, settings=many)
    with pytest.raises(RefusedError, match="too big for AWS"):
        account.groups().refuse_unfit(release, "#!/bin/sh\n", account.template("big").machine)
    with pytest.raises(RefusedError, match="too big for AWS"):
        account.groups().create(wanted(release=release), account.template(NAME))
    assert account.left() == []


def test_names_that_others_have(account: Account) -> None:
    account.foreign(NAME)
    with pytest.raises(RefusedError, match="did not make"):
        account.groups().create(wanted(), account.template(NAME))
    other = replace(account, project="other")
    with pytest.raises(RefusedError):
        other.groups().delete(NAME)
    assert [each["LaunchTemplateName"] for each in account.templates()] == [NAME], "its own, which bears no label"


def test_a_launch_template_of_somebody_else_is_in_the_way(account: Account) -> None:
    account.ask(
        "ec2", "create_launch_template", LaunchTemplateName=NAME, LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    with pytest.raises(CloudError, match="is not ours"):
        account.groups().create(wanted(), account.template(NAME))
    account.groups().delete(NAME)
    assert account.left() == [NAME]


def test_deleting_waits_for_hooks_and_leaves_nothing(account: Account) -> None:
    account.serving()
    account.ask(
        "autoscaling",
        "put_lifecycle_hook",
        AutoScalingGroupName=NAME,
        LifecycleHookName="save-logs",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=660,
        DefaultResult="CONTINUE",
    )
    began, rounds = account.clock.slept, []
    account.groups().delete(NAME, between=lambda: rounds.append(1))
    assert 630 < account.clock.slept - began < 690  # a little time passes by itself, too
    assert len(rounds) > 300, "a lease is kept meanwhile"
    assert account.left() == []


def test_deleting_drains_as_long_as_the_balancer_does(account: Account) -> None:
    template = account.template(NAME)
    (target_group,) = template.born_with
    account.ask(
        "elbv2",
        "modify_target_group_attributes",
        TargetGroupArn=target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "120"}],
    )
    action = {"Type": "forward", "TargetGroupArn": target_group}
    account.ask("elbv2", "modify_listener", ListenerArn=account.world.listener, DefaultActions=[action])
    account.groups().create(wanted(), template)
    account.clock.sleep(30)
    began = account.clock.slept
    account.groups().delete(NAME)
    assert 110 < account.clock.slept - began < 140
    assert account.left() == []


def test_deleting_what_was_never_made_whole(account: Account) -> None:
    account.emulator.fail("autoscaling", "CreateAutoScalingGroup", code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        account.groups().create(wanted(), account.template(NAME))
    assert account.left() == [NAME]
    (template,) = account.templates()
    account.groups().create(wanted(), account.template("other"))
    assert [each["LaunchTemplateId"] for each in account.templates()] == [template["LaunchTemplateId"]]
    account.groups().delete(NAME)
    assert account.left() == []


def test_what_another_run_left_behind_is_made_anew(account: Account) -> None:
    account.emulator.fail("autoscaling", "CreateAutoScalingGroup", code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        account.groups().create(wanted(), account.template(NAME))
    (left,) = account.templates()
    account.groups().create(wanted(run="roll-2"), account.template("other"))
    (template,) = account.templates()
    assert template["LaunchTemplateId"] != left["LaunchTemplateId"]
    assert account.seen().run == "roll-2"


def test_a_group_that_may_start_nothing_says_so(account: Account) -> None:
    account.serving()
    account.ask("autoscaling", "suspend_processes", AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    account.groups().resize(NAME, 3)
    group = account.seen()
    assert (group.trouble, group.hopeless) == ("its process Launch is suspended", True)


def test_a_sweep_takes_old_templates_that_no_group_has(account: Account) -> None:
    account.emulator.fail("autoscaling", "CreateAutoScalingGroup", code="Throttling", times=2)
    with pytest.raises(UnreachableError):
        account.groups().create(wanted(), account.template(NAME))
    account.foreign(LEGACY)
    assert account.groups().sweep() == (), "somebody may be making it"
    account.clock.slept += launch_templates.FRESH.total_seconds() + 60
    assert account.groups().sweep() == (f"the launch template {NAME}",)
    assert account.left() == [LEGACY]


def test_a_console_is_read(account: Account) -> None:
    machine = account.serving(size=1).instances[0].id
    account.emulator.console(machine, "phoenix-boot: failed: exit code 100, at its packages\n")
    groups = account.groups()
    assert "failed: exit code 100" in groups.logs(machine)["console"]
    account.emulator.fail("ec2", "GetConsoleOutput", code="UnsupportedOperation")
    assert "failed: exit code 100" in groups.logs(machine)["console"]
    assert groups.logs("i-0123456789abcdef0") == {}


def test_who_made_a_group_is_read_in_the_same_step(account: Account) -> None:
    """Somebody takes the labels off between two commands: phoenix does not know the group any more."""
    account.serving()
    gone = [{"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "phoenix:project"}]
    account.ask("autoscaling", "delete_tags", Tags=gone)
    with pytest.raises(RefusedError, match="did not make"):
        account.groups().delete(NAME)
    assert len(account.told(NAME)["Instances"]) == 2
