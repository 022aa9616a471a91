"""Where the files that travel with phoenix lie (templates, playbooks, Terraform modules), in a checkout or a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """The path of a shipped file or directory, such as `path("playbooks", "os.yml")`."""
    wheel = _PACKAGE / "data"
    root = wheel if wheel.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)
