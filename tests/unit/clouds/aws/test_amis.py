"""What `base` of a recipe means, and which AMI an image is, from AWS's own answers."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.aws.bake import amis
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.errors import RefusedError, SpecError
from tests.unit.clouds.aws.account import Account, no

PATTERN = "136693071363/debian-12-amd64-*"


def debian(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "ImageId": f"ami-{number}",
        "Name": f"debian-12-amd64-2025{number:04}",
        "State": "available",
        "CreationDate": f"2025-{number:02}-01T00:00:00.000Z",
        "Architecture": "x86_64",
        **changes,
    }


def base(account: Account, wanted: str) -> str:
    return amis.base(account, wanted, architecture="x86_64", region="eu-west-1").id


def test_a_pattern_is_the_newest_of_its_owner() -> None:
    account = Account(describe_images={"Images": [debian(3), debian(11), debian(7)]})
    assert base(account, PATTERN) == "ami-11"
    (asked,) = account.of("describe_images")
    assert asked["Owners"] == ["136693071363"]
    assert {each["Name"]: each["Values"] for each in asked["Filters"]} == {
        "name": ["debian-12-amd64-*"],
        "architecture": ["x86_64"],
        "root-device-type": ["ebs"],
        "virtualization-type": ["hvm"],
        "state": ["available"],
    }


def test_an_id_is_itself_where_it_can_be_started() -> None:
    account = Account(describe_images={"Images": [debian(3)]})
    assert base(account, "ami-3") == "ami-3"
    assert account.of("describe_images") == [{"ImageIds": ["ami-3"]}]


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (PATTERN, {"Images": []}),
        ("ami-3", no("InvalidAMIID.NotFound")),
        ("ami-3", {"Images": [debian(3, State="deregistered")]}),
        ("ami-3", {"Images": [debian(3, Architecture="arm64")]}),
    ],
)
def test_a_base_that_is_not_there_is_refused_by_its_name(wanted: str, answer: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        base(Account(describe_images=answer), wanted)
    assert f"no AMI {wanted} for x86_64 in eu-west-1" in caught.value.brief


@pytest.mark.parametrize("wanted", ["bookworm", "debian-cloud/debian-12", "136693071363/", "ami-"])
def test_a_base_of_another_form_is_a_mistake(wanted: str) -> None:
    with pytest.raises(SpecError, match="names no AMI"):
        base(Account(), wanted)


def test_no_answer_is_not_no() -> None:
    with pytest.raises(RefusedCallError):
        base(Account(describe_images=no("UnauthorizedOperation")), "ami-3")


def test_an_image_is_found_by_project_and_id() -> None:
    ours = debian(3, Tags=[{"Key": "phoenix:image", "Value": "x"}])
    account = Account(describe_images={"Images": [debian(9, State="pending"), ours]})
    found = amis.find(account, "shop", "x")
    assert found is not None
    assert found.id == "ami-3"
    (asked,) = account.of("describe_images")
    assert asked["Filters"] == [
        {"Name": "tag:phoenix:project", "Values": ["shop"]},
        {"Name": "tag:phoenix:image", "Values": ["x"]},
    ]
    assert amis.find(Account(), "shop", "x") is None
