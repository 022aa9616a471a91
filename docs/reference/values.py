"""What a key of phoenix.yaml takes, in words, and a value of that kind: read off its type."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from phoenix import units
from phoenix.spec.form.fields import NAME_FORM, Form, Matches, Unit

UNIONS = (Union, type(int | None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a type takes: `accepted` in words, the models of mappings in it, a value of it where one is plain."""

    accepted: str = ""
    forms: tuple[type[Form], ...] = ()
    listed: bool = False
    """Whether the mappings stand in a list."""
    named: bool = False
    """Whether they stand under names of one's own."""
    choices: tuple[Any, ...] = ()
    example: Any = None


SHORT = {
    NAME_FORM: "a name",
    units.DURATION_FORM: "a duration",
    units.SIZE_FORM: "a size",
    units.SHARE_FORM: "a share",
    "text without blanks, quotes and backslashes": "a word",
}
"""How the tables call what is accepted in many places."""
PLAIN = {
    str: Shape(accepted="text"),
    int: Shape(accepted="a number", example=1),
    float: Shape(accepted="a number", example=1),
    bool: Shape(accepted="`true` or `false`", example=True),
    Any: Shape(accepted="anything"),
}


def shape_of(field: FieldInfo) -> Shape:
    """What a key takes."""
    return _shape(field.annotation, field.metadata)


def as_yaml(value: Any) -> str:
    """A value as it would stand in one line of the file."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).strip()
    return text.removesuffix("...").strip().replace("'", '"')


def _shape(kind: Any, marks: Iterable[Any] = ()) -> Shape:
    found = _bare(kind)
    for mark in marks:
        found = _marked(found, mark)
    return found


def _bare(kind: Any) -> Shape:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _shape(args[0], args[1:])
    if origin in UNIONS:
        return _either([_shape(each) for each in args if each is not type(None)])
    if origin is Literal:
        return Shape(accepted=", ".join(f"`{as_yaml(each)}`" for each in args), choices=args, example=args[0])
    if origin is list:
        return _list(_shape(args[0]))
    if origin is dict:
        return _mapping(_shape(args[0]), _shape(args[1]))
    if inspect.isclass(kind) and issubclass(kind, Form):
        return Shape(forms=(kind,))
    return PLAIN[kind]


def _list(inner: Shape) -> Shape:
    example = None if inner.example is None else [inner.example]
    accepted = f"a list of: {inner.accepted}" if inner.accepted else "a list"
    return replace(inner, accepted=accepted, listed=bool(inner.forms), choices=(), example=example)


def _mapping(key: Shape, value: Shape) -> Shape:
    if value.forms:
        return replace(value, accepted=f"each key {key.accepted}", named=True, choices=(), example=None)
    return Shape(accepted=f"a mapping; its keys: {key.accepted}; its values: {value.accepted}")


def _either(kinds: list[Shape]) -> Shape:
    said = dict.fromkeys(each.accepted for each in kinds if each.accepted)
    return Shape(
        accepted=", or ".join(said),
        forms=tuple(form for each in kinds for form in each.forms),
        listed=any(each.listed for each in kinds),
        named=any(each.named for each in kinds),
        choices=kinds[0].choices,
        example=next((each.example for each in kinds if each.example is not None), None),
    )


def _marked(found: Shape, mark: Any) -> Shape:
    """The shape with what an annotation says beside the type."""
    match mark:
        case Matches(accepted=accepted):
            return replace(found, accepted=SHORT.get(accepted, accepted))
        case BeforeValidator(func=Unit(accepted=accepted, example=example)):
            return replace(found, accepted=SHORT.get(accepted, accepted), example=example)
        case BeforeValidator(json_schema_input_type=kind) if get_origin(kind) in UNIONS and kind != str | int:
            return replace(_shape(kind), listed=found.listed, named=found.named)
        case Ge(ge=least):
            return replace(found, accepted=f"{found.accepted} from {least}", example=least)
        case Le(le=most):
            return replace(found, accepted=f"{found.accepted} to {most}")
        case MinLen(min_length=1):
            return replace(found, accepted=f"{found.accepted}; at least one")
        case MaxLen(max_length=most):
            return replace(found, accepted=f"{found.accepted}; at most {most}")
        case FieldInfo(metadata=metadata):
            for each in metadata:
                found = _marked(found, each)
            return found
        case _:
            return found
