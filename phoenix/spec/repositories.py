"""The `repositories` of `phoenix.yaml`: aptly repositories that booting machines install from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositorySpec:
    """One aptly repository. `sign`: `auto` (a key made for it), a key id, or `none`."""

    name: str
    distribution: str
    root: Path
    url: str
    """Where phoenix itself reads it; what is an address of this computer it serves."""
    sign: str
    keep: int
    component: str = "main"
    urls: Mapping[str, str] = field(default_factory=dict)
    """Where machines of each cloud find it; empty: all of them at `url`."""

    bucket: str = ""
    """The place in a bucket that shows it, s3:// or gs://; empty: a web server shows the root's directory."""

    def url_for(self, cloud: str) -> str:
        """Where machines of that cloud find it, as the file says."""
        return self.urls.get(cloud, self.url)
