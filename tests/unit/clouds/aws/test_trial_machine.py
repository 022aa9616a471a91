"""The machine of a verification: how it is started, what is seen of it, how its tests are run."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix.clouds import rules, trials
from phoenix.clouds.aws.bake import image_reading, way_in
from phoenix.clouds.aws.bake.shells import SystemsManagerShell
from phoenix.clouds.aws.bake.trial_machine import TrialMachine
from phoenix.errors import RefusedError
from phoenix.spec.clouds import AwsBuilder, AwsCloud, AwsReach
from phoenix.wait import Look, Verdict
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.aws.account import SPEC, Account, no

AMI = image_reading.ami({"ImageId": "ami-1", "State": "available"})
WAY = way_in.WayIn(key=Path("/key"), user_data="#!/bin/sh\n", groups=("sg-1",))
TAGS = {"Name": "x", "phoenix:role": "trial", "phoenix:image": "x", "phoenix:baker": "a/b"}
TAGGED = [{"Key": key, "Value": TAGS[key]} for key in sorted(TAGS)]


def started(spec: AwsCloud) -> dict[str, Any]:
    account = Account(run_instances={"Instances": [{"InstanceId": "i-1"}]})
    assert TrialMachine.start(account, spec, AMI, WAY, TAGS).id == "i-1"
    (asked,) = account.of("run_instances")
    return dict(asked)


def test_it_is_started_tagged_with_tokens_only_and_ends_for_good() -> None:
    assert started(SPEC) == {
        "ImageId": "ami-1",
        "InstanceType": "t3.medium",
        "MinCount": 1,
        "MaxCount": 1,
        "UserData": "#!/bin/sh\n",
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "Placement": {"Tenancy": "default"},
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": "subnet-a",
                "Groups": ["sg-1"],
                "AssociatePublicIpAddress": True,
                "DeleteOnTermination": True,
            }
        ],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": TAGGED} for kind in ("instance", "volume", "network-interface")
        ],
    }


def test_the_keys_of_the_builder_count_for_it_too() -> None:
    builder = AwsBuilder(
        type="m7g.large", profile="ci", subnet="subnet-z", reach=AwsReach.SSM, spot=True, tenancy="dedicated"
    )
    asked = started(replace(SPEC, builder=builder))
    assert asked["InstanceType"] == "m7g.large"
    assert asked["IamInstanceProfile"] == {"Name": "ci"}
    assert asked["Placement"] == {"Tenancy": "dedicated"}
    assert asked["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert asked["NetworkInterfaces"][0]["SubnetId"] == "subnet-z"
    assert asked["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
    assert asked["TagSpecifications"][-1]["ResourceType"] == "spot-instances-request"


def described(**machine: Any) -> dict[str, Any]:
    return {"Reservations": [{"Instances": [{"InstanceId": "i-1", **machine}]}]}


def machine(account: Account, *, public: bool = True) -> TrialMachine:
    return TrialMachine(calls=account, id="i-1", public=public)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"Reservations": []}, Verdict.UNKNOWN),
        (described(State={"Name": "pending"}), Verdict.UNKNOWN),
        (described(State={"Name": "running"}, PrivateIpAddress="10.0.0.1"), Verdict.UNKNOWN),
        (described(State={"Name": "running"}, PublicIpAddress="1.2.3.4"), Verdict.PASS),
        (described(State={"Name": "terminated"}, StateReason={"Message": "no disk"}), Verdict.FAIL),
    ],
)
def test_it_runs_when_it_has_the_address_that_it_is_reached_at(answer: dict[str, Any], verdict: Verdict) -> None:
    assert machine(Account(describe_instances=answer)).look().verdict is verdict


def test_its_address() -> None:
    account = Account(describe_instances=described(PublicIpAddress="1.2.3.4", PrivateIpAddress="10.0.0.1"))
    assert machine(account).address() == "1.2.3.4"
    assert machine(account, public=False).address() == "10.0.0.1"
    assert machine(Account(describe_instances={"Reservations": []})).address() == ""


def test_who_does_not_answer_may_have_ended() -> None:
    waiting = Look(verdict=Verdict.UNKNOWN, seen="refused")
    ended = Account(describe_instances=described(State={"Name": "terminated"}, StateReason={"Message": "no disk"}))
    assert machine(ended).or_ended(waiting).seen == "the machine is terminated: no disk"
    running = Account(describe_instances=described(State={"Name": "running"}, PublicIpAddress="1.2.3.4"))
    assert machine(running).or_ended(waiting) == waiting
    there = Look(verdict=Verdict.PASS, seen="")
    asked_nothing = Account()
    assert machine(asked_nothing).or_ended(there) == there
    assert asked_nothing.asked == []


def test_its_console_as_far_as_aws_tells_it() -> None:
    output = {"Output": "login: "}
    assert machine(Account(get_console_output=output)).console() == "login: "
    old_type = Account(get_console_output=[no("UnsupportedOperation"), output])
    assert machine(old_type).console() == "login: "
    assert old_type.of("get_console_output") == [{"InstanceId": "i-1", "Latest": True}, {"InstanceId": "i-1"}]
    assert machine(Account(get_console_output=no("UnauthorizedOperation"))).console() == ""


def result(shell: trials.Shell) -> tuple[bool, str]:
    """How a test on it ends."""
    trial = rules.Trial(name="t", script="true", patience=1)
    (found,) = rules.results((trial,), (trials.report(shell, 0, trial, lambda: None),))
    return found.ok, found.output


def manager(account: Account) -> SystemsManagerShell:
    return SystemsManagerShell(calls=account, machine="i-1", clock=FakeClock())


def test_a_test_by_systems_manager_needs_no_port() -> None:
    told = base64.b64encode(b"fine").decode()
    account = Account(
        send_command={"Command": {"CommandId": "c-1"}},
        get_command_invocation=[
            no("InvocationDoesNotExist"),
            {"Status": "InProgress"},
            {"Status": "Success", "StandardOutputContent": f"trial 0 0 {told}\n"},
        ],
    )
    assert result(manager(account)) == (True, "fine")
    (sent,) = account.of("send_command")
    assert sent["DocumentName"] == "AWS-RunShellScript"
    assert sent["InstanceIds"] == ["i-1"]
    assert "timeout 1 sh -c true" in sent["Parameters"]["commands"][0]


def test_a_command_that_never_comes_back_has_failed() -> None:
    account = Account(send_command={"Command": {"CommandId": "c-1"}}, get_command_invocation={"Status": "InProgress"})
    assert result(manager(account)) == (False, "the machine told nothing of it")


def test_its_agent_calls_when_it_has_booted() -> None:
    online = {"InstanceInformationList": [{"PingStatus": "Online"}]}
    assert manager(Account(describe_instance_information=online)).look().verdict is Verdict.PASS
    nothing = manager(Account(describe_instance_information={"InstanceInformationList": []})).look()
    assert nothing == Look(verdict=Verdict.UNKNOWN, seen="its agent: it has not called yet")


def made(tmp_path: Path, spec: AwsCloud) -> tuple[way_in.WayIn, Account]:
    account = Account(describe_subnets={"Subnets": [{"VpcId": "vpc-1"}]}, create_security_group={"GroupId": "sg-7"})
    return way_in.make(account, spec, TAGS, tmp_path, tmp_path / "log"), account


def test_the_way_in_is_a_key_and_a_group_for_ssh_alone(tmp_path: Path) -> None:
    way, account = made(tmp_path, SPEC)
    public = (tmp_path / "key.pub").read_text().strip()
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" phoenix-builder")
    assert way.user_data.startswith("#cloud-config\n")
    wishes = yaml.safe_load(way.user_data)
    assert (wishes["disable_root"], wishes["ssh_authorized_keys"]) == (False, [public])
    assert "systemd-run --quiet --on-active=90m systemctl poweroff" in wishes["runcmd"][0][-1]
    assert way.groups == ("sg-7",)
    (group,) = account.of("create_security_group")
    assert group["GroupName"] == "phoenix-trial-x-b"
    assert group["TagSpecifications"] == [{"ResourceType": "security-group", "Tags": TAGGED}]
    (rule,) = account.of("authorize_security_group_ingress")
    assert [(each["FromPort"], each["ToPort"]) for each in rule["IpPermissions"]] == [(22, 22)]


def test_session_manager_needs_no_open_port(tmp_path: Path) -> None:
    way, account = made(tmp_path, replace(SPEC, builder=AwsBuilder(reach=AwsReach.SSM, profile="ci")))
    assert way.groups == ("sg-7",)
    assert "authorize_security_group_ingress" not in account.verbs()


def test_groups_of_phoenix_yaml_are_taken_as_they_are(tmp_path: Path) -> None:
    way, account = made(tmp_path, replace(SPEC, builder=AwsBuilder(firewall=("sg-1", "sg-2"))))
    assert way.groups == ("sg-1", "sg-2")
    assert account.asked == []


def test_what_cannot_be_reached_is_refused_before_anything_is_made() -> None:
    with pytest.raises(RefusedError, match="cannot be reached by Session Manager"):
        way_in.refuse_unreachable(replace(SPEC, builder=AwsBuilder(reach=AwsReach.SSM)))
    way_in.refuse_unreachable(replace(SPEC, builder=AwsBuilder(reach=AwsReach.PRIVATE)))
    with pytest.raises(RefusedError, match="no subnet"):
        way_in.subnet(replace(SPEC, subnets=()))
