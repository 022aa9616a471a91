"""Who uses whom: what a body names must be there, and what is used cannot go."""

from __future__ import annotations

import re

from tests.emulators.gcp.api.errors import ApiError, Json, invalid, not_found, not_ready
from tests.emulators.gcp.api.references import EXISTING, key_of, named_in, noun_of, project_of, whole
from tests.emulators.gcp.api.store import Store

HOLDS = frozenset(
    (
        ("autoscalers", "instanceGroupManagers"),
        ("backendServices", "healthChecks"),
        ("backendServices", "instanceGroups"),
        ("backendServices", "securityPolicies"),
        ("firewalls", "networks"),
        ("forwardingRules", "backendServices"),
        ("forwardingRules", "targetHttpProxies"),
        ("forwardingRules", "targetHttpsProxies"),
        ("instanceGroupManagers", "healthChecks"),
        ("instanceGroupManagers", "instanceTemplates"),
        ("instances", "disks"),
        ("subnetworks", "networks"),
        ("targetHttpProxies", "urlMaps"),
        ("targetHttpsProxies", "urlMaps"),
        ("urlMaps", "backendBuckets"),
        ("urlMaps", "backendServices"),
    )
)
"""What of the second kind is named by the first cannot be deleted."""


class Links:
    """The links between the things of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, body: Json, project: str) -> Json:
        """A body with whole URLs. ApiError where it names what is not there, or not ready."""
        for at, key in named_in(body, project):
            if noun_of(key) in EXISTING:
                self._check(at, key)
            elif "/images/family/" in key:
                self._check_family(at, key)
        read: Json = whole(body, project)
        return read

    def _check(self, at: str, key: str) -> None:
        if key not in self._store:
            if noun_of(key) == "images":
                raise invalid(at, key, "The referenced image resource cannot be found.")
            raise not_found(key)
        if key in self._store.busy and noun_of(key) != "instanceGroups":
            raise not_ready(key)

    def _check_family(self, at: str, key: str) -> None:
        images, _, family = key.partition("/family/")
        if not any(row.get("family") == family for _key, row in self._store.of("images", f"{images}/")):
            raise invalid(at, key, "The referenced image family resource cannot be found.")

    def users(self, key: str) -> list[str]:
        """The things that hold one."""
        return [
            holder
            for holder, row in self._store.all()
            if (noun_of(holder), noun_of(key)) in HOLDS
            and any(named == key for _at, named in named_in(row, project_of(holder)))
        ]

    def check_unused(self, key: str) -> None:
        """ApiError while something holds it."""
        for holder in self.users(key):
            raise ApiError(
                400,
                "resourceInUseByAnotherResource",
                f"The {_words(noun_of(key))} resource '{key}' is already being used by '{holder}'",
            )


def _words(noun: str) -> str:
    """`instance_group`."""
    return re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", noun).removesuffix("s")


def resolved(reference: str, project: str) -> str:
    """The key of a URL that is known to be one."""
    key = key_of(reference, project)
    assert key is not None, reference
    return key
