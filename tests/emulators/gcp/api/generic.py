"""insert, get, list, aggregatedList, patch, update, delete and setLabels of every kind of thing."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError, invalid, not_found, not_ready, required
from tests.emulators.gcp.api.filters import compiled
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.links import Links
from tests.emulators.gcp.api.operations import Work
from tests.emulators.gcp.api.references import key_in, link, name_of, noun_of, place_fields, scope_of
from tests.emulators.gcp.emulated import Emulated

MOST = 500
IDENTITY = ("kind", "id", "name", "selfLink", "creationTimestamp", "zone", "region")
"""What no call changes."""


class Generic:
    """The methods that every kind has."""

    def __init__(self, emulated: Emulated, kinds: Mapping[str, Kind]) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._kinds = kinds
        self._plain = Kind()
        self.links = Links(emulated.store)

    def handlers(self) -> dict[str, Handler]:
        """By verb."""
        return {
            "insert": self.insert,
            "get": self.get,
            "list": self.list_all,
            "aggregatedList": self.aggregated_list,
            "patch": self.patch,
            "update": self.update,
            "delete": self.delete,
            "setLabels": self.set_labels,
        }

    def kind(self, key: str) -> Kind:
        """What is special about a thing."""
        return self._kinds.get(noun_of(key), self._plain)

    def insert(self, asked: Asked) -> Json:
        """Make a thing; its operation."""
        name = asked.body.get("name")
        if not name:
            raise required("resource.name")
        key = f"{asked.key}/{name}"
        if key in self._store:
            raise ApiError(409, "alreadyExists", f"The resource '{key}' already exists")
        body = self.links.read(asked.body, asked.project)
        body = {field: part for field, part in body.items() if part is not None}
        body = self.kind(key).prepare(asked, key, {**self._defaults(noun_of(key)), **body})
        self._store.put(key, **{**body, **place_fields(key)})
        self._store.busy.add(key)
        return self._start(asked, "insert", key, lambda: self._create(key), undo=lambda: self._undo(key))

    def _create(self, key: str) -> float | None:
        if key not in self._store:
            return None
        try:
            again = self.kind(key).created(key)
        except OperationError:
            self._undo(key)
            raise
        if again is None:
            self._store.busy.discard(key)
        return again

    def _undo(self, key: str) -> None:
        if key in self._store:
            self.kind(key).undone(key)
            self._store.pop(key)

    def _start(self, asked: Asked, kind: str, key: str, work: Work, *, undo: Callable[[], None] | None = None) -> Json:
        """An operation of this call; where a test wants it to fail, nothing is done, and `undo` is."""

        def go() -> float | None:
            if asked.error:
                self._store.busy.discard(key)
                if undo:
                    undo()
                raise asked.error
            return work()

        return self._emulated.operations.start(kind, key, go, request=asked.request, caller=asked.caller)

    def _defaults(self, noun: str) -> Json:
        fields = self._emulated.document.fields(noun)
        return {name: _default(field) for name, field in fields.items() if "default" in field and name != "kind"}

    def get(self, asked: Asked) -> Json:
        """A thing."""
        row = self._store.get(asked.key)
        if row is None:
            raise not_found(asked.key)
        return self.kind(asked.key).show(asked.key, row)

    def delete(self, asked: Asked) -> Json:
        """Remove a thing that nothing uses; its operation."""
        key, kind = asked.key, self.kind(asked.key)
        self._store.need(key)
        kind.check_deletion(asked, key)
        self.links.check_unused(key)
        if key in self._store.busy:
            raise not_ready(key)
        self._store.busy.add(key)
        if asked.error is None:
            kind.deleting(key)

        row = self._store.need(key)

        def gone() -> float | None:
            if self._store.get(key) is not row:
                return None  # somebody else was faster
            again = kind.deleted(key)
            if again is None:
                self._store.pop(key)
            return again

        return self._start(asked, "delete", key, gone)

    def patch(self, asked: Asked) -> Json:
        """Change what is given, by JSON's merge patch: an empty list that is not sent changes nothing."""
        key = self._subject(asked)
        self._check_fingerprint(asked, key, must=self.kind(key).fingerprint_to_patch)
        return self._change(asked, key, merged(copy.deepcopy(self._store.need(key)), self._read(asked)))

    def update(self, asked: Asked) -> Json:
        """Replace all that is not the thing's identity."""
        key = self._subject(asked)
        former = self._store.need(key)
        self._check_fingerprint(asked, key, must="fingerprint" in former)
        kept = {name: former[name] for name in IDENTITY if name in former}
        given = {name: part for name, part in self._read(asked).items() if part is not None}
        return self._change(asked, key, {**kept, **self._defaults(noun_of(key)), **given})

    def _subject(self, asked: Asked) -> str:
        """An autoscaler is named by the query, or by the body. https://cloud.google.com/compute/docs/reference/rest/v1/autoscalers/patch"""
        if not asked.method.of_collection:
            return asked.key
        name = asked.query.get("autoscaler") or asked.body.get("name")
        if not name:
            raise required("autoscaler")
        return f"{asked.key}/{name}"

    def _read(self, asked: Asked) -> Json:
        body: Json = self.links.read(asked.body, asked.project)
        return {name: part for name, part in body.items() if name not in (*IDENTITY, "fingerprint")}

    def _check_fingerprint(self, asked: Asked, key: str, *, must: bool) -> None:
        row = self._store.need(key)
        check_fingerprint(asked.body.get("fingerprint"), row.get("fingerprint"), must=must)
        if key in self._store.busy:
            raise not_ready(key)

    def _change(self, asked: Asked, key: str, new: Json) -> Json:
        former = copy.deepcopy(self._store.need(key))
        new = self.kind(key).change(asked, key, former, new)
        self._store.busy.add(key)

        def come() -> None:
            self._store.busy.discard(key)
            self._store.replace(key, new)
            self.kind(key).changed(key, former)

        return self._start(asked, asked.method.verb, key, come)

    def set_labels(self, asked: Asked) -> Json:
        """Other labels. https://cloud.google.com/compute/docs/reference/rest/v1/images/setLabels"""
        row = self._store.need(asked.key)
        check_fingerprint(asked.body.get("labelFingerprint"), row.get("labelFingerprint"), must=True)

        def come() -> None:
            row["labels"] = asked.body.get("labels", {})
            self._store.stamp(asked.key)

        return self._start(asked, "setLabels", asked.key, come)

    def alter(self, asked: Asked, come: Work) -> Json:
        """An operation of another verb: `come` does it when its time has come."""
        return self._start(asked, asked.method.verb, asked.key, come)

    def list_all(self, asked: Asked) -> Json:
        """The things of a collection, in pages."""
        noun = name_of(asked.key)
        prefix = f"{asked.key}/"
        rows, token = self._page(asked, [self._shown(key, row) for key, row in self._store.of(noun, prefix)])
        answer = self._listed(asked)
        if rows:
            answer["items"] = rows
        if token:
            answer["nextPageToken"] = token
        return answer

    def aggregated_list(self, asked: Asked) -> Json:
        """The things of a kind in all places of the project."""
        noun = name_of(asked.key)
        found = [self._shown(key, row) for key, row in self._store.of(noun, f"projects/{asked.project}/")]
        rows, token = self._page(asked, found)
        items: Json = self._nothing(asked.project, noun)
        lost = self._emulated.settings.unreachable
        for row in rows:
            place = scope_of(key_in(row["selfLink"])).split("/", 2)[2]
            if name_of(place) not in lost:
                items.setdefault(place, {}).pop("warning", None)
                items[place].setdefault(noun, []).append(row)
        answer = {**self._listed(asked), "items": items}
        if lost:
            answer["unreachables"] = [f"{'zones' if place.count('-') > 1 else 'regions'}/{place}" for place in lost]
        if token:
            answer["nextPageToken"] = token
        return answer

    def _nothing(self, project: str, noun: str) -> Json:
        """Every place where such a thing can be, and that there is none."""
        kinds, base = self._emulated.document.places.get(noun, frozenset()), f"projects/{project}/"
        places = [
            key.removeprefix(base)
            for kind in ("zones", "regions")
            for key, _row in self._store.of(kind, base)
            if kind in kinds
        ]
        return {
            place: {
                "warning": {
                    "code": "NO_RESULTS_ON_PAGE",
                    "message": f"There are no results for scope '{place}' on this page.",
                    "data": [{"key": "scope", "value": place}],
                }
            }
            for place in sorted([*places, *(["global"] if "global" in kinds else [])])
            if name_of(place) not in self._emulated.settings.unreachable
        }

    def _shown(self, key: str, row: Json) -> Json:
        return self.kind(key).show(key, row)

    def _listed(self, asked: Asked) -> Json:
        fields = self._emulated.document.schemas[asked.method.response]["properties"]
        answer = {"kind": fields["kind"].get("default"), "id": asked.key, "selfLink": link(asked.key)}
        return {name: part for name, part in answer.items() if name in fields and part}

    def _page(self, asked: Asked, rows: list[Json]) -> tuple[list[Json], str]:
        return page(asked.query, rows, self._emulated.settings.page)


def page(query: Mapping[str, str], rows: list[Json], most: int | None = None) -> tuple[list[Json], str]:
    """One page of things, and the token of the next; empty at the end."""
    if query.get("filter"):
        try:
            test = compiled(query["filter"])
        except (ValueError, re.error) as error:
            raise invalid("filter", query["filter"], str(error)) from None
        rows = [row for row in rows if test(row)]
    newest_first = query.get("orderBy") == "creationTimestamp desc"
    rows.sort(key=lambda row: str(row.get("creationTimestamp" if newest_first else "name", "")), reverse=newest_first)
    size = int(query.get("maxResults", MOST))
    if not 0 <= size <= MOST:
        raise invalid("maxResults", size, f"Values must be within the range of [0, {MOST}]")
    size = min(size or MOST, most or MOST)
    start = int(base64.b64decode(query["pageToken"])) if query.get("pageToken") else 0
    end = start + size
    return rows[start:end], base64.b64encode(str(end).encode()).decode() if end < len(rows) else ""


def check_fingerprint(given: str | None, current: str | None, *, must: bool) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/backendServices/update: "otherwise the request will fail
    with error 412 conditionNotMet".
    """
    if (given is None and must) or (given is not None and given != current):
        raise ApiError(412, "conditionNotMet", "Invalid fingerprint.", locationType="header", location="If-Match")


def merged(into: Json, patch: Mapping[str, Any]) -> Json:
    """JSON merge patch. https://www.rfc-editor.org/rfc/rfc7396"""
    for name, part in patch.items():
        if part is None:
            into.pop(name, None)
        elif isinstance(part, dict) and isinstance(into.get(name), dict):
            merged(into[name], part)
        else:
            into[name] = part
    return into


def _default(field: Json) -> Any:
    return json.loads(field["default"]) if field["type"] in ("boolean", "integer", "number") else field["default"]
