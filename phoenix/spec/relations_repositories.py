"""What must be true of repositories: each has places of its own, and machines of every cloud reach what they need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from phoenix.model import CloudKind
from phoenix.spec.form.repositories import DEFAULT_ROOT
from phoenix.spec.mistakes import Place, nearest
from phoenix.spec.plain import Data, Found, cloud_kind, environments, listing, mapping

_HERE = re.compile(r"https?://(localhost|127\.[0-9.]+)([:/].*)?")


def repository_mistakes(data: Data) -> Found:
    """What is wrong with the repositories of the file, and with what is said of them."""
    yield from _shared(data)
    users = _users(data)
    for name, content in mapping(data, "repositories").items():
        url = content.get("url") if isinstance(content, dict) else None
        place = ("repositories", name, "url")
        yield from _bucket(name, content)
        if isinstance(url, dict):
            yield from _by_cloud(data, place, url, users.get(name, {}))
        elif isinstance(url, str):
            yield from _for_all(place, url, users.get(name, {}))


def _bucket(name: str, content: Any) -> Found:
    """What a bucket shows is read at an address of the bucket's, never at one of this computer."""
    if not isinstance(content, dict) or not isinstance(content.get("bucket"), str):
        return
    url = content.get("url")
    said = [each for each in (url.values() if isinstance(url, dict) else [url]) if isinstance(each, str)]
    if said and all(map(_HERE.fullmatch, said)):
        what = (
            f"{said[0]} is an address of this computer; accepted: where {content['bucket']} is read, or {{CLOUD: URL}}"
        )
        yield ("repositories", name, "url"), what


def _shared(data: Data) -> Found:
    """Each has an aptly and a web server of its own, so that neither switches the other off."""
    taken: dict[tuple[str, str], str] = {}
    for name, content in mapping(data, "repositories").items():
        for place, value in _places(content if isinstance(content, dict) else {}):
            owner = taken.setdefault((str(place[0]), value.rstrip("/")), name)
            if owner != name:
                what = f"{value} is the {place[0]} of repository {owner} already"
                yield ("repositories", name, *place), what


def _places(content: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Root and urls of a repository, where they stand."""
    root, url = content.get("root", DEFAULT_ROOT), content.get("url")
    if isinstance(root, str):
        yield ("root",), root
    if isinstance(content.get("bucket"), str):
        yield ("bucket",), content["bucket"]
    if isinstance(url, str):
        yield ("url",), url
    for cloud, each in url.items() if isinstance(url, dict) else ():
        if isinstance(each, str):
            yield ("url", cloud), each


def _users(data: Data) -> dict[str, dict[str, str]]:
    """Who needs each repository on each cloud that is not this computer: `repository -> cloud -> words`."""
    found: dict[str, dict[str, str]] = {}
    repositories = list(mapping(data, "repositories"))
    for service, environment, content in environments(data):
        cloud, spec = content.get("cloud"), mapping(data, "services", service)
        if not isinstance(cloud, str) or cloud_kind(data, cloud) in (None, CloudKind.LOCAL):
            continue
        needed = [*listing(spec, "packages"), *listing(content, "packages"), *_baked_in(data, spec.get("image"))]
        for package in needed:
            named = package.get("repository") if isinstance(package, dict) else None
            for repository in [named] if isinstance(named, str) else repositories[:1]:
                found.setdefault(repository, {}).setdefault(cloud, f"{service} in environment {environment}")
    return found


def _baked_in(data: Data, image: Any) -> Iterator[Any]:
    """The packages of an image (TYPE/NAME) and of those below it: machines that build them install these."""
    image_type, _slash, name = image.partition("/") if isinstance(image, str) else ("", "", "")
    recipe = mapping(data, "images", image_type, name)
    yield from listing(recipe, "packages")
    below = {"immutable": ("foundation", "os"), "foundation": ("os",)}.get(image_type, ())
    for lower in below:
        if isinstance(recipe.get(lower), str):
            yield from _baked_in(data, f"{lower}/{recipe[lower]}")


def _by_cloud(data: Data, place: Place, urls: dict[str, Any], users: dict[str, str]) -> Found:
    """A key is the name of a cloud of the file, or a kind of clouds."""
    clouds, kinds = mapping(data, "clouds"), list(CloudKind)
    for cloud, url in urls.items():
        if cloud not in clouds and cloud not in kinds:
            yield (*place, cloud), f"there is no cloud {cloud!r}{nearest(cloud, (*clouds, *kinds))}"
        elif isinstance(url, str) and _HERE.fullmatch(url) and (cloud_kind(data, cloud) or cloud) != CloudKind.LOCAL:
            yield (*place, cloud), f"{_unreached(url, cloud)}; accepted: one that they reach"
    for cloud, user in users.items():
        if cloud not in urls and cloud_kind(data, cloud) not in urls:
            yield place, f"has no address for {cloud}, but {user} needs it there"


def _for_all(place: Place, url: str, users: dict[str, str]) -> Found:
    if not users or not _HERE.fullmatch(url):
        return
    cloud, user = next(iter(users.items()))
    what = f"{_unreached(url, cloud)}; {user} needs it there"
    yield place, f"{what}; accepted: {{CLOUD: URL, ...}} with one that they reach for each"


def _unreached(url: str, cloud: str) -> str:
    return f"{url} is an address of this computer alone: no machine of the cloud {cloud} reaches it"
