"""What a new project has for a cloud: its part of phoenix.yaml, and the Terraform files of what it stands on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from phoenix import data
from phoenix.errors import SpecError

_BASES = {"aws": "136693071363/debian-12-amd64-*", "gcp": "debian-cloud/debian-12"}
"""Debian's own images there."""
_LOCAL = "  local: {kind: local}"
_BASE = "base: {local: bookworm}"
_URL = re.compile(r"url: (http://127\.0\.0\.1:[0-9]+)")


OPERATING_SYSTEMS = {"debian-12": "bookworm", "debian-13": "trixie"}
"""What a new project's lowest image can be, by its name, with Debian's name for the suite."""
DEBIAN_12 = "debian-12"
"""What the project in `templates/` is written for."""


def with_os(spec: str, name: str) -> str:
    """phoenix.yaml as it is written for Debian 12, for another of `OPERATING_SYSTEMS`; SpecError where it is none."""
    if name not in OPERATING_SYSTEMS:
        raise SpecError(
            f"no project can be written for {name}",
            details=f"accepted: {', '.join(OPERATING_SYSTEMS)}",
            resolution="Say it again, as in `phoenix init shop --os debian-13`; nothing was written.",
        )
    spec = spec.replace(OPERATING_SYSTEMS[DEBIAN_12], OPERATING_SYSTEMS[name])
    return spec.replace(DEBIAN_12, name)


def known() -> tuple[str, ...]:
    """The clouds that a project can be written for."""
    return tuple(sorted(file.stem for file in data.path("templates", "clouds").glob("*.yaml")))


def checked(clouds: Iterable[str]) -> tuple[str, ...]:
    """The clouds, each once. SpecError for one that no project can be written for."""
    wanted = tuple(dict.fromkeys(clouds))
    unknown = sorted(set(wanted) - set(known()))
    if unknown:
        raise SpecError(
            f"no project can be written for {', '.join(unknown)}",
            details=f"accepted: {', '.join(known())}; the local cloud is always there",
            resolution="Say it again, as in `phoenix init shop --cloud aws`; nothing was written.",
        )
    return wanted


def files(clouds: Iterable[str]) -> dict[str, bytes]:
    """The Terraform files of the clouds, by the path below the project's directory."""
    root = data.path("terraform")
    folders = [folder for cloud in clouds for folder in (root / cloud, root / "modules" / cloud)]
    found = (file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file())
    return {f"terraform/{file.relative_to(root)}": file.read_bytes() for file in found if not _left_over(file.parts)}


def with_clouds(spec: str, clouds: Iterable[str]) -> str:
    """phoenix.yaml as it is written for the local cloud, with these clouds beside it."""
    told = {cloud: _sections(data.path("templates", "clouds", f"{cloud}.yaml").read_text()) for cloud in clouds}
    if not told:
        return spec
    lines = []
    for line in spec.splitlines():
        lines.append(_beside(line, told))
        if line.startswith(_LOCAL):
            lines += [each["clouds"] for each in told.values()]
    lines += [each["environments"] for each in told.values()]
    return "\n".join([*lines, "", "stacks:", *(each["stacks"] for each in told.values()), ""])


def _beside(line: str, clouds: Iterable[str]) -> str:
    """A line that says something of the local cloud, with what is true of the others."""
    bases = "".join(f', {cloud}: "{_BASES[cloud]}"' for cloud in clouds)
    urls = "".join(f', {cloud}: "${{stack.network-{cloud}.repository}}"' for cloud in clouds)
    line = line.replace(_BASE, f"base: {{local: bookworm{bases}}}")
    return _URL.sub(lambda found: f'url: {{local: "{found[1]}"{urls}}}', line)


def _sections(text: str) -> Mapping[str, str]:
    """What stands below each key of a cloud's file, without what is around it."""
    found = re.split(r"^(\w+):\n", text, flags=re.MULTILINE)
    return {key: body.rstrip() for key, body in zip(found[1::2], found[2::2], strict=True)}


def _left_over(parts: tuple[str, ...]) -> bool:
    """Whether Terraform itself wrote it there."""
    return ".terraform" in parts or ".tfstate" in parts[-1] or parts[-1] == ".terraform.lock.hcl"
