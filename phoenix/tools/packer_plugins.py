"""Which plugins Packer has beside those that older ones have built in.

Packer up to 1.9 brings its builders and provisioners with it; from 1.10 on each is a program of its own
(https://developer.hashicorp.com/packer/docs/commands/plugins/installed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from phoenix.tools import packer, process
from phoenix.tools.process import Command

Version = tuple[int, int, int]

LISTS_PLUGINS = (1, 7, 3)
"""The first Packer that has the command `plugins`."""
UNBUNDLED = (1, 10, 0)
"""The first one without plugins of its own: https://github.com/hashicorp/packer/releases/tag/v1.10.0."""
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
