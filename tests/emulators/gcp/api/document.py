"""The discovery document, read once: which method a request means, and what its schemas are."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.discovery.trim import KEPT

LISTS = ("insert", "list", "aggregatedList")
"""Verbs of a collection and not of a thing in it."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method of the API."""

    id: str
    """As discovery has it: `compute.regionInstanceGroupManagers.insert`."""
    verb: str
    """`insert`."""
    noun: str
    """What it is about, as paths call it: `instanceGroupManagers`, zonal or regional."""
    of_collection: bool
    """Whether its path ends with the collection: `insert`, and an autoscaler's `patch`."""
    action: bool
    """Whether its path ends with a word of its own behind the thing: `setLabels`."""
    http: str
    template: str
    """Its path: `projects/{project}/zones/{zone}/instances`."""
    path: re.Pattern[str]
    words: int
    """Of its path."""
    parameters: Mapping[str, Json]
    request: str
    """The schema of its body; empty for none."""
    response: str
    literal: int
    """So many words of its path are no parameters: `images/family/{family}` goes before `images/{image}/{verb}`."""


@dataclass(frozen=True, kw_only=True)
class Routed:
    """A method, and what a path says to it."""

    method: Method
    key: str
    """The thing or the collection that it is about, as a path from `projects` on."""
    parameters: Mapping[str, str]


class Document:
    """Google's description of the API."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self.schemas: Mapping[str, Json] = document["schemas"]
        self.common: Mapping[str, Json] = document["parameters"]
        self.methods = {method.id: method for method in _methods(document)}
        self._routes: dict[tuple[str, int], list[Method]] = {}
        for method in sorted(self.methods.values(), key=lambda method: -method.literal):
            self._routes.setdefault((method.http, method.words), []).append(method)

    @classmethod
    def read(cls) -> Document:
        """The one that is kept here."""
        return cls(json.loads(gzip.decompress(KEPT.read_bytes())))

    def routed(self, http: str, path: str) -> Routed | None:
        """The method that a path, from `projects` on, means; None where there is none."""
        for method in self._routes.get((http, path.count("/") + 1), ()):
            found = method.path.fullmatch(path)
            if found:
                key = path.rpartition("/")[0] if method.action else path
                if method.action and method.words == 5 and method.noun.startswith("target"):
                    key = "projects/{}/global/{}/{}".format(*key.split("/")[1:])  # setUrlMap has an old path
                return Routed(method=method, key=key, parameters=found.groupdict())
        return None

    @cached_property
    def schema_of(self) -> Mapping[str, str]:
        """The schema of each kind of thing, by its noun."""
        return {method.noun: method.response for method in self.methods.values() if method.verb == "get"}

    @cached_property
    def places(self) -> Mapping[str, frozenset[str]]:
        """Where things of a kind can be, by noun: `global`, `regions`, `zones`."""
        found: dict[str, set[str]] = {}
        for method in self.methods.values():
            words = method.template.split("/")
            if method.verb == "list" and len(words) > 3:
                found.setdefault(method.noun, set()).add(words[2])
        return {noun: frozenset(places) for noun, places in found.items()}

    def fields(self, noun: str) -> Mapping[str, Any]:
        """The fields of a kind of thing, by their names."""
        return self.schemas[self.schema_of[noun]]["properties"] if noun in self.schema_of else {}

    def kind(self, noun: str) -> str:
        """`compute#instance`."""
        schema = self.schema_of[noun]
        return str(self.fields(noun).get("kind", {}).get("default") or f"compute#{schema[0].lower()}{schema[1:]}")


def _methods(part: Json) -> Iterator[Method]:
    for entry in part.get("methods", {}).values():
        yield _method(entry)
    for resource in part.get("resources", {}).values():
        yield from _methods(resource)


def _method(entry: Json) -> Method:
    template = str(entry.get("flatPath") or entry["path"])
    words = template.split("/")
    _service, resource, verb = entry["id"].rsplit(".", 2)
    last_is_literal = not words[-1].startswith("{")
    of_collection = last_is_literal and resource.lower().endswith(words[-1].lower())
    noun = words[-1] if of_collection else words[-3] if last_is_literal and len(words) > 2 else words[-2]
    return Method(
        id=entry["id"],
        verb=verb,
        noun="images" if noun == "family" else noun,
        of_collection=of_collection,
        action=last_is_literal and not of_collection,
        http=entry["httpMethod"],
        template=template,
        path=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)),
        words=len(words),
        parameters=entry.get("parameters", {}),
        request=entry.get("request", {}).get("$ref", ""),
        response=entry.get("response", {}).get("$ref", ""),
        literal=sum(not word.startswith("{") for word in words),
    )
