"""What is known of the installed ansible-core without running it."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from phoenix.errors import RefusedError

CONFIGURATION = "ansible.cfg"
"""The file of a workspace that configures Ansible."""
_VERSION = r"^__version__ = ['\"]([^'\"]+)['\"]$"
_REDIRECT = r"^    (\w+):\n      redirect: (\w+\.\w+)\."


@cache
def version() -> str:
    """The version of ansible-core that bakes run with."""
    found = re.search(_VERSION, _text("release.py"), re.MULTILINE)
    if not found:
        raise _lost("release.py names no version")
    return found[1]


def redirects(collections: Collection[str]) -> dict[str, str]:
    """The plugins of these `collections` that Ansible also finds by a short name: `ufw` is in community.general."""
    found = re.findall(_REDIRECT, _text("config/ansible_builtin_runtime.yml"), re.MULTILINE)
    return {name: collection for name, collection in found if collection in collections}


def _text(path: str) -> str:
    """A file of the package, which is found without importing it: that would take longer than a hit does."""
    spec = find_spec("ansible")
    file = Path(spec.origin).parent / path if spec and spec.origin else None
    if file is None or not file.is_file():
        raise _lost(f"{path} of the package ansible is not there")
    return file.read_text("utf-8")


def _lost(why: str) -> RefusedError:
    return RefusedError(
        "ansible-core is missing",
        details=f"it is installed with phoenix, but {why}",
        resolution="Install phoenix again (`make setup` in a checkout).",
    )
