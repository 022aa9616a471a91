"""The form of what a cloud of kind gcp bakes with: the builder's machine, how images are kept, labels."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from phoenix.spec.clouds import GcpBuilder, GcpImages, GcpReach
from phoenix.spec.form.fields import Boolean, Bytes, Form, Matches, Word

# Google's own rules: https://cloud.google.com/compute/docs/labeling-resources#requirements
LabelKey = Annotated[
    str,
    Matches(
        re.compile(r"(?!phoenix-|goog)[a-z][a-z0-9_-]{0,62}"),
        "label",
        "1 to 63 lower-case letters, digits, - and _, beginning with a letter and neither with phoenix- nor with goog",
    ),
]
LabelValue = Annotated[
    str,
    Matches(re.compile(r"[a-z0-9_-]{0,63}"), "value of a label", "at most 63 lower-case letters, digits, - and _"),
]
MOST_LABELS = 32
"""Compute Engine takes 64 on a thing; phoenix's own need the others."""
# https://cloud.google.com/compute/docs/reference/rest/v1/images: family
_FAMILY = re.compile(r"[a-z]([-a-z0-9]{0,23}[a-z0-9])?")
_KEY = re.compile(
    r"projects/[^/\s\"']+/locations/[^/\s\"']+/keyRings/[^/\s\"']+/cryptoKeys/[^/\s\"']+(/cryptoKeyVersions/[0-9]+)?"
)
_ACCOUNT = re.compile(r"[^@\s\"'\\]+@[^@\s\"'\\]+")
_SCOPE = re.compile(r"https://www\.googleapis\.com/auth/[a-z._-]+")
_FEATURE = re.compile(r"[A-Z][A-Z0-9_]*")
# https://cloud.google.com/vpc/docs/add-remove-network-tags#restrictions
_TAG = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

Account = Annotated[str, Matches(_ACCOUNT, "service account", "its e-mail address")]
Scope = Annotated[str, Matches(_SCOPE, "scope", "https://www.googleapis.com/auth/NAME")]
NetworkTag = Annotated[str, Matches(_TAG, "network tag", "lower-case letters, digits and -, at most 63")]
Family = Annotated[str, Matches(_FAMILY, "family", "lower-case letters, digits and -, at most 25")]
KmsKey = Annotated[
    str,
    Matches(_KEY, "key", "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, with its version or not"),
]
Feature = Annotated[str, Matches(_FEATURE, "guest OS feature", "such as UEFI_COMPATIBLE, GVNIC, SEV_CAPABLE")]


class GcpBuilderForm(Form):
    """The machine that images are built on and proven on."""

    type: Word = Field(default="e2-standard-2", description="Machine type.")
    disk: Bytes | None = Field(default=None, description="Size of its disk; as large as the image below.")
    disk_type: Word = Field(default="pd-balanced", description="Type of its disk.")
    zone: Word | None = Field(default=None, description="Zone that it runs in; the region's b.")
    identity: Account | None = Field(default=None, description="Service account; none.")
    scopes: list[Scope] = Field(
        default=["https://www.googleapis.com/auth/cloud-platform"],
        description="What the account's tokens are good for.",
    )
    firewall: list[NetworkTag] = Field(default=[], description="Network tags, by which firewall rules let in SSH.")
    reach: Literal["public", "private", "iap"] = Field(
        default="public",
        description="How SSH reaches it: external address, internal address, or Identity-Aware Proxy.",
    )
    spot: Boolean = Field(default=False, description="Whether Google may end it early, and asks less for it.")
    secure_boot: Boolean = Field(default=False, description="Whether it starts signed kernels only.")

    def read(self) -> GcpBuilder:
        """The frozen value."""
        return GcpBuilder(
            type=self.type,
            disk=self.disk,
            disk_type=self.disk_type,
            zone=self.zone,
            identity=self.identity,
            scopes=tuple(self.scopes),
            firewall=tuple(self.firewall),
            reach=GcpReach(self.reach),
            spot=self.spot,
            secure_boot=self.secure_boot,
        )


class GcpImagesForm(Form):
    """How images are kept."""

    family: Family | None = Field(default=None, description="Verified images belong to family FAMILY-TYPE-NAME; none.")
    kms: KmsKey | None = Field(default=None, description="Key that encrypts them; Google's own.")
    location: Word | None = Field(default=None, description="Region or multi-region they are stored in; the nearest.")
    features: list[Feature] = Field(default=[], description="Guest OS features beside those of the image below.")

    def read(self) -> GcpImages:
        """The frozen value."""
        return GcpImages(family=self.family, kms=self.kms, location=self.location, features=tuple(self.features))
