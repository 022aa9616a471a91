"""What must be true between the parts of `phoenix.yaml`: names that refer to something, parts that fit each other.

These checks look at the plain data and expect nothing of it: a file with a wrong duration and an unknown cloud
is told both. Where a part has not even the right shape they are silent; its form has been complained of already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from phoenix import data as shipped
from phoenix.model import ImageType
from phoenix.names import SERVICE_AND_ENVIRONMENT_MAX, group_owner
from phoenix.spec.mistakes import Place, nearest
from phoenix.spec.plain import Data, Found, blocks, cloud_kind, environments, listing, mapping, recipes
from phoenix.spec.relations_environments import environment_mistakes
from phoenix.spec.relations_gcp import gcp_mistakes
from phoenix.spec.relations_repositories import repository_mistakes
from phoenix.spec.relations_secrets import secret_mistakes
from phoenix.spec.relations_services import service_mistakes
from phoenix.spec.relations_settings import setting_mistakes
from phoenix.spec.relations_stacks import stack_mistakes


def relation_mistakes(data: Data, directory: Path) -> Found:
    """Everything that does not fit together in the file of the project in `directory`."""
    checks: tuple[Callable[[Data], Found], ...] = (
        _parents,
        _bases,
        _service_images,
        _service_foundations,
        _packages,
        repository_mistakes,
        _names,
        _listen_addresses,
        _environments,
        gcp_mistakes,
        secret_mistakes,
        setting_mistakes,
        service_mistakes,
    )
    for check in checks:
        yield from check(data)
    yield from _playbooks(data, directory)
    yield from _hooks(data, directory)
    yield from stack_mistakes(data, directory)


def _parents(data: Data) -> Found:
    for image_type, name, recipe in recipes(data):
        place = ("images", str(image_type), name)
        lower = [below for below in ImageType if below.rank < image_type.rank]
        given = [below for below in lower if below in recipe]
        if image_type is ImageType.IMMUTABLE and len(given) != 1:
            problem = "has two parents" if given else "has no parent"
            yield place, f"{problem}; accepted: one of `foundation: NAME`, `os: NAME`"
        for below in given:
            known = mapping(data, "images", below)
            if isinstance(recipe[below], str) and recipe[below] not in known:
                what = f"there is no {below} image {recipe[below]!r}{nearest(recipe[below], known)}"
                yield (*place, str(below)), what


def _bases(data: Data) -> Found:
    for service, environment, content in environments(data):
        kind = cloud_kind(data, content.get("cloud"))
        lowest = _lowest(data, mapping(data, "services", service).get("image"))
        base = mapping(data, "images", "os", lowest or "").get("base")
        if kind is not None and lowest and isinstance(base, dict) and kind not in base:
            user = f"{service} in environment {environment} starts from it on a {kind} cloud"
            yield ("images", "os", lowest, "base"), f"has no base for {kind}, but {user}"
    for name, recipe in mapping(data, "images", "os").items():
        if isinstance(recipe, dict) and recipe.get("base") == {}:
            yield ("images", "os", name, "base"), "must not be empty; accepted: local, gcp, aws"


def _lowest(data: Data, image: Any) -> str | None:
    """The name of the os image that `image` (TYPE/NAME) stands on, as far as the file says."""
    image_type, _slash, name = image.partition("/") if isinstance(image, str) else ("", "", "")
    while image_type in (ImageType.FOUNDATION, ImageType.IMMUTABLE):
        recipe = mapping(data, "images", image_type, name)
        image_type = "foundation" if image_type == ImageType.IMMUTABLE and "foundation" in recipe else "os"
        below = recipe.get(image_type)
        name = below if isinstance(below, str) else ""
    return name if image_type == ImageType.OS and name else None


def _service_images(data: Data) -> Found:
    known = {f"{image_type}/{name}" for image_type, name, _recipe in recipes(data)}
    for service, content in mapping(data, "services").items():
        image = content.get("image") if isinstance(content, dict) else None
        if isinstance(image, str) and image.partition("/")[0] in list(ImageType) and image not in known:
            yield ("services", service, "image"), f"there is no image {image!r}{nearest(image, known)}"


def _service_foundations(data: Data) -> Found:
    """A stack that is installed at boot: its recipe exists, and was meant for the very os image it meets."""
    known = mapping(data, "images", "foundation")
    for service, content in mapping(data, "services").items():
        image, name = (content.get(key) if isinstance(content, dict) else None for key in ("image", "foundation"))
        place = ("services", service, "foundation")
        if not isinstance(image, str) or not isinstance(name, str):
            continue
        below = mapping(known, name).get("os")
        if not image.startswith("os/"):
            yield place, f"{image} has its stack already; accepted: only beside an os image"
        elif name not in known:
            yield place, f"there is no foundation image {name!r}{nearest(name, known)}"
        elif isinstance(below, str) and image != f"os/{below}":
            yield place, f"foundation/{name} is for os/{below}, not for {image}"


def _packages(data: Data) -> Found:
    known = mapping(data, "repositories")
    users: list[tuple[Place, Any]] = [(("images", str(t), name), recipe) for t, name, recipe in recipes(data)]
    users += [(("services", name), content) for name, content in mapping(data, "services").items()]
    users += [(("services", name, "environments", each), content) for name, each, content in environments(data)]
    for place, user in users:
        for index, package in enumerate(listing(user, "packages")):
            here = (*place, "packages", index)
            wished = package.get("repository") if isinstance(package, dict) else None
            if isinstance(wished, str) and wished not in known:
                yield (*here, "repository"), f"there is no repository {wished!r}{nearest(wished, known)}"
            elif wished is None and not known:
                yield here, "comes from no repository: the file has none under `repositories`"
            elif wished is None and len(known) > 1:
                yield (
                    here,
                    f"does not say from which repository; accepted: {{name: ..., repository: {'|'.join(known)}}}",
                )


def _names(data: Data) -> Found:
    owners: dict[str, str] = {}
    for service, environment, _content in environments(data):
        owner = group_owner(service, environment)
        mine = f"{service} in environment {environment}"
        other = owners.setdefault(owner, mine)
        if other != mine:
            what = f"its groups would be called as those of {other}: {owner}-vNNN"
            place = ("services", service, "environments", environment)
            yield place, f"{what}; accepted: another name for one of them"
        length = len(group_owner(service, environment)) - 1
        if length > SERVICE_AND_ENVIRONMENT_MAX:
            what = f"service and environment together have {length} characters"
            yield ("services", service, "environments", environment), f"{what}; accepted: {SERVICE_AND_ENVIRONMENT_MAX}"


def _listen_addresses(data: Data) -> Found:
    taken: dict[str, str] = {}
    for service, environment, content in environments(data):
        address = mapping(content, "load_balancer").get("listen")
        if not isinstance(address, str):
            continue
        owner = f"{service} in environment {environment}"
        address = address.replace("localhost:", "127.0.0.1:")
        if address in taken:
            place = ("services", service, "environments", environment, "load_balancer", "listen")
            yield place, f"{address} is the address of {taken[address]} already"
        taken.setdefault(address, owner)


def _environments(data: Data) -> Found:
    clouds = mapping(data, "clouds")
    for service, environment, content in environments(data):
        place = ("services", service, "environments", environment)
        cloud = content.get("cloud")
        if isinstance(cloud, str) and cloud not in clouds:
            yield (*place, "cloud"), f"there is no cloud {cloud!r}{nearest(cloud, clouds)}"
        for below, what in environment_mistakes(content, cloud_kind(data, cloud)):
            yield (*place, *below), what


def _playbooks(data: Data, directory: Path) -> Found:
    folders = (directory / "playbooks", shipped.path("playbooks"))
    known = {file.name for folder in folders for pattern in ("*.yml", "*.yaml") for file in folder.glob(pattern)}
    for image_type, name, recipe in recipes(data):
        playbook = recipe.get("playbook")
        if isinstance(playbook, str) and "/" not in playbook and playbook not in known:
            what = f"there is no playbook {playbook!r} in playbooks/ of the project or of phoenix"
            yield ("images", str(image_type), name, "playbook"), f"{what}{nearest(playbook, known)}"


def _hooks(data: Data, directory: Path) -> Found:
    for place, points in blocks(data, "hooks"):
        for point, hooks in mapping(points).items():
            for index, hook in enumerate(hooks if isinstance(hooks, list) else []):
                command = hook.get("command") if isinstance(hook, dict) else hook
                words = command.split() if isinstance(command, str) else []
                where = (*place, point, index)
                if words and words[0].startswith("./"):
                    yield from ((where, what) for what in _unfit_program(directory, words[0]))


def _unfit_program(directory: Path, name: str) -> Iterator[str]:
    file = directory / name
    if not file.is_file():
        yield f"there is no file {name} in the project"
    elif not os.access(file, os.X_OK):
        yield f"{name} may not be executed: `chmod +x {name}`"
