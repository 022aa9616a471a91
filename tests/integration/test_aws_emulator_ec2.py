"""The emulator's EC2 against its API's reference: launch templates, AMIs, instances and their consoles."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench, client, refused


@pytest.fixture
def bench(emulator: Emulator) -> Bench:
    emulator.configure(speed=0)
    return Bench(emulator)


def run(bench: Bench, **more: Any) -> str:
    asked = {"ImageId": bench.world.image, "InstanceType": "t3.small", "SubnetId": bench.world.subnets[0], **more}
    return str(bench.ec2.run_instances(MinCount=1, MaxCount=1, **asked)["Instances"][0]["InstanceId"])


def instance(bench: Bench, id: str) -> Any:
    (found,) = bench.ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"]
    return found


def versions(bench: Bench, **asked: Any) -> list[int]:
    shown = bench.ec2.describe_launch_template_versions(LaunchTemplateName="web", **asked)["LaunchTemplateVersions"]
    return [one["VersionNumber"] for one in shown]


def test_a_later_version_takes_over_what_it_does_not_say(bench: Bench) -> None:
    bench.template(UserData="b25l")
    made = bench.ec2.create_launch_template_version(
        LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData={"UserData": "dHdv"}
    )["LaunchTemplateVersion"]
    assert made["VersionNumber"] == 2
    assert made["LaunchTemplateData"]["InstanceType"] == "t3.small"
    assert made["LaunchTemplateData"]["UserData"] == "dHdv"


def test_versions_are_deleted_but_for_the_default_one(bench: Bench) -> None:
    bench.template()
    for _each in range(2):
        bench.ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={})
    answer = bench.ec2.delete_launch_template_versions(LaunchTemplateName="web", Versions=["1", "2", "9"])
    done = [one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]]
    not_done = [one["VersionNumber"] for one in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]]
    assert (done, not_done) == ([2], [1, 9])
    assert versions(bench) == [3, 1]
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        versions(bench, Versions=["2"])
    bench.ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={})
    assert versions(bench, Versions=["$Latest"]) == [4], "a number is given once"


def test_templates_and_versions_are_listed_in_pages(bench: Bench) -> None:
    for number in range(17):
        bench.template(f"web-{number}")
    pages = bench.ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 5})
    assert len([one for page in pages for one in page["LaunchTemplates"]]) == 17
    assert len(bench.ec2.describe_launch_templates()["LaunchTemplates"]) == 17
    with refused("InvalidLaunchTemplateName.NotFoundException"):
        bench.ec2.describe_launch_templates(LaunchTemplateNames=["nothing"])


def test_a_template_is_made_once_by_its_token(bench: Bench) -> None:
    asked = {"LaunchTemplateName": "web", "LaunchTemplateData": {"ImageId": bench.world.image}, "ClientToken": "one"}
    first = bench.ec2.create_launch_template(**asked)["LaunchTemplate"]["LaunchTemplateId"]
    assert bench.ec2.create_launch_template(**asked)["LaunchTemplate"]["LaunchTemplateId"] == first
    with refused("InvalidLaunchTemplateName.AlreadyExistsException"):
        bench.ec2.create_launch_template(**{**asked, "ClientToken": "two"})


def test_a_templates_own_tags_are_not_its_instances(bench: Bench) -> None:
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "own", "Value": "yes"}]}]
    bench.ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": bench.world.image}, TagSpecifications=tags
    )
    shown = bench.ec2.describe_launch_templates(Filters=[{"Name": "tag:own", "Values": ["yes"]}])["LaunchTemplates"]
    assert [one["LaunchTemplateName"] for one in shown] == ["web"]
    data = bench.ec2.describe_launch_template_versions(LaunchTemplateName="web")["LaunchTemplateVersions"][0]
    assert "TagSpecifications" not in data["LaunchTemplateData"]


def test_user_data_has_its_limit(bench: Bench) -> None:
    bench.template(UserData=base64.b64encode(b"x" * 16384).decode())
    with refused("InvalidParameterValue", "16384"):
        bench.template("other", UserData=base64.b64encode(b"x" * 16387).decode())


def test_an_instance_is_pending_and_shutting_down_for_a_time(bench: Bench) -> None:
    bench.emulator.configure(pending=20, terminating=30)
    id = run(bench)
    assert instance(bench, id)["State"]["Name"] == "pending"
    bench.emulator.advance(20)
    assert instance(bench, id)["State"]["Name"] == "running"
    (status,) = bench.ec2.describe_instance_status(InstanceIds=[id])["InstanceStatuses"]
    assert status["InstanceStatus"]["Status"] == "ok"
    for _each in range(2):
        bench.ec2.terminate_instances(InstanceIds=[id])
        assert instance(bench, id)["State"]["Name"] == "shutting-down"
    bench.emulator.advance(30)
    assert instance(bench, id)["State"]["Name"] == "terminated"
    bench.ec2.terminate_instances(InstanceIds=[id])
    bench.emulator.advance(3600)
    with refused("InvalidInstanceID.NotFound"):
        instance(bench, id)


def test_a_protected_instance_is_not_ended(bench: Bench) -> None:
    id = run(bench)
    bench.ec2.modify_instance_attribute(InstanceId=id, DisableApiTermination={"Value": True})
    with refused("OperationNotPermitted"):
        bench.ec2.terminate_instances(InstanceIds=[id])
    assert instance(bench, id)["State"]["Name"] == "running"


def test_an_instance_is_started_once_by_its_token(bench: Bench) -> None:
    assert run(bench, ClientToken="one") == run(bench, ClientToken="one")
    assert run(bench, ClientToken="two") != run(bench, ClientToken="one")
    with refused("IdempotentParameterMismatch"):
        run(bench, ClientToken="one", InstanceType="t3.large")


def test_an_instance_starts_only_from_an_ami_that_is_available(bench: Bench) -> None:
    bench.emulator.configure(ami_pending=60)
    made = bench.ec2.create_image(InstanceId=run(bench), Name="mine")["ImageId"]
    with refused("InvalidAMIID.Unavailable"):
        run(bench, ImageId=made)
    bench.emulator.advance(60)
    run(bench, ImageId=made)
    bench.ec2.deregister_image(ImageId=made)
    with refused("InvalidAMIID.NotFound"):
        run(bench, ImageId=made)
    with refused("InvalidAMIID.Unavailable"):
        bench.ec2.deregister_image(ImageId=made)


def test_a_console_says_what_the_test_says(bench: Bench) -> None:
    id = run(bench)
    assert "Output" not in bench.ec2.get_console_output(InstanceId=id)
    bench.emulator.console(bench.world.image, "phoenix-boot: failed: no package\n")
    assert bench.ec2.get_console_output(InstanceId=id)["Output"] == "phoenix-boot: failed: no package\n"
    bench.emulator.console(id, "its own")
    assert bench.ec2.get_console_output(InstanceId=id)["Output"] == "its own"


def test_an_ami_is_pending_then_available_with_what_it_was_made_of(bench: Bench) -> None:
    bench.emulator.configure(ami_pending=60)
    disk = {"VolumeSize": 12, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    id = run(bench, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": disk}])
    tags = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]} for kind in ("image", "snapshot")]
    made = bench.ec2.create_image(InstanceId=id, Name="mine", Description="words", TagSpecifications=tags)["ImageId"]
    assert image(bench, made)["State"] == "pending"
    bench.emulator.advance(60)
    shown = image(bench, made)
    assert (shown["State"], shown["RootDeviceType"], shown["Description"]) == ("available", "ebs", "words")
    assert shown["Tags"] == [{"Key": "of", "Value": "image"}]
    (mapping,) = shown["BlockDeviceMappings"]
    snapshot = mapping["Ebs"].pop("SnapshotId")
    assert mapping == {"DeviceName": "/dev/xvda", "Ebs": disk}
    (kept,) = bench.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert (kept["Tags"], kept["Encrypted"]) == ([{"Key": "of", "Value": "snapshot"}], True)
    with refused("InvalidAMIName.Duplicate", made):
        bench.ec2.create_image(InstanceId=id, Name="mine")
    bench.ec2.deregister_image(ImageId=made, DeleteAssociatedSnapshots=True)
    with refused("InvalidSnapshot.NotFound"):
        bench.ec2.describe_snapshots(SnapshotIds=[snapshot])


def test_an_amis_description_deprecation_and_protection_are_kept(bench: Bench) -> None:
    id = bench.world.image
    bench.ec2.modify_image_attribute(ImageId=id, Description={"Value": "better words"})
    bench.ec2.enable_image_deprecation(ImageId=id, DeprecateAt="2027-01-01T00:00:00Z")
    shown = image(bench, id)
    assert shown["Description"] == "better words"
    assert shown["DeprecationTime"].startswith("2027-01-01T00:00:00")
    bench.ec2.enable_image_deregistration_protection(ImageId=id)
    with refused("OperationNotPermitted"):
        bench.ec2.deregister_image(ImageId=id)
    bench.ec2.disable_image_deregistration_protection(ImageId=id)
    bench.ec2.deregister_image(ImageId=id)


def test_a_copy_has_the_tags_that_it_is_told_to_have(bench: Bench) -> None:
    there = client(bench.emulator.url, "ec2")
    asked = {"SourceImageId": bench.world.image, "SourceRegion": "eu-west-1"}
    plain = there.copy_image(**asked, Name="plain")["ImageId"]
    assert image(bench, plain).get("Tags", []) == []
    tags = [{"ResourceType": "image", "Tags": [{"Key": "more", "Value": "yes"}]}]
    full = there.copy_image(**asked, Name="full", CopyImageTags=True, TagSpecifications=tags)["ImageId"]
    shown = {tag["Key"]: tag["Value"] for tag in image(bench, full)["Tags"]}
    assert (shown["phoenix:image"], shown["more"]) == ("os/debian-12", "yes")


def test_amis_are_found_by_owner_and_name(bench: Bench) -> None:
    name = [{"Name": "name", "Values": ["debian-12-amd64-*"]}]
    found = bench.ec2.describe_images(Owners=["136693071363"], Filters=name)["Images"]
    assert [one["ImageId"] for one in found] == [bench.world.base_image]
    assert bench.ec2.describe_images(Owners=["self"], Filters=name)["Images"] == []
    mine = bench.ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:phoenix:project", "Values": ["test"]}])
    assert [one["ImageId"] for one in mine["Images"]] == [bench.world.image]


def image(bench: Bench, id: str) -> Any:
    (found,) = bench.ec2.describe_images(ImageIds=[id])["Images"]
    return found
