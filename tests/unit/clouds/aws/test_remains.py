"""What a bake has left: found by its tags, removed in an order that AWS takes, tried again where it cannot go yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from phoenix.clouds.aws.bake import remains
from phoenix.clouds.aws.bake.remains import Thing
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.clouds.aws.labels import Role
from phoenix.clouds.aws.unfinished import Unfinished
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.aws.account import SPEC, Account, no

TAGS = {
    "phoenix:project": "shop",
    "phoenix:image": "shop-os-debian-12-0123",
    "phoenix:role": "builder",
    "phoenix:since": "2026-03-01T11:00:00Z",
}
KINDS = {
    "sg-1": "security-group",
    "vol-1": "volume",
    "i-1": "instance",
    "snap-1": "snapshot",
    "ami-1": "image",
    "lt-1": "launch-template",
}


def rows(kinds: Mapping[str, str], tags: Mapping[str, str]) -> Any:
    """DescribeTags, which answers by key and value, or by id."""

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        filters = {each["Name"]: each["Values"] for each in asked["Filters"]}
        return {
            "Tags": [
                {"ResourceId": each, "ResourceType": kind, "Key": key, "Value": value}
                for each, kind in kinds.items()
                for key, value in tags.items()
                if key in filters.get("key", [key])
                and value in filters.get("value", [value])
                and each in filters.get("resource-id", [each])
            ]
        }

    return answer


def machines(**states: str) -> dict[str, Any]:
    found = [{"InstanceId": name.replace("_", "-"), "State": {"Name": state}} for name, state in states.items()]
    return {"Reservations": [{"Instances": found}] if found else []}


def test_all_that_bears_the_tags_is_found_in_the_order_of_its_removal() -> None:
    account = Account(describe_tags=rows({**KINDS, "eni-1": "network-interface"}, TAGS))
    found = remains.unfinished(account, "shop")
    assert [thing.id for thing in found] == ["ami-1", "lt-1", "i-1", "snap-1", "vol-1", "sg-1"]
    assert found[0].tags == TAGS
    assert account.verbs() == ["describe_tags", "describe_tags"]


@pytest.mark.parametrize("other", [{"phoenix:project": "another"}, {"phoenix:role": "image"}])
def test_what_is_another_projects_or_whole_is_not(other: dict[str, str]) -> None:
    account = Account(describe_tags=rows(KINDS, {**TAGS, **other}))
    assert remains.unfinished(account, "shop") == ()


def test_of_one_image_only() -> None:
    account = Account(describe_tags=rows(KINDS, TAGS))
    assert remains.unfinished(account, "shop", "another") == ()
    assert len(remains.unfinished(account, "shop", "shop-os-debian-12-0123")) == 6


def test_where_nothing_is_left_one_call_tells() -> None:
    account = Account()
    assert remains.unfinished(account, "shop") == ()
    assert account.verbs() == ["describe_tags"]


def things(*ids: str) -> tuple[Thing, ...]:
    return tuple(Thing(kind=KINDS[each], id=each, tags=TAGS) for each in ids)


def test_a_security_group_goes_when_its_machine_has_ended() -> None:
    running, ended = machines(i_1="running"), machines(i_1="terminated")
    account = Account(
        describe_instances=[running, running, ended],
        delete_security_group=[no("DependencyViolation"), {}],
    )
    clock = FakeClock()
    gone = remains.remove(account, things("i-1", "sg-1"), clock)
    assert [thing.id for thing in gone] == ["i-1", "sg-1"]
    assert len(account.of("delete_security_group")) == 2


def test_what_cannot_go_in_time_is_left_to_the_next_sweep() -> None:
    account = Account(delete_security_group=no("DependencyViolation"))
    assert remains.remove(account, things("sg-1"), FakeClock(), patience=10) == ()


def test_what_was_gone_before_is_not_told() -> None:
    account = Account(
        deregister_image=no("InvalidAMIID.Unavailable"),
        delete_snapshot=no("InvalidSnapshot.NotFound"),
        describe_instances=machines(i_1="terminated"),
    )
    assert remains.remove(account, things("ami-1", "snap-1", "i-1"), FakeClock()) == ()
    assert "terminate_instances" not in account.verbs()


def test_a_refusal_is_told() -> None:
    with pytest.raises(RefusedCallError):
        remains.remove(Account(delete_volume=no("UnauthorizedOperation")), things("vol-1"), FakeClock())


@pytest.mark.parametrize(
    ("ami", "removed"),
    [
        ({}, True),
        ({"SourceInstanceId": "i-1"}, True),
        ({"SourceInstanceId": "i-9"}, False),
        ({"CreationDate": "2026-02-01T00:00:00.000Z"}, False),
        ({"Tags": [{"Key": "phoenix:project", "Value": "shop"}]}, False),
    ],
    ids=["of its time", "of its machine", "of another machine", "older", "tagged, so found by its tags"],
)
def test_the_ami_that_packer_had_no_time_to_tag_goes_with_its_builder(ami: dict[str, Any], removed: bool) -> None:
    """Packer before 1.10 writes the tags when the AMI is available, which takes minutes."""
    named = {
        "ImageId": "ami-7",
        "Name": TAGS["phoenix:image"],
        "CreationDate": "2026-03-01T11:30:00.000Z",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-7"}}],
        **ami,
    }
    account = Account(describe_images={"Images": [named]}, describe_instances=machines(i_1="terminated"))
    remains.remove(account, things("i-1"), FakeClock())
    assert account.of("describe_images") == [
        {"Owners": ["self"], "Filters": [{"Name": "name", "Values": ["shop-os-debian-12-0123"]}]}
    ]
    assert account.of("deregister_image") == ([{"ImageId": "ami-7"}] if removed else [])
    assert account.of("delete_snapshot") == ([{"SnapshotId": "snap-7"}] if removed else [])


def current_packers(*, role: str, baker: str) -> Account:
    """What a bake by Packer's plugin 1.1.0 or later has made: AMI and snapshot with the tags of the builder machine."""
    kinds = {each: KINDS[each] for each in ("ami-1", "snap-1", "i-1")}
    tags = {**TAGS, "phoenix:role": role, "phoenix:baker": baker, "phoenix:since": "2020-01-01T00:00:00Z"}
    return Account(describe_tags=rows(kinds, tags), describe_instances=machines(i_1="terminated"))


def test_a_finished_image_that_bears_the_tags_of_its_builder_stays() -> None:
    """For a while, until AWS tells everywhere what Packer has written over them."""
    account = current_packers(role="builder", baker="nobody's")
    mine = Unfinished("shop", SPEC, account, FakeClock())
    with mine.tidy(TAGS["phoenix:image"], (Role.BUILDER, Role.UNPROVEN), lambda: None):
        pass
    assert account.of("deregister_image") == []
    assert account.of("delete_snapshot") == []


@pytest.mark.parametrize("role", ["builder", "unproven"])
def test_an_image_of_a_bake_that_died_goes_whichever_tags_it_has(role: str) -> None:
    account = current_packers(role=role, baker="nobody's")
    Unfinished("shop", SPEC, account, FakeClock()).sweep()
    assert account.of("deregister_image") == [{"ImageId": "ami-1"}]
    assert account.of("delete_snapshot") == [{"SnapshotId": "snap-1"}]


def test_a_whole_image_keeps_the_baker_and_goes_by_no_sweep() -> None:
    """The mark of a bake that is long over is no sign that the image is not finished."""
    account = current_packers(role="image", baker="nobody's")
    assert Unfinished("shop", SPEC, account, FakeClock()).sweep() == ()
    assert account.of("deregister_image") == []


def test_a_thing_is_told_in_words() -> None:
    assert [str(thing) for thing in things("i-1", "sg-1")] == [
        "the machine i-1 of shop-os-debian-12-0123",
        "the security group sg-1 of shop-os-debian-12-0123",
    ]
