"""A repository shown by a bucket: the files that a web server would show, copied there in the order readers need.

A bucket has no switch that moves many files in one moment. What stands in for it is the signed Release: it names every
index by its digest, and each index every package by its own. So what is named is written before what names it, and
InRelease, one object, last: a reader sees the former repository up to that write and the new one after it, and
everything that either names is there. What the new one names no more stays for an hour, for readers in the middle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from phoenix.clock import rfc3339
from phoenix.errors import CloudError, RefusedError
from phoenix.spec.repositories import RepositorySpec
from phoenix.tools.aptly_root import IDENTITY, Root
from phoenix.tools.object_store import Objects

KEPT_FOR = timedelta(hours=1)
"""How long what is superseded can still be had: an update takes seconds, or minutes."""
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASK_AGAIN = {"Cache-Control": "no-cache, max-age=0"}
"""Google's buckets let whoever stands between keep an object for an hour, where nothing is said."""
_FIXED = re.compile(r"pool/.*_[0-9a-f]{12}\.deb|dists/.*/by-hash/[^/]+/[0-9a-f]+")
"""Names that no other contents ever get."""
_ORDER = (
    re.compile(r"key\.asc"),
    re.compile(r"pool/.*"),
    re.compile(r"dists/.*/by-hash/.*"),
    re.compile(r"dists/[^/]+/[^/]+/.*"),
    re.compile(r"dists/[^/]+/(Release|Release\.gpg)"),
    re.compile(r"dists/[^/]+/InRelease"),
)
"""What is written after what."""
_NAMED_BY_NOBODY = re.compile(r"(key\.asc|dists/[^/]+/(InRelease|Release\.gpg))")
"""Files that machines ask for by themselves: gone here means gone there, at once."""


def opened(spec: RepositorySpec, environment: Mapping[str, str]) -> Objects:
    """The bucket that shows the repository. SpecError, CloudError as `Objects.open`."""
    return Objects.open(spec.bucket, environment, key=f"repositories.{spec.name}.bucket")


def claim(objects: Objects, root: Root) -> None:
    """See that the place in the bucket is this root's, which it is from the first claim on.

    RefusedError where it is another's: neither overwrites what the other shows.
    """
    mine = root.identity.read_bytes()
    there = objects.read(IDENTITY)
    if there is None:
        if any(objects.sizes(below) for below in ("dists", "pool")):
            raise _not_ours(objects, "it holds a repository that phoenix did not put there")
        there = mine if objects.create(IDENTITY, mine, _ASK_AGAIN) else objects.read(IDENTITY)
    if there != mine:
        raise _not_ours(objects, f"it shows the repository {(there or b'').decode('ascii', 'replace').strip()}")


def behind(objects: Objects, root: Root, distribution: str) -> bool:
    """Whether the bucket shows something else than the root does: it was never written, or a copy broke off."""
    names = [f"dists/{distribution}/{name}" for name in ("InRelease", "Release")]
    return any(objects.read(name) != _content(root.public / name) for name in names)


def show(
    objects: Objects,
    root: Root,
    distribution: str,
    *,
    now: datetime,
    between: Callable[[], None],
    say: Callable[[str], None],
) -> int:
    """Make the bucket show what the root does; how many files were written. May be done again, and broken off.

    `between` is called before each write and keeps the caller's lease. What is superseded and cannot be removed stays:
    `say` tells it.
    """
    here = {str(file.relative_to(root.public)): file.stat().st_size for file in _files(root.public, distribution)}
    there = objects.sizes()
    written = 0
    for name in sorted(here, key=_turn):
        fixed = _FIXED.fullmatch(name)
        if fixed and there.get(name) == here[name]:
            continue
        objects.write(name, root.public / name, _FOR_EVER if fixed else _ASK_AGAIN, between)
        written += 1
    gone = [name for name in there if name not in here]
    objects.remove(name for name in gone if _NAMED_BY_NOBODY.fullmatch(name) and _of(name, distribution))
    superseded = [name for name in gone if _named(name, distribution)]
    stays = _give_up(objects, root, superseded, now, between)
    if stays is not None:
        say(f"superseded files stay until the next change: {stays.brief} ({stays.details})")
    return written


def _files(public: Path, distribution: str) -> Iterator[Path]:
    """What is shown; aptly's marks beside its indexes are links."""
    for below in (public / "key.asc", *(public / name for name in ("pool", f"dists/{distribution}"))):
        for file in [below] if below.is_file() else below.rglob("*"):
            if file.is_file() and not file.is_symlink() and ".tmp" not in file.name:
                yield file


def _turn(name: str) -> tuple[int, str]:
    """When the file of that name is written: after those that it names."""
    return next(number for number, form in enumerate(_ORDER) if form.fullmatch(name)), name


def _of(name: str, distribution: str) -> bool:
    return not name.startswith("dists/") or name.startswith(f"dists/{distribution}/")


def _named(name: str, distribution: str) -> bool:
    """Whether an index or a Release may name the object."""
    return name.startswith(("pool/", f"dists/{distribution}/")) and not _NAMED_BY_NOBODY.fullmatch(name)


def _give_up(
    objects: Objects, root: Root, superseded: list[str], now: datetime, between: Callable[[], None]
) -> CloudError | None:
    """Remove what was superseded an hour ago; what is superseded since, or stays, is noted with the time.

    Gives what the bucket said against it: machines see the new repository by now, which that takes nothing from.
    """
    since = _noted(root.superseded)
    times = {name: since.get(name, now) for name in superseded}
    stays = None
    for name in [name for name, time in times.items() if now - time > KEPT_FOR]:
        between()
        try:
            objects.remove([name])
        except CloudError as error:
            stays = error
            break
        del times[name]
    fresh = root.superseded.with_suffix(".new")
    fresh.write_text(json.dumps({name: rfc3339(time) for name, time in times.items()}, indent=1))
    fresh.replace(root.superseded)
    return stays


def _noted(file: Path) -> dict[str, datetime]:
    """Since when each name is superseded; what cannot be read counts from now."""
    with suppress(OSError, ValueError, AttributeError, TypeError):
        return {name: datetime.fromisoformat(time) for name, time in json.loads(file.read_text()).items()}
    return {}


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _not_ours(objects: Objects, details: str) -> RefusedError:
    return RefusedError(
        f"{objects.place} is not this repository's",
        details=details,
        resolution="Give `bucket` in phoenix.yaml a prefix of its own, or empty that place if nothing reads it.",
    )
