"""Where phoenix keeps what is dear to make and may be thrown away: base trees, packages, what engines can do."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """The cache of this user, for all projects: `PHOENIX_CACHE`, else `phoenix` in the XDG cache; made if absent."""
    named = os.environ.get("PHOENIX_CACHE")
    shared = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = Path(named).absolute() if named else shared / "phoenix"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
