"""The form of `clouds`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from phoenix.spec.clouds import AwsCloud, GcpCloud, LocalCloud, MachineEngine
from phoenix.spec.form.fields import Directory, Form, Matches, Word, located

Mirror = Annotated[
    str, Matches(re.compile(r"(https?://[^\s@'\"\\]+|file:///[^\s'\"\\]*)"), "mirror", "http://HOST/PATH")
]


class LocalCloudForm(Form):
    """Real machines on this computer behind HAProxy."""

    kind: Literal["local"] = Field(description="Where the machines are.")
    machines: Literal["auto", "qemu", "light"] = Field(
        default="auto", description="What runs them; auto: KVM where proven, else light as root, else emulated QEMU."
    )
    root: Directory | None = Field(
        default=None, description="Directory of groups and balancers; in the state directory."
    )
    images: Directory | None = Field(
        default=None, description="Directory of images; projects of one machine may share it."
    )
    mirror: Mirror | None = Field(
        default=None, description="Debian mirror of the lowest layer; the one this machine uses."
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


class GcpCloudForm(Form):
    """A Google Cloud project and region."""

    kind: Literal["gcp"] = Field(description="Where the machines are.")
    project: Word = Field(description="Id of the Google Cloud project.")
    region: Word = Field(description="Region of groups and balancers, such as us-central1.")
    network: Word = Field(default="default", description="VPC network of the machines.")

    def read(self, name: str) -> GcpCloud:
        """The frozen value."""
        return GcpCloud(name=name, project=self.project, region=self.region, network=self.network)


class AwsCloudForm(Form):
    """An AWS region with the subnets that machines start in."""

    kind: Literal["aws"] = Field(description="Where the machines are.")
    region: Word = Field(description="Region of groups and balancers, such as eu-west-1.")
    subnets: Annotated[list[Word], Field(min_length=1)] = Field(description="Subnets the machines start in.")

    def read(self, name: str) -> AwsCloud:
        """The frozen value."""
        return AwsCloud(name=name, region=self.region, subnets=tuple(self.subnets))


CloudForm = Annotated[LocalCloudForm | GcpCloudForm | AwsCloudForm, Field(discriminator="kind")]
