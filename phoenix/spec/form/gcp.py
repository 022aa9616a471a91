"""The form of a cloud of kind gcp."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from phoenix.spec.clouds import GcpBuilder, GcpCloud, GcpImageOptions, GcpReach
from phoenix.spec.form.fields import Boolean, Bytes, Form, Matches, Period, Word, written

# https://cloud.google.com/resource-manager/docs/creating-managing-projects#before_you_begin; older ones have a domain
ProjectId = Annotated[
    str,
    Matches(
        re.compile(r"([a-z][a-z0-9.-]{0,61}[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"),
        "project",
        "its id: 6 to 30 lower-case letters, digits and hyphens, beginning with a letter",
    ),
]
# https://cloud.google.com/compute/docs/naming-resources
RESOURCE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
RESOURCE_FORM = "its name: lower-case letters, digits and hyphens, beginning with a letter, at most 63"
Region = Annotated[str, Matches(re.compile(r"[a-z]+(-[a-z]+)+[0-9]+"), "region", "such as us-central1")]
Zone = Annotated[str, Matches(re.compile(r"[a-z]+(-[a-z]+)+[0-9]+-[a-z0-9]+"), "zone", "such as us-central1-b")]
NetworkName = Annotated[str, Matches(RESOURCE, "network", RESOURCE_FORM)]
SubnetworkName = Annotated[str, Matches(RESOURCE, "subnetwork", RESOURCE_FORM)]
NetworkTag = Annotated[str, Matches(RESOURCE, "network tag", RESOURCE_FORM)]
MachineType = Annotated[str, Matches(RESOURCE, "machine type", "its name alone, such as e2-standard-2")]
# https://cloud.google.com/compute/docs/reference/rest/v1/images: family, 63 with -TYPE-NAME
Family = Annotated[
    str,
    Matches(re.compile(r"[a-z]([-a-z0-9]{0,23}[a-z0-9])?"), "family", "lower-case letters, digits and -, at most 25"),
]
Feature = Annotated[
    str, Matches(re.compile(r"[A-Z][A-Z0-9_]*"), "guest OS feature", "such as UEFI_COMPATIBLE, GVNIC, SEV_CAPABLE")
]
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
ACCOUNT = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+")
Account = Annotated[
    str, Matches(ACCOUNT, "service account", "its e-mail, such as web@acme-prod.iam.gserviceaccount.com")
]
SCOPE = re.compile(r"https://www\.googleapis\.com/auth/[a-z._-]+")
Scope = Annotated[str, Matches(SCOPE, "scope", "its url, such as https://www.googleapis.com/auth/cloud-platform")]
KmsKey = Annotated[
    str,
    Matches(
        re.compile(
            r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+(/cryptoKeyVersions/[0-9]+)?"
        ),
        "key",
        "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, with its version or not",
    ),
]
KEY_EXAMPLE = "projects/acme/locations/eu/keyRings/images/cryptoKeys/images"
# https://cloud.google.com/compute/docs/labeling-resources#requirements; phoenix's own and Google's are theirs
LabelKey = Annotated[
    str,
    Matches(
        re.compile(r"(?!phoenix-|goog)[a-z][a-z0-9_-]{0,62}"),
        "tag",
        "1 to 63 lower-case letters, digits, _ and -, beginning with a letter, and with neither phoenix- nor goog",
    ),
]
LabelValue = Annotated[
    str,
    Matches(re.compile(r"[a-z0-9_-]{0,63}"), "value of a tag", "at most 63 lower-case letters, digits, _ and -"),
]
MOST_LABELS = 32
"""Compute Engine takes 64 on a thing; phoenix's own on an image need the others."""


class GcpBuilderForm(Form):
    """The machine that images are built on and proven on."""

    type: MachineType = Field(default="e2-standard-2", description="Machine type.", examples=["e2-standard-4"])
    disk: Bytes | None = Field(default=None, description="Size of its disk; as large as the base image's.")
    disk_type: Word = Field(default="pd-balanced", description="Type of its disk.", examples=["pd-ssd"])
    zone: Zone | None = Field(
        default=None, description="Where it runs; the zone b of the region.", examples=["us-central1-b"]
    )
    public_ip: Boolean = Field(default=True, description="Whether it gets a public address.", examples=[False])
    iap: Boolean = Field(default=False, description="Whether it is reached through Identity-Aware Proxy.")
    identity: Account | None = Field(
        default=None,
        description="Service account; none, so that nothing there has one.",
        examples=["baker@acme-prod.iam.gserviceaccount.com"],
    )
    scopes: list[Scope] = Field(
        default=[CLOUD_PLATFORM], description="What its account's tokens are good for.", examples=[[CLOUD_PLATFORM]]
    )
    firewall: list[NetworkTag] = Field(
        default=[], description="Network tags, by which firewall rules let in SSH.", examples=[["ssh"]]
    )
    spot: Boolean = Field(default=False, description="Whether it may be a spot machine.")
    max_run_duration: Period = Field(
        default=written("90m"), description="Age at which Compute Engine ends it by itself.", examples=["2h"]
    )
    kms: KmsKey | None = Field(
        default=None, description="Key that encrypts its disk; Google's own.", examples=[KEY_EXAMPLE]
    )

    def read(self, *, secure_boot: bool) -> GcpBuilder:
        """The frozen value; `secure_boot` is the cloud's."""
        private = GcpReach.PUBLIC if self.public_ip else GcpReach.PRIVATE
        return GcpBuilder(
            type=self.type,
            disk=self.disk,
            disk_type=self.disk_type,
            zone=self.zone,
            reach=GcpReach.IAP if self.iap else private,
            identity=self.identity,
            scopes=tuple(self.scopes),
            firewall=tuple(self.firewall),
            spot=self.spot,
            secure_boot=secure_boot,
            max_run_duration=self.max_run_duration,
            kms=self.kms,
        )


class GcpImagesForm(Form):
    """How images are kept."""

    kms: KmsKey | None = Field(
        default=None, description="Key that encrypts them; Google's own.", examples=[KEY_EXAMPLE]
    )
    locations: Annotated[list[Word], Field(max_length=1)] = Field(
        default=[], description="Region or multi-region they are stored in, such as eu; the nearest.", examples=[["eu"]]
    )
    family: Family | None = Field(
        default=None, description="Verified images belong to family FAMILY-TYPE-NAME; none.", examples=["acme"]
    )
    features: list[Feature] = Field(
        default=[], description="Guest OS features beside those of the image below.", examples=[["GVNIC"]]
    )

    def read(self) -> GcpImageOptions:
        """The frozen value."""
        return GcpImageOptions(
            family=self.family,
            kms=self.kms,
            location=next(iter(self.locations), None),
            features=tuple(self.features),
        )


class GcpCloudForm(Form):
    """A region of a Google Cloud project."""

    kind: Literal["gcp"] = Field(description="Where the machines are.")
    project: ProjectId = Field(description="Id of the Google Cloud project.", examples=["acme-prod"])
    region: Region = Field(description="Region of groups and balancers, such as us-central1.", examples=["us-central1"])
    network: NetworkName | None = Field(
        default=None, description="VPC network of the machines; the subnetwork's, else default.", examples=["web"]
    )
    subnetwork: SubnetworkName | None = Field(
        default=None,
        description="Subnetwork of the region; the network's own, where that makes them by itself.",
        examples=["web"],
    )
    host_project: ProjectId | None = Field(
        default=None, description="Project whose network it is (Shared VPC); this one.", examples=["acme-net"]
    )
    impersonate: Account | None = Field(
        default=None,
        description="Service account that works there; whoever Google's own chain finds.",
        examples=["phoenix@acme-prod.iam.gserviceaccount.com"],
    )
    tags: Annotated[dict[LabelKey, LabelValue], Field(max_length=MOST_LABELS)] = Field(
        default={}, description="Labels on everything that is made.", examples=[{"team": "web"}]
    )
    secure_boot: Boolean = Field(default=False, description="Whether machines start signed kernels alone.")
    builder: GcpBuilderForm = Field(
        default_factory=GcpBuilderForm,
        description="The machine that builds images.",
        examples=[{"type": "e2-standard-2", "iap": True}],
    )
    images: GcpImagesForm = Field(
        default_factory=GcpImagesForm, description="How its images are made and kept.", examples=[{"locations": ["eu"]}]
    )

    def read(self, name: str) -> GcpCloud:
        """The frozen value."""
        return GcpCloud(
            name=name,
            project=self.project,
            region=self.region,
            network=self.network or ("" if self.subnetwork else "default"),
            subnetwork=self.subnetwork,
            host_project=self.host_project,
            impersonate=self.impersonate,
            labels=dict(self.tags),
            secure_boot=self.secure_boot,
            builder=self.builder.read(secure_boot=self.secure_boot),
            images=self.images.read(),
        )
