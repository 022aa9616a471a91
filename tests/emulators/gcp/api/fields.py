"""A part of an answer: what `fields`, or the header X-Goog-FieldMask, selects.

https://cloud.google.com/compute/docs/api/how-tos/performance#partial, https://cloud.google.com/apis/docs/system-parameters
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.emulators.gcp.api.errors import ApiError, Json

TOKEN = re.compile(r"[(),/]|[^(),/]+")
Mask = dict[str, Any]
"""What is selected of each field by its name; an empty one selects all of it, `*` stands for every name."""


def read(text: str) -> Mask:
    """A mask: `items(id,name),nextPageToken` or `items/*/instances/name`. ApiError for one that cannot be read."""
    words = TOKEN.findall(text)
    mask = _list(words)
    if words:
        raise _invalid(text)
    return mask


def _list(words: list[str]) -> Mask:
    mask: Mask = {}
    while True:
        name, part = _path(words)
        mask[name] = {**mask.get(name, {}), **part}
        if not words or words[0] != ",":
            return mask
        words.pop(0)


def _path(words: list[str]) -> tuple[str, Mask]:
    if not words or words[0] in "(),/":
        raise _invalid("".join(words))
    name = words.pop(0)
    if words and words[0] == "/":
        words.pop(0)
        return name, dict([_path(words)])
    if words and words[0] == "(":
        words.pop(0)
        inner = _list(words)
        if not words or words.pop(0) != ")":
            raise _invalid(name)
        return name, inner
    return name, {}


def check(mask: Mask, schema: Json, schemas: Mapping[str, Json]) -> None:
    """ApiError for a name that the answer does not have."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    schema = schema["items"] if schema.get("type") == "array" else schema
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    for name, part in mask.items():
        field = schema.get("additionalProperties") if name == "*" else None
        field = field or schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if field is None:
            raise _invalid(name)
        check(part, field, schemas)


def masked(answer: Any, mask: Mask) -> Any:
    """What a mask selects of an answer."""
    if not mask:
        return answer
    if isinstance(answer, list):
        return [masked(one, mask) for one in answer]
    if not isinstance(answer, dict):
        return answer
    chosen = ((name, mask.get(name, mask.get("*"))) for name in answer)
    return {name: masked(answer[name], part) for name, part in chosen if part is not None}


def _invalid(text: str) -> ApiError:
    return ApiError(400, "invalidParameter", f"Invalid field selection {text}")
