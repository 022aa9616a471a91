"""The plain data of `phoenix.yaml`, read by who expects nothing of it: its forms may be wrong in any way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix.model import CloudKind, ImageType
from phoenix.spec.mistakes import Place

Found = Iterator[tuple[Place, str]]
Data = Mapping[str, Any]


def mapping(data: Any, *keys: str) -> dict[str, Any]:
    """The mapping at `keys`, or an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def listing(data: Any, key: str) -> list[Any]:
    """The list at `key` of a mapping, or an empty one where there is none."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def recipes(data: Data) -> Iterator[tuple[ImageType, str, dict[str, Any]]]:
    """Type, name and content of every recipe."""
    for image_type in ImageType:
        for name, recipe in mapping(data, "images", image_type).items():
            yield image_type, name, recipe if isinstance(recipe, dict) else {}


def environments(data: Data) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Service, name and content of every environment."""
    for service, content in mapping(data, "services").items():
        for name, environment in mapping(content, "environments").items():
            yield service, name, environment if isinstance(environment, dict) else {}


def cloud_kind(data: Data, cloud: Any) -> CloudKind | None:
    """The kind of a cloud of the file, where it is a known one."""
    kind = mapping(data, "clouds", cloud).get("kind") if isinstance(cloud, str) else None
    return CloudKind(kind) if kind in list(CloudKind) else None


def blocks(data: Data, key: str) -> Iterator[tuple[Place, Any]]:
    """What stands under `key` of each service, and of each environment over it, with its place."""
    for service, content in mapping(data, "services").items():
        if isinstance(content, dict) and key in content:
            yield ("services", service, key), content[key]
    for service, environment, content in environments(data):
        if key in content:
            yield ("services", service, "environments", environment, key), content[key]


def settings_at(content: Any, environment: str) -> dict[str, tuple[bool, Any]]:
    """The settings of a service in an environment of it: whether each is the environment's own, and its value."""
    own = mapping(content, "environments", environment, "settings")
    return {
        **{name: (False, value) for name, value in mapping(content, "settings").items()},
        **{name: (True, value) for name, value in own.items()},
    }
