"""The messages of google-cloud-compute as the JSON that goes over the wire, and back; and the SDK itself, read late."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_type_hints

from phoenix.errors import CloudError

Json = Mapping[str, Any]


@cache
def sdk() -> Any:
    """google-cloud-compute, without collections of garbage while it is read: a quarter of two seconds of a processor.

    What it makes stays, all of it; there is nothing to be found.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        from google.cloud import compute_v1
    finally:
        if collects:
            gc.enable()
    return compute_v1


@cache
def request_type(method: Any) -> Any:
    """The class of the message that a client's method takes, which its signature names beside dict and None."""
    return next(each for each in get_args(get_type_hints(method)["request"]) if hasattr(each, "meta"))


def mapping(message: Any) -> Json:
    """A message as the JSON that it came as."""
    from google.protobuf.json_format import MessageToDict

    answer: Json = MessageToDict(type(message).pb(message))
    return answer


def refuse_lost(what: str, request: Any, body: Json | None) -> None:
    """CloudError where the SDK would leave out a part of a patch: what is empty is not sent, and so stays as it is."""
    sent = mapping(request)
    kept: Json = next((value for key, value in sent.items() if key.endswith("Resource")), {})
    lost = sorted(_lost(body or {}, kept))
    if lost:
        raise CloudError(
            f"{what} cannot make {', '.join(lost)} empty",
            details="the SDK sends nothing that is empty, and what a patch does not name stays as it is",
            resolution="This is a mistake in phoenix: the whole has to be put.",
        )


def _lost(asked: Json, kept: Json) -> Iterator[str]:
    for key, value in asked.items():
        if key not in kept:
            yield key
        elif isinstance(value, Mapping):
            yield from _lost(value, kept[key])


def flat(scopes: Mapping[str, Any]) -> Iterator[Json]:
    """The items of every place of an aggregated list."""
    for scope in scopes.values():
        for items in scope.values():
            yield from items if isinstance(items, list) else ()


def snake(camel: str) -> str:
    """How the SDK calls what the reference calls aggregatedList."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in camel)


def camel(snake: str) -> str:
    """The other way round."""
    first, *others = snake.split("_")
    return first + "".join(map(str.capitalize, others))
