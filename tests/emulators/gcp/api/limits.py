"""What the documents say of values and discovery does not: labels, network tags, metadata, descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.emulators.gcp.api.errors import invalid

LABELS = 64
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
"""International letters would be allowed, too. https://cloud.google.com/compute/docs/labeling-resources#requirements"""
TAGS = 64
TAG = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""https://cloud.google.com/vpc/docs/add-remove-network-tags#restrictions"""
NAMES = ("family", "baseInstanceName", "portName")
"""Names beside `name` that are checked as it is."""
METADATA_VALUE = 256 * 1024
METADATA = 512 * 1024
"""Bytes. https://cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations"""
DESCRIPTION = 2048


def check(name: str, value: Any, at: str) -> None:
    """A field by its name. ApiError where a limit is broken."""
    if name == "labels" and isinstance(value, Mapping):
        _labels(value, at)
    elif name == "tags" and isinstance(value, Mapping):
        _tags(value.get("items") or [], at)
    elif name == "metadata" and isinstance(value, Mapping):
        _metadata(value.get("items") or [], at)
    elif name in NAMES and value and not TAG.fullmatch(value):
        raise invalid(at, value, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'")
    elif name == "description" and len(value) > DESCRIPTION:
        raise invalid(at, value, f"At most {DESCRIPTION} characters.")


def _labels(labels: Mapping[str, str], at: str) -> None:
    if len(labels) > LABELS:
        raise invalid(at, len(labels), f"At most {LABELS} labels.")
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key):
            raise invalid(at, key, f"Label key '{key}' violates format constraints.")
        if not LABEL_VALUE.fullmatch(value or ""):
            raise invalid(at, value, f"Label value '{value}' violates format constraints.")


def _tags(tags: list[str], at: str) -> None:
    if len(tags) > TAGS:
        raise invalid(at, len(tags), f"At most {TAGS} tags.")
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise invalid(at, tag, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'")


def _metadata(items: list[Mapping[str, str]], at: str) -> None:
    sizes = [len((item.get("value") or "").encode()) for item in items]
    if any(size > METADATA_VALUE for size in sizes):
        raise invalid(at, max(sizes), f"A value is larger than {METADATA_VALUE} bytes.")
    if sum(sizes) > METADATA:
        raise invalid(at, sum(sizes), f"All values together are larger than {METADATA} bytes.")
