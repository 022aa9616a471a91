"""The Packer template of AWS: what a bare entry of phoenix.yaml gives, and what each of its keys puts into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from phoenix.clouds.aws.bake import template
from phoenix.errors import RefusedError
from phoenix.spec.clouds import AwsAmis, AwsBuilder, AwsCloud, AwsReach
from phoenix.tools.render import Renderer

BARE = AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"))
FULL = AwsCloud(
    name="aws",
    region="eu-west-1",
    subnets=("subnet-a",),
    tags={"cost centre": "42", "team": "${web}"},
    builder=AwsBuilder(
        type="m7g.large",
        disk=20 * 1024**3 + 1,
        profile="ci",
        subnet="subnet-z",
        firewall=("sg-1", "sg-2"),
        reach=AwsReach.SSM,
        spot=True,
        tenancy="dedicated",
    ),
    images=AwsAmis(kms="alias/shop", architecture="arm64"),
)
PATTERN = "136693071363/debian-12-amd64-*"
BUILDER = """\
  region                      = var.region
  custom_endpoint_ec2         = var.endpoint
  skip_region_validation      = true
  skip_credential_validation  = true
  skip_metadata_api_check     = true
  instance_type               = var.instance_type
  iam_instance_profile        = ""
  subnet_id                   = var.subnet_id
  security_group_ids          = var.security_group_ids
  associate_public_ip_address = true
  shutdown_behavior           = "terminate"
  user_data                   = var.user_data
  source_ami                  = var.source_ami
  source_ami_filter {
    owners      = [var.source_owner]
    most_recent = true
    filters = {
      name                = var.source_name
      architecture        = "x86_64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  launch_block_device_mappings {
    device_name           = var.root_device
    volume_type           = "gp3"
    volume_size           = var.disk_size
    iops                  = 3000
    throughput            = 125
    encrypted             = true
    kms_key_id            = ""
    delete_on_termination = true
  }

  ami_name        = var.image_id
  ami_description = "${var.image_id}, baked by phoenix"
  tags            = local.image_tags
  snapshot_tags   = local.image_tags
  run_tags        = local.builder_tags
  run_volume_tags = local.builder_tags

  communicator           = "ssh"
  ssh_interface          = "public_ip"
  ssh_username           = "root"
  ssh_private_key_file   = var.ssh_private_key_file
  ssh_timeout            = "10m"
  ssh_handshake_attempts = 100 # a slow machine refuses the key until cloud-init has let it in
  aws_polling {
    delay_seconds = 5
    max_attempts  = 360
  }
"""
IDENTITY = {
    "ref": "os/debian-12 of shop",
    "project": "shop",
    "type": "os",
    "name": "debian-12",
    "image_id": "shop-os-debian-12-0123456789ab",
    "key": "0123456789abcdef",
    "parent": "",
}


@pytest.fixture(autouse=True)
def old_packer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's."""
    found(monkeypatch, (1, 6, 6))


def found(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int] | None) -> None:
    def answer() -> tuple[int, int, int]:
        if version is None:
            raise RefusedError("the program 'packer' is missing")
        return version

    template._knows_metadata_options.cache_clear()
    monkeypatch.setattr("phoenix.tools.packer.version", answer)


def rendered(spec: AwsCloud | None, base: str | None = PATTERN, parent: str | None = None) -> str:
    made = template.template(spec, base=base, parent=parent)
    return Renderer().render(made.file, {**IDENTITY, **made.variables})


def source(text: str) -> str:
    """The block of the builder."""
    found = re.search(r'^source "amazon-ebs" "image" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def keys(text: str) -> Mapping[str, str]:
    """What stands in the block, wherever in it."""
    return dict(re.findall(r"^ +(\w+) += (.*)$", source(text), re.MULTILINE))


def default(text: str, variable: str) -> str | None:
    block = re.search(rf'^variable "{variable}" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL)
    assert block, variable
    value = re.search(r"^  default +\= (.*)$", block[1], re.MULTILINE)
    return value[1] if value else None


def test_the_builder_of_a_bare_entry() -> None:
    assert source(rendered(BARE)) == BUILDER


def test_every_key_of_an_entry_stands_in_the_template() -> None:
    text = rendered(FULL)
    assert {
        name: default(text, name)
        for name in ("region", "subnet_id", "security_group_ids", "instance_type", "disk_size", "tags")
    } == {
        "region": '"eu-west-1"',
        "subnet_id": '"subnet-z"',
        "security_group_ids": '["sg-1", "sg-2"]',
        "instance_type": '"m7g.large"',
        "disk_size": "21",
        "tags": '{ "cost centre" = "42", "team" = "$${web}" }',
    }
    expected = {
        "spot_price": '"auto"',
        "spot_tags": "local.builder_tags",
        "tenancy": '"dedicated"',
        "iam_instance_profile": '"ci"',
        "associate_public_ip_address": "false",
        "architecture": '"arm64"',
        "encrypted": "true",
        "kms_key_id": '"alias/shop"',
        "ssh_interface": '"session_manager"',
    }
    assert expected.items() <= keys(text).items()


@pytest.mark.parametrize(
    ("reach", "interface", "public"),
    [("public", "public_ip", "true"), ("private", "private_ip", "false"), ("ssm", "session_manager", "false")],
)
def test_how_the_builder_is_reached(reach: str, interface: str, public: str) -> None:
    text = keys(rendered(replace(BARE, builder=AwsBuilder(reach=AwsReach(reach)))))
    assert (text["ssh_interface"], text["associate_public_ip_address"]) == (f'"{interface}"', public)


def test_an_image_that_is_not_to_be_encrypted() -> None:
    assert not {"encrypted", "kms_key_id"} & keys(rendered(replace(BARE, images=AwsAmis(encrypt=False)))).keys()


def test_everything_that_is_made_is_tagged_and_the_builder_is_told_from_the_image() -> None:
    """Packer 1.10 and later put `run_tags` on the AMI, too: the same key has another value in `tags`, written later."""
    text = rendered(BARE)
    for name in ("bake_tags = merge(var.tags, {", "image_tags = merge(local.bake_tags, {"):
        assert name in text
    assert '"phoenix:role" = "builder"' in text
    assert '"phoenix:role"   = "unproven"' in text
    assert {"tags", "snapshot_tags", "run_tags", "run_volume_tags"} <= keys(text).keys()


@pytest.mark.parametrize(
    ("base", "parent", "unknown", "filtered"),
    [
        (PATTERN, None, set(), True),
        ("ami-0123", None, set(), False),
        (None, None, {"source_owner", "source_name"}, True),
        (None, "", {"source_ami"}, False),
        (None, "shop-os-debian-12-0123", {"source_ami"}, False),
    ],
)
def test_what_it_starts_from(base: str | None, parent: str | None, unknown: set[str], filtered: bool) -> None:
    made = template.template(BARE, base=base, parent=parent)
    assert {name for name, value in made.variables.items() if value is None} == unknown
    assert unknown <= made.stand_ins.keys()
    assert ("source_ami_filter" in source(rendered(BARE, base, parent))) is filtered


def test_an_ami_of_a_base_stands_in_it_by_its_id() -> None:
    assert default(rendered(BARE, "ami-0123"), "source_ami") == '"ami-0123"'


@pytest.mark.parametrize(
    ("version", "known"),
    [((1, 6, 6), False), ((1, 7, 10), False), ((1, 8, 0), True), ((1, 16, 0), True), (None, False)],
)
def test_tokens_are_required_where_packer_knows_them(
    monkeypatch: pytest.MonkeyPatch, version: Any, known: bool
) -> None:
    found(monkeypatch, version)
    text = source(rendered(BARE))
    assert ("metadata_options" in text) is known
    assert ('http_tokens                 = "required"' in text) is known


def test_packer_is_not_asked_for_the_name_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bake that is a hit starts no program."""

    def never() -> tuple[int, int, int]:
        raise AssertionError

    template._knows_metadata_options.cache_clear()
    monkeypatch.setattr("phoenix.tools.packer.version", never)
    assert template.template(BARE, base=None, parent=None).file == "packer/aws.pkr.hcl.j2"
