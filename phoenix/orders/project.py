"""A project itself: made from nothing, its mistakes told at once, what may stand in its file."""

from __future__ import annotations

import re
import socket
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix import data
from phoenix.errors import RefusedError, SpecError
from phoenix.execute.inspection import inspect, unwise
from phoenix.names import WORD
from phoenix.orders import jenkins, project_clouds
from phoenix.orders.site import Site
from phoenix.spec.cautions import warnings
from phoenix.spec.load import load
from phoenix.spec.schema import json_schema
from phoenix.tell import Teller, nobody

PROJECT_FILE = "phoenix.yaml"
_RENAMED = {"gitignore": ".gitignore"}
"""Shipped under another name: git would obey it in phoenix's own sources, too."""
_STEM = 15
"""Characters of the project's name in that of the ground, which has 20."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InitResult:
    """What was written: files by the path below the directory, and the free ports that a new project took."""

    directory: str
    files: tuple[str, ...]
    ports: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidateResult:
    """A project without a mistake. `warnings`: what is no mistake and yet unwise."""

    file: str
    warnings: tuple[str, ...]


def init(directory: Path, clouds: Iterable[str] = (), system: str = project_clouds.DEBIAN_12) -> InitResult:
    """Write a small working project, for these clouds (`aws`, `gcp`) beside the local one, on that system.

    RefusedError where a file of it is there, SpecError for another cloud or system; then nothing was written.
    """
    return _init(directory.absolute(), clouds, system, more={})


def init_jenkins(
    directory: Path,
    environment: Mapping[str, str],
    clouds: Iterable[str] = (),
    system: str = project_clouds.DEBIAN_12,
) -> InitResult:
    """Write what Jenkins needs for the project of that directory; where there is none, a small one with it.

    RefusedError where a file of it is there; then nothing was written. SpecError where the project has mistakes,
    nothing to roll, or is there and `clouds` or another system are named.
    """
    target = directory.absolute()
    if not (target / PROJECT_FILE).is_file():
        new = jenkins.Jobs(
            project=_project_name(target), places=(("web-tier", "local"),), image="foundation/nodejs", package="hello"
        )
        return _init(target, clouds, system, more=jenkins.files(new))
    named = [f"--cloud {each}" for each in project_clouds.checked(clouds)]
    named += [f"--os {system}"] if system != project_clouds.DEBIAN_12 else []
    if named:
        raise SpecError(
            f"{target} has a project already",
            details=f"{named[0]} is for a new one",
            resolution=f"Say it without {named[0].split()[0]}; nothing was written.",
        )
    contents = jenkins.files(jenkins.jobs_of(load(target / PROJECT_FILE, environment)))
    return InitResult(directory=str(target), files=_write(contents, target), ports={})


def _init(target: Path, clouds: Iterable[str], system: str, more: Mapping[str, bytes]) -> InitResult:
    wanted = project_clouds.checked(clouds)
    ports = {"service": _free_port(target, 8000, 8999), "repository": _free_port(target, 9000, 9999)}
    contents = {**_contents(target, ports, wanted, system), **more}
    return InitResult(directory=str(target), files=_write(contents, target), ports=ports)


def validate(file: Path, environment: Mapping[str, str], teller: Teller = nobody) -> ValidateResult:
    """Look for every mistake of phoenix.yaml, its playbooks and its templates; change nothing.

    SpecError tells all of them; its facts have each: `{"mistakes": [{file, line, path, what}]}`.
    """
    site = Site.open(file, environment, teller)
    cautions = (*warnings(site.project), *unwise(site.project.directory))
    for caution in cautions:
        site.warn(caution)
    wrong = inspect(site.project, site.say)
    if wrong:
        raise SpecError(
            f"{len(wrong)} mistakes in the project" if len(wrong) > 1 else "a mistake in the project",
            details="\n".join(wrong),
            resolution="Correct what is listed; nothing was done.",
            facts={"mistakes": [{"file": "", "line": 0, "path": "", "what": what} for what in wrong]},
        )
    return ValidateResult(file=str(site.project.file), warnings=cautions)


def schema() -> dict[str, Any]:
    """The JSON Schema of phoenix.yaml."""
    return json_schema()


def _contents(target: Path, ports: dict[str, int], clouds: tuple[str, ...], system: str) -> dict[str, bytes]:
    """What is written, by the path below the project's directory."""
    root = data.path("templates", "project")
    files = {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}
    spec = project_clouds.with_os(project_clouds.with_clouds(files[PROJECT_FILE].decode(), clouds), system)
    project = _project_name(target)
    for old, new in (
        ("project: hello", f"project: {project}"),
        ("name: hello-prod", f"name: {project[:_STEM].rstrip('-')}-prod"),
        ("127.0.0.1:8000", f"127.0.0.1:{ports['service']}"),
        ("127.0.0.1:9999", f"127.0.0.1:{ports['repository']}"),
    ):
        spec = spec.replace(old, new)
    files[PROJECT_FILE] = spec.encode()
    named = {_RENAMED.get(name, name): content for name, content in files.items()}
    return {**named, **project_clouds.files(clouds)}


def _project_name(target: Path) -> str:
    """The directory's name as far as a project may be called so, else `hello`."""
    name = re.sub(r"[^a-z0-9]+", "-", target.name.lower()).strip("-")[:26].rstrip("-")
    return name if WORD.fullmatch(name) else "hello"


def _free_port(target: Path, first: int, last: int) -> int:
    """A port nothing listens on. Where the search begins depends on the directory: two new projects rarely meet."""
    count = last - first + 1
    start = zlib.crc32(str(target).encode())
    for offset in range(count):
        port = first + (start + offset) % count
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RefusedError(
        f"no free port from {first} to {last}",
        details="something listens on every one of them",
        resolution="End what is not needed, then try again.",
    )


def _write(contents: dict[str, bytes], target: Path) -> tuple[str, ...]:
    """Write all files or none. Gives their paths below `target`."""
    there = [name for name in contents if (target / name).exists() or (target / name).is_symlink()]
    if there:
        raise RefusedError(
            f"{target} has files that would be overwritten",
            details=", ".join(there),
            resolution="Name another directory; nothing was written.",
        )
    written: list[Path] = []
    try:
        for name, content in contents.items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            written.append(file)
            file.write_bytes(content)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise SpecError(
            f"cannot write the project to {target}",
            details=f"{error.filename}: {error.strerror}",
            resolution="Name a directory that can be written to.",
        ) from error
    return tuple(contents)
