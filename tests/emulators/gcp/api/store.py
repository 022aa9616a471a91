"""All things of all projects: objects of the API by their paths, and which of them are being changed."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from tests.emulators.clock import Clock
from tests.emulators.gcp.api.document import Document
from tests.emulators.gcp.api.errors import Json, not_found
from tests.emulators.gcp.api.references import link, name_of, noun_of

NOT_CONTENTS = frozenset(
    [
        "currentActions",
        "fingerprint",
        "labelFingerprint",
        "recommendedSize",
        "selfLink",
        "size",
        "status",
        "statusDetails",
    ]
)
"""What changes by itself is not part of what a fingerprint stands for."""


class Store:
    """The records. A record is changed in place by the parts of the emulator, and copied for every answer."""

    def __init__(self, document: Document, clock: Clock) -> None:
        self._document = document
        self._clock = clock
        self._rows: dict[str, dict[str, Json]] = {}
        self._ids = itertools.count(random.randrange(10**17, 10**18))
        self.busy: set[str] = set()
        """Keys on which an operation is under way."""

    def forget(self) -> None:
        """Nothing is there any more."""
        self._rows.clear()
        self.busy.clear()

    def id(self) -> str:
        """A new number."""
        return str(next(self._ids))

    @property
    def moment(self) -> str:
        """The time as the API writes it."""
        return self._clock.date.isoformat(timespec="milliseconds")

    def get(self, key: str) -> Json | None:
        """A thing."""
        return self._rows.get(noun_of(key), {}).get(key)

    def need(self, key: str) -> Json:
        """A thing. ApiError where there is none."""
        row = self.get(key)
        if row is None:
            raise not_found(key)
        return row

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def of(self, noun: str, within: str = "projects/") -> Iterator[tuple[str, Json]]:
        """All things of a kind under a path, with their keys; they may be changed meanwhile."""
        return ((key, row) for key, row in list(self._rows.get(noun, {}).items()) if key.startswith(within))

    def all(self) -> Iterator[tuple[str, Json]]:
        """All things."""
        return ((key, row) for rows in list(self._rows.values()) for key, row in list(rows.items()))

    def put(self, key: str, /, **fields: Any) -> Json:
        """A new thing, with what all things have."""
        noun = noun_of(key)
        row: Json = {
            "kind": self._document.kind(noun),
            "id": self.id(),
            "name": name_of(key),
            "creationTimestamp": self.moment,
            "selfLink": link(key),
            **{name: value for name, value in fields.items() if value is not None},
        }
        self._rows.setdefault(noun, {})[key] = row
        self.stamp(key)
        return row

    def replace(self, key: str, row: Json) -> None:
        """The same thing with other fields."""
        self._rows[noun_of(key)][key] = row
        self.stamp(key)

    def pop(self, key: str) -> None:
        """A thing is gone; done where it is not there."""
        self._rows.get(noun_of(key), {}).pop(key, None)
        self.busy.discard(key)

    def stamp(self, key: str) -> None:
        """New fingerprints, where the kind has some."""
        row, fields = self.need(key), self._document.fields(noun_of(key))
        if "fingerprint" in fields:
            row["fingerprint"] = fingerprint({name: part for name, part in row.items() if name not in NOT_CONTENTS})
        if "labelFingerprint" in fields:
            row["labelFingerprint"] = fingerprint(row.get("labels", {}))
        for name in ("metadata", "tags", "commonInstanceMetadata"):
            if name in fields:
                part = row.get(name) or {}
                row[name] = {**part, "fingerprint": fingerprint(part.get("items", []))}


def fingerprint(contents: Any) -> str:
    """A hash of contents, as the API has it: base64 of some bytes."""
    digest = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest[:8]).decode()
