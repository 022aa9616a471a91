"""What a collection counts with: one digest over all of its files that a play may read, and the collections it needs.

Some collections have thousands of files, and many plays name one of them. So what was read is kept in the cache, beside
a signature of all files as the disk knows them (names, sizes, modes, times of the last change, numbers), and read anew
where that is another. What a collection's makers wrote for themselves (tests, docs, changelogs) counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from phoenix.execute import playbook_tree
from phoenix.execute.playbook_tree import Collection, Files
from phoenix.tools.cache import cache_directory

FORM = 1
"""Raised where another phoenix would read other things off the same files."""
SETTLED = 2.0
"""Seconds that a file must be old before what was read of it is kept: a disk's clock is coarser than two writes."""
_NOT_FOR_PLAYS = ("changelogs/", "docs/", "tests/")
_IMPORTED = re.compile(rb"\bansible_collections\.([a-z_]\w*\.[a-z_]\w*)")
_REDIRECTED = re.compile(rb"\bredirect:\s*['\"]?([a-z_]\w*\.[a-z_]\w*)\.")
_NAME = re.compile(r"[a-z_]\w*\.[a-z_]\w*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a collection holds, whole."""

    digest: str
    """SHA-256 over paths, contents and which of them can be executed. Times do not count."""
    needs: frozenset[str]
    """The collections that it depends on, imports from or redirects to, there or not."""


def files_of(collection: Collection) -> Files:
    """The files of a collection that count, by their paths in the tree."""
    found = playbook_tree.files_below(collection.directory)
    kept = {path: file for path, file in found.items() if not path.startswith(_NOT_FOR_PLAYS)}
    return {f"{collection.path}/{path}": file for path, file in sorted(kept.items())}


def contents_of(collection: Collection, files: Files) -> Contents:
    """What `files_of` this collection hold, from the cache where they are as they were."""
    signature, changed = _signature(collection, files)
    kept = cache_directory() / "collections" / f"{hashlib.sha256(str(collection.directory).encode()).hexdigest()}.json"
    known = _known(kept, signature)
    if known is None:
        known = _read(collection, files)
        if changed < time.time() - SETTLED:
            _keep(kept, signature, known)
    return known


def _signature(collection: Collection, files: Files) -> tuple[str, float]:
    """A digest of how the disk knows the files, and when the last of them was changed."""
    signature, changed = hashlib.sha256(f"{FORM} {collection.name}".encode()), 0.0
    for path, file in files.items():
        seen = file.stat()
        words = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mode, seen.st_mtime_ns, seen.st_ctime_ns)
        signature.update(f"{path}\0{words}\0".encode())
        changed = max(changed, seen.st_ctime, seen.st_mtime)
    return signature.hexdigest(), changed


def _known(kept: Path, signature: str) -> Contents | None:
    try:
        said = json.loads(kept.read_bytes())
        if said["signature"] == signature:
            return Contents(digest=str(said["digest"]), needs=frozenset(map(str, said["needs"])))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # what is not there, or no longer whole, is made again
    return None


def _keep(kept: Path, signature: str, contents: Contents) -> None:
    """For the next command; several may do it at once. Without a cache to write to, it is read each time."""
    said = {"signature": signature, "digest": contents.digest, "needs": sorted(contents.needs)}
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(said))
        fresh.replace(kept)


def _read(collection: Collection, files: Files) -> Contents:
    digests, needs = dict[str, str](), set[str]()
    for path, file in files.items():
        content, inside = file.read_bytes(), path.removeprefix(f"{collection.path}/")
        digests[inside] = playbook_tree.digest_of_file(file, content)
        needs.update(_named(inside, content))
    return Contents(digest=playbook_tree.digest_of_all(digests), needs=frozenset(needs - {collection.name}))


def _named(inside: str, content: bytes) -> Iterator[str]:
    """The collections that one file needs."""
    if inside in ("MANIFEST.json", "galaxy.yml"):
        yield from _dependencies(content)
    elif inside == "meta/runtime.yml":
        yield from (name.decode() for name in _REDIRECTED.findall(content))
    elif inside.startswith("plugins/"):
        yield from (name.decode() for name in _IMPORTED.findall(content))


def _dependencies(content: bytes) -> Iterator[str]:
    """The names of `dependencies`, as both files have them."""
    try:
        said: Any = yaml.safe_load(content)  # JSON is YAML, too
    except yaml.YAMLError:
        return  # Ansible does not read it, either
    about = said.get("collection_info", said) if isinstance(said, Mapping) else None
    named = about.get("dependencies") if isinstance(about, Mapping) else None
    yield from (name for name in named or () if isinstance(name, str) and _NAME.fullmatch(name))
