"""A request beside the discovery document: what Google refuses is refused, and what it forgives is forgiven.

The service ignores output-only fields. Here they are refused where something is made, since nobody can mean them, and
dropped where it is changed, since whoever reads, changes and writes sends them back.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.gcp.api import limits
from tests.emulators.gcp.api.document import Document, Method
from tests.emulators.gcp.api.errors import ApiError, Json, invalid

WHOLE = re.compile(r"-?\d+")
RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
REQUEST_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class Checks:
    """The checks of all methods."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def parameters(self, method: Method, path: Mapping[str, str], query: Mapping[str, list[str]]) -> None:
        """The path's and the query's. ApiError for those that the method does not have, or cannot have."""
        known = {**self._document.common, **method.parameters}
        for name, value in path.items():
            _parameter(name, value, known.get(name, {}))
        for name, values in query.items():
            entry = known.get(name)
            if entry is None or entry.get("location", "query") != "query":
                raise ApiError(
                    400,
                    "invalid",
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.',
                )
            if len(values) > 1 and not entry.get("repeated"):
                raise invalid(name, values, "It can be given once.")
            for value in values:
                _parameter(name, value, entry)
        for name, entry in method.parameters.items():
            if entry.get("required") and entry["location"] == "query" and name not in query:
                raise ApiError(400, "required", f"Required parameter: {name}")

    def body(self, method: Method, body: object, *, old_packer: bool = False) -> Json:
        """The body with whole numbers as the API writes them. ApiError for one that does not fit."""
        if not method.request:
            if body:
                raise ApiError(400, "invalid", f"{method.id} takes no request body")
            return {}
        making = method.verb == "insert"
        value = _Value(self._document, method.id, strict=making, old_packer=old_packer)
        read: Json = value.read({"$ref": method.request}, {} if body is None else body, "resource")
        return read

    def answer(self, method: Method, body: object) -> None:
        """The emulator's own answer. ApiError, the emulator's fault, for one that does not fit."""
        if method.response:
            _Value(self._document, method.id, answered=True).read({"$ref": method.response}, body, method.response)


def _parameter(name: str, value: str, entry: Json) -> None:
    kind = entry.get("type")
    if (kind == "integer" and not WHOLE.fullmatch(value)) or (kind == "boolean" and value not in ("true", "false")):
        raise ApiError(400, "invalid", f"Invalid value at '{name}' ({kind}), \"{value}\"")
    if "enum" in entry and value not in entry["enum"]:
        raise ApiError(400, "invalid", f"Invalid value at '{name}': \"{value}\"")
    if "pattern" in entry and not re.fullmatch(entry["pattern"], value):
        raise invalid(name, value, f"Must be a match of regex '{entry['pattern']}'")
    if name == "requestId" and (not REQUEST_ID.fullmatch(value) or set(value) == {"0", "-"}):
        raise invalid(name, value, "Must be a valid UUID, and not the zero UUID")


class _Value:
    """A value of a schema, and all in it."""

    def __init__(
        self,
        document: Document,
        method: str,
        *,
        strict: bool = False,
        old_packer: bool = False,
        answered: bool = False,
    ) -> None:
        self._schemas = document.schemas
        self._method = method
        self._strict = strict
        self._old_packer = old_packer
        self._answered = answered

    def read(self, schema: Json, value: Any, at: str) -> Any:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"]]
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, value, at)
        if kind == "array":
            return self._array(schema, value, at)
        if kind == "boolean":
            if not isinstance(value, bool):
                raise invalid(at, value, "Expected a boolean.")
            return value
        if kind == "integer" or schema.get("format") in RANGES:
            return _whole(schema, value, at)
        if kind == "number":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise invalid(at, value, "Expected a number.")
            return value
        return self._text(schema, value, at) if kind == "string" else value

    def _object(self, schema: Json, value: Any, at: str) -> Json:
        if not isinstance(value, dict):
            raise invalid(at, value, "Expected an object.")
        fields, others, read = schema.get("properties", {}), schema.get("additionalProperties"), {}
        for name, part in value.items():
            field = fields.get(name, others)
            if field is None:
                raise ApiError(
                    400,
                    "invalid",
                    f"Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field.",
                )
            if not self._answered and _output_only(field):
                if self._strict and name != "kind":  # which Packer says of its disk
                    raise invalid(f"{at}.{name}", part, "It is output-only: the service sets it.")
                continue
            read[name] = None if part is None else self.read(field, part, f"{at}.{name}")
            if part is not None and not self._answered:
                limits.check(name, read[name], f"{at}.{name}")
        for name, field in {} if self._answered else fields.items():
            if self._method in field.get("annotations", {}).get("required", ()) and value.get(name) is None:
                raise ApiError(400, "required", f"Invalid value for field '{at}.{name}': ''. Required field.")
        return read

    def _array(self, schema: Json, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(at, value, "Expected an array.")
        if None in value and not self._old_packer:
            raise invalid(at, value, "An element is null.")
        return [
            self.read(schema["items"], part, f"{at}[{index}]") for index, part in enumerate(value) if part is not None
        ]

    def _text(self, schema: Json, value: Any, at: str) -> str:
        if not isinstance(value, str):
            raise invalid(at, value, "Expected a string.")
        if "enum" in schema and value not in schema["enum"]:
            raise invalid(at, value, f"Must be one of {schema['enum']}.")
        if self._answered or not value:
            return value
        if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
            raise invalid(at, value, f"Must be a match of regex '{schema['pattern']}'")
        if schema.get("format") == "byte":
            try:
                base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
            except binascii.Error:
                raise invalid(at, value, "Base64 decoding failed.") from None
        return value


def _output_only(field: Json) -> bool:
    return bool(field.get("readOnly") or field.get("description"))


def _whole(schema: Json, value: Any, at: str) -> int | str:
    """64 bit numbers travel as strings. https://developers.google.com/discovery/v1/type-format"""
    if isinstance(value, (bool, float)) or not WHOLE.fullmatch(str(value)):
        raise invalid(at, value, "Expected an integer.")
    least, most = RANGES.get(schema.get("format", ""), (-(2**63), 2**64))
    if not least <= int(value) <= most:
        raise invalid(at, value, "Out of range.")
    shape: Callable[[Any], int | str] = int if schema.get("type") == "integer" else str
    return shape(value)
