"""The indexes of former publications, kept for machines that are in the middle of an update.

A machine reads the signed Release first and then asks for the indexes that it names, by their hash. aptly keeps one
former generation: where packages are published every second, a machine behind a slow line would ask in vain.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

KEPT_FOR = timedelta(hours=1)
"""How long after it was superseded an index can still be had: an update takes seconds, or minutes."""
_TIMES = "superseded.json"


def keep(shown: Path, kept: Path) -> None:
    """Link every index that machines can ask for by its hash in the distribution's directory `shown` into `kept`."""
    for name in _by_hash(shown):
        link = kept / name
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(shown / name, link)


def put_back(shown: Path, kept: Path, now: datetime) -> None:
    """Give back what a new publication has removed of `kept`, and give up what was superseded too long ago."""
    release = (shown / "Release").read_text()
    times = _times(kept)
    for name in list(_by_hash(kept)):
        place, since = shown / name, times.get(str(name))
        if name.name in release:
            times.pop(str(name), None)
        elif since is not None and now - since > KEPT_FOR:
            times.pop(str(name))
            place.unlink(missing_ok=True)
            (kept / name).unlink()
        else:
            times.setdefault(str(name), now)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(kept / name, place)
    if kept.is_dir():
        fresh = kept / f"{_TIMES}.new"
        fresh.write_text(json.dumps({name: since.isoformat() for name, since in times.items()}))
        fresh.replace(kept / _TIMES)


def _by_hash(directory: Path) -> Iterator[Path]:
    """The files below its `by-hash` directories, by their paths in it. aptly's marks there are links."""
    for file in directory.glob("**/by-hash/*/*"):
        if file.is_file() and not file.is_symlink():
            yield file.relative_to(directory)


def _times(kept: Path) -> dict[str, datetime]:
    """When each index was superseded; what cannot be read counts from now."""
    try:
        said = json.loads((kept / _TIMES).read_text())
        return {name: datetime.fromisoformat(since) for name, since in said.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
