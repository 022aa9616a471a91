"""What a group is made of besides its release, so that another machine type is a change and not "nothing to do"."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from phoenix.model import Health, MachineKind, Size


def shape(machine: MachineKind, port: int, health: Health, size: Size, zones: tuple[str, ...] = ()) -> str:
    """A short digest of what a group's machines are made of and checked by, besides their release.

    How many are wanted is no part of it, nor are bounds without an autoscaler: both are changed in place.
    """
    made_of = {k: v for k, v in asdict(machine).items() if v or k != "scopes"}  # older groups' shapes are without
    parts: list[object] = [made_of, port, health.path, health.status]
    if size.cpu is not None or size.most > size.least:
        parts.append([size.least, size.most, size.cpu])
    parts += [zones] if zones else []
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()[:12]
