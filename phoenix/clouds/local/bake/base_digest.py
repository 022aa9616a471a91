"""What the content key of a lowest layer counts of phoenix itself; apart from `base`, as a hit needs no bootstrap."""

from __future__ import annotations

import hashlib

from phoenix import data

RECIPE = "2"
"""Raised when the bootstrap itself changes, so that content keys and caches follow."""


def base_digest() -> str:
    """Digest over what phoenix puts into a base: guest files, package list, the bootstrap's version."""
    digest = hashlib.sha256(RECIPE.encode())
    guest = data.path("templates", "guest")
    for file in sorted(path for path in guest.rglob("*") if path.is_file()):
        digest.update(f"\0{file.relative_to(guest)}\0".encode() + file.read_bytes())
    return digest.hexdigest()
