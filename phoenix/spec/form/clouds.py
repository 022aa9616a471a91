"""The form of `clouds`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from phoenix.spec.clouds import AwsAmis, AwsBuilder, AwsCloud, AwsReach, LocalCloud, MachineEngine
from phoenix.spec.form.fields import Boolean, Bytes, Directory, Duration, Form, Matches, Word, located
from phoenix.spec.form.gcp import GcpCloudForm

Mirror = Annotated[
    str, Matches(re.compile(r"(https?://[^\s@'\"\\]+|file:///[^\s'\"\\]*)"), "mirror", "http://HOST/PATH")
]

# AWS's own rules: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
TagKey = Annotated[
    str,
    Matches(
        re.compile(r"(?!aws:|phoenix:)[\w .:/=+@-]{1,128}"),
        "tag",
        "1 to 128 letters, digits, blanks and . : / = + - @ _, beginning with neither aws: nor phoenix:",
    ),
]
TagValue = Annotated[
    str,
    Matches(
        re.compile(r"[\w .:/=+@-]{0,256}"), "value of a tag", "at most 256 letters, digits, blanks and . : / = + - @ _"
    ),
]
MOST_TAGS = 25
"""AWS takes 50 on a thing; phoenix's own on an image or a rule need the others."""


class LocalCloudForm(Form):
    """Real machines on this computer behind HAProxy."""

    kind: Literal["local"] = Field(description="Where the machines are.")
    machines: Literal["auto", "qemu", "light"] = Field(
        default="auto",
        description="What runs them; auto: KVM where proven, else light as root, else emulated QEMU.",
        examples=["light"],
    )
    root: Directory | None = Field(
        default=None,
        description="Directory of groups and balancers; `local` in the state directory.",
        examples=["/srv/phoenix"],
    )
    images: Directory | None = Field(
        default=None,
        description="Directory of images, which projects of one machine may share; `images` below `root`.",
        examples=["/srv/phoenix/images"],
    )
    mirror: Mirror | None = Field(
        default=None,
        description="Debian mirror of the lowest layer; the one this machine uses.",
        examples=["http://deb.debian.org/debian"],
    )

    def read(self, name: str, directory: Path, state: Path) -> LocalCloud:
        """The frozen value; relative paths start at the project's `directory`."""
        root = located(self.root, directory) if self.root else state / "local"
        return LocalCloud(
            name=name,
            machines=MachineEngine(self.machines),
            root=root,
            images=located(self.images, directory) if self.images else root / "images",
            mirror=self.mirror.rstrip("/") if self.mirror else None,
        )


class AwsBuilderForm(Form):
    """The machine that images are built on and proven on."""

    type: Word = Field(default="t3.medium", description="Machine type.", examples=["t3.large"])
    disk: Bytes | None = Field(default=None, description="Size of its disk; as large as the base image's.")
    profile: Word | None = Field(default=None, description="Instance profile.", examples=["builder"])
    subnet: Word | None = Field(
        default=None, description="Subnet; the first of the cloud's.", examples=["subnet-0a1b2c3d"]
    )
    firewall: list[Word] = Field(
        default=[], description="Security groups; one of its own, which lets in SSH alone.", examples=[["sg-0a1b2c3d"]]
    )
    reach: Literal["public", "private", "ssm"] = Field(
        default="public",
        description="How it is reached: SSH at its public or private address, or Session Manager.",
        examples=["ssm"],
    )
    spot: Boolean = Field(default=False, description="Whether it may be a spot instance.")
    tenancy: Literal["default", "dedicated", "host"] = Field(default="default", description="Whose hardware it is on.")

    def read(self) -> AwsBuilder:
        """The frozen value."""
        return AwsBuilder(
            type=self.type,
            disk=self.disk,
            profile=self.profile,
            subnet=self.subnet,
            firewall=tuple(self.firewall),
            reach=AwsReach(self.reach),
            spot=self.spot,
            tenancy=self.tenancy,
        )


class AwsAmisForm(Form):
    """How AMIs are kept."""

    encrypt: Boolean = Field(default=True, description="Whether their snapshots are encrypted.", examples=[False])
    kms: Word | None = Field(
        default=None,
        description="Key that encrypts: id, alias or ARN; the account's for EBS.",
        examples=["alias/images"],
    )
    deprecate_after: Duration | None = Field(
        default=None, description="Age from which searches leave them out; never.", examples=["90d"]
    )
    architecture: Literal["x86_64", "arm64"] = Field(
        default="x86_64", description="Processors that they are for.", examples=["arm64"]
    )

    def read(self) -> AwsAmis:
        """The frozen value."""
        return AwsAmis(
            encrypt=self.encrypt,
            kms=self.kms,
            deprecate_after=self.deprecate_after,
            architecture=self.architecture,
        )


class AwsCloudForm(Form):
    """An AWS region with the subnets that machines start in."""

    kind: Literal["aws"] = Field(description="Where the machines are.")
    region: Word = Field(description="Region of groups and balancers, such as eu-west-1.", examples=["eu-west-1"])
    subnets: Annotated[list[Word], Field(min_length=1)] = Field(
        description="Subnets the machines start in.", examples=[["subnet-0a1b2c3d", "subnet-4e5f6a7b"]]
    )
    profile: Word | None = Field(
        default=None,
        description="Profile of the SDK's configuration files; what the SDK's own chain finds.",
        examples=["ci"],
    )
    assume_role: Word | None = Field(
        default=None,
        description="ARN of the role that works there; whoever the SDK's own chain finds.",
        examples=["arn:aws:iam::123456789012:role/phoenix"],
    )
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=MOST_TAGS)] = Field(
        default={}, description="Tags on everything that is made.", examples=[{"team": "web"}]
    )
    builder: AwsBuilderForm = Field(
        default_factory=AwsBuilderForm,
        description="The machine that builds images.",
        examples=[{"type": "t3.medium", "reach": "ssm"}],
    )
    images: AwsAmisForm = Field(
        default_factory=AwsAmisForm,
        description="How its AMIs are made and kept.",
        examples=[{"deprecate_after": "90d"}],
    )

    def read(self, name: str) -> AwsCloud:
        """The frozen value."""
        return AwsCloud(
            name=name,
            region=self.region,
            subnets=tuple(self.subnets),
            profile=self.profile,
            assume_role=self.assume_role,
            tags=dict(self.tags),
            builder=self.builder.read(),
            images=self.images.read(),
        )


CloudForm = Annotated[LocalCloudForm | GcpCloudForm | AwsCloudForm, Field(discriminator="kind")]
