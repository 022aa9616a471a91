"""The `repositories` of `phoenix.yaml`: aptly repositories that booting machines install from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositorySpec:
    """One aptly repository. `sign`: `auto` (a key made for it), a key id, or `none`."""

    name: str
    distribution: str
    root: Path
    url: str
    sign: str
    keep: int
    component: str = "main"
