"""Under which names a test may have spoken of an instance."""

from __future__ import annotations

from collections.abc import Iterator

from tests.emulators.gcp.api.references import key_in, name_of
from tests.emulators.gcp.api.store import Store
from tests.emulators.gcp.compute.launching import CREATED_BY, metadata


def subjects(store: Store, key: str) -> Iterator[str]:
    """Its own name, its image's, its group's."""
    row = store.get(key)
    yield name_of(key)
    if row is None:
        return
    for disk in row.get("disks", []):
        source = store.get(key_in(disk.get("source", "")) or "/") if disk.get("boot") else None
        if source and source.get("sourceImage"):
            yield name_of(source["sourceImage"])
    if CREATED_BY in metadata(row):
        yield name_of(metadata(row)[CREATED_BY])
