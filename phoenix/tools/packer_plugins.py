"""Which plugins Packer has beside those that older ones have built in.

Packer up to 1.9 brings its builders and provisioners with it; from 1.10 on each is a program of its own
(https://developer.hashicorp.com/packer/docs/commands/plugins/installed).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from phoenix.errors import RefusedError
from phoenix.tools import packer, process
from phoenix.tools.process import Command

Version = tuple[int, int, int]

LISTS_PLUGINS = (1, 7, 3)
"""The first Packer that has the command `plugins`."""
UNBUNDLED = (1, 10, 0)
"""The first one without plugins of its own: https://github.com/hashicorp/packer/releases/tag/v1.10.0."""
COMPUTE_ENGINE = (1, 7, 0)
"""The first Packer whose bake Compute Engine can finish (`clouds/gcp/bake/packers.py`)."""
ANSIBLE = "ansible"
BUILDERS = {"local": "qemu", "aws": "amazon", "gcp": "googlecompute"}
"""The plugin that bakes for each kind of clouds, beside the one that runs playbooks."""
_BINARY = re.compile(r"packer-plugin-([a-z0-9-]+?)_v(\d+)\.(\d+)\.(\d+)[^_]*_x")


def installed(version: Version) -> Mapping[str, Version]:
    """The plugins that Packer of that `version` finds, the newest of each, by name. Runs it."""
    if version < LISTS_PLUGINS:
        return {}
    command = Command(argv=(process.require("packer", "packer"), "plugins", "installed"), environment=packer.QUIET)
    return read(process.run(command, timeout=30, check=False).stdout)


def read(told: str) -> Mapping[str, Version]:
    """What `packer plugins installed` told: a path for each."""
    found: dict[str, Version] = {}
    for name, *numbers in _BINARY.findall(told):
        major, minor, patch = map(int, numbers)
        found[name] = max(found.get(name, (0, 0, 0)), (major, minor, patch))
    return found


def missing(version: Version, there: Mapping[str, Version], builder: str) -> tuple[str, ...]:
    """Which plugins Packer lacks to bake by that `builder`, one of `BUILDERS`."""
    return tuple(name for name in (builder, ANSIBLE) if version >= UNBUNDLED and name not in there)


def install(names: Iterable[str]) -> str:
    """The line that installs these plugins."""
    return " && ".join(f"packer plugins install github.com/hashicorp/{name}" for name in names)


def told(version: Version, there: Mapping[str, Version]) -> str:
    """Which Packer it is, with which plugins, in words."""
    plugins = [f"{name} {written(there[name])}" for name in (*BUILDERS.values(), ANSIBLE) if name in there]
    own = "its own plugins" if version < UNBUNDLED else "no plugins"
    return f"{written(version)} with {', '.join(plugins) or own}"


def able(version: Version, there: Mapping[str, Version]) -> tuple[str, ...]:
    """The kinds of clouds that it can bake for."""
    kinds = [kind for kind, builder in BUILDERS.items() if not missing(version, there, builder)]
    return tuple(kind for kind in kinds if kind != "gcp" or version >= COMPUTE_ENGINE)


def refuse_without(builder: str) -> None:
    """RefusedError where the Packer on PATH lacks a plugin to bake by that `builder`; looked at before all else."""
    version = packer.version()
    there = installed(version)
    lacking = missing(version, there, builder)
    if lacking:
        raise RefusedError(
            f"packer lacks the plugin{'s' if len(lacking) > 1 else ''} {' and '.join(lacking)}",
            details=f"found packer {told(version, there)}; since {written(UNBUNDLED)} it brings none itself",
            resolution=f"Install what lacks, then bake again: {install(lacking)}",
        )


def written(version: Version) -> str:
    """`1.16.0`."""
    return ".".join(map(str, version))
