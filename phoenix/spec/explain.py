"""What pydantic finds wrong, said in words that somebody with an editor open can follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from phoenix.spec.mistakes import Place, nearest

_TYPES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "too_short": "must not be empty",
}
_REASONS = {
    ("images", "os"): {
        "os": "an os image has no parent: it starts from `base`",
        "foundation": "an os image has no parent: it starts from `base`",
        "immutable": "an os image has no parent: it starts from `base`",
    },
    ("images", "foundation"): {
        "base": "only os images have a `base`; a foundation image is baked onto one: `os: NAME`",
        "foundation": "an image is only baked onto one of a lower type; a foundation image onto `os: NAME`",
        "immutable": "an image is only baked onto one of a lower type; a foundation image onto `os: NAME`",
    },
    ("images", "immutable"): {
        "base": "only os images have a `base`; an immutable image is baked onto `foundation: NAME` or `os: NAME`",
        "immutable": "an image is only baked onto one of a lower type: `foundation: NAME` or `os: NAME`",
    },
}
"""Keys that are not only unknown: why they cannot be (design.md 3, never a snowflake)."""


def explain(error: ValidationError, data: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Each thing wrong in `data`, with its place. `schema` is the JSON Schema of the model that found it."""
    for each in error.errors(include_url=False):
        place = _place(each["loc"], data)
        yield place, _words(each["type"], each, place, schema)


def _place(loc: tuple[int | str, ...], data: Any) -> Place:
    """Pydantic's location without what does not stand in the file: tags of unions, the mark of a bad key, and the
    keys that a short form stands for."""
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    place: list[int | str] = []
    here = data
    for index, part in enumerate(loc):
        if not isinstance(here, dict | list):
            break
        last = index == len(loc) - 1
        if isinstance(here, dict) and part not in here and not last:
            continue  # the tag of a union
        place.append(part)
        here = _below(here, part)
    return tuple(place)


def _below(here: Any, part: int | str) -> Any:
    if isinstance(here, dict):
        return here.get(str(part))
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return here[part]
    return None


def _words(kind: str, error: Mapping[str, Any], place: Place, schema: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return _unknown_key(place, schema)
        case "literal_error":
            return f"{error['input']!r} is not accepted; accepted: {_plain(context['expected'])}"
        case "union_tag_invalid":
            return f"kind {context['tag']!r} is not accepted; accepted: {_plain(context['expected_tags'])}"
        case "union_tag_not_found":
            return f"`kind` is missing; accepted: {', '.join(_kinds(place, schema))}"
        case "greater_than_equal":
            return f"{error['input']!r} is too small; accepted: {context['ge']} and more"
        case "less_than_equal":
            return f"{error['input']!r} is too large; accepted: up to {context['le']}"
        case "too_long":
            return f"{len(error['input'])} are too many; accepted: up to {context['max_length']}"
        case "missing":
            described = _model(place[:-1], schema).get("properties", {}).get(place[-1], {}).get("description", "")
            return f"is missing: {described}".rstrip(": ")
        case _:
            return _TYPES.get(kind, str(error["msg"]))


def _plain(quoted: str) -> str:
    return quoted.replace("'", "").replace(" or ", ", ")


def _unknown_key(place: Place, schema: Mapping[str, Any]) -> str:
    key = str(place[-1])
    reason = _REASONS.get((str(place[0]), str(place[1])), {}).get(key) if len(place) == 4 else None
    if reason:
        return reason
    return f"unknown key{nearest(key, _model(place[:-1], schema).get('properties', {}))}"


def _kinds(place: Place, schema: Mapping[str, Any]) -> list[str]:
    return list(_step_into(place, schema).get("discriminator", {}).get("mapping", {}))


def _model(place: Place, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the mapping at `place`; with all keys of a union where it may have several forms."""
    here = _step_into(place, schema)
    if "oneOf" in here:
        forms = [_resolve(form, schema) for form in here["oneOf"]]
        return {"properties": {key: value for form in forms for key, value in form.get("properties", {}).items()}}
    return here


def _step_into(place: Place, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    here = _resolve(schema, schema)
    for part in place:
        below = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        by_name = next(iter(here.get("patternProperties", {}).values()), None)
        here = _resolve(below or by_name or here.get("additionalProperties"), schema)
    return here


def _resolve(here: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, and of several forms take the long one: the mapping."""
    if not isinstance(here, Mapping):
        return {}
    for form in here.get("anyOf", ()):
        if "$ref" in form:
            return _resolve(form, schema)
    if "$ref" in here:
        return _resolve(schema["$defs"][here["$ref"].rpartition("/")[2]], schema)
    return here
