"""What an apt repository shows, read as a machine reads it: over HTTP, signature and digests checked.

Never through aptly: what counts is what machines get. A `file://` url is read where it lies, with the same checks.
"""

from __future__ import annotations

import difflib
import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from phoenix.debs import ANY, OF_MACHINES, Deb, version_key
from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.model import Package, Repository
from phoenix.tools import gpg, web
from phoenix.tools.web import Read

_TIMEOUT = 10.0
"""Seconds for one answer."""
_FILES = ("Packages.gz", "Packages")
"""The forms of an index that are understood, the preferred first."""


class UnreadableIndexError(RefusedError):
    """The repository gives no answer, or one that is no whole index: perhaps another moment."""


class UntrustedIndexError(RefusedError):
    """The index is there, and not signed by the repository's key."""


def resolve(
    repository: Repository, wishes: Iterable[tuple[str, str | None]], *, architecture: str = OF_MACHINES[0]
) -> tuple[Package, ...]:
    """The exact package for each wish (name, and version or None for the newest), in the order of the wishes.

    Machines of that architecture install them.

    RefusedError tells of every wish that the repository cannot fulfil, with what it has instead.
    """
    wanted = tuple(wishes)
    if not wanted:
        return ()
    every = fetch(repository)
    shown = tuple(deb for deb in every if deb.architecture in (ANY, architecture))
    found = [_pick(shown, name, version) for name, version in wanted]
    missing = [
        _what_there_is(shown, *wish) + _for_others(every, *wish, architecture)
        for wish, deb in zip(wanted, found, strict=True)
        if deb is None
    ]
    if missing:
        raise RefusedError(
            f"the repository '{repository.name}' lacks what is asked for",
            details="\n".join(missing),
            resolution="Publish it (`phoenix publish FILE.deb`), or ask for what is there.",
        )
    return tuple(
        Package(name=deb.name, version=deb.version, sha256=deb.sha256, repository=repository.name)
        for deb in found
        if deb is not None
    )


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Entry:
    """A package as an index shows it, with where its file is below the repository's url, and its bytes."""

    deb: Deb
    file: str = ""
    size: int = 0


def fetch(repository: Repository) -> tuple[Deb, ...]:
    """Every package that some machine sees in the repository, sorted. Raises as `entries`."""
    return tuple(entry.deb for entry in entries(repository))


def download(repository: Repository, entry: Entry, file: Path) -> None:
    """Write the package's bytes to `file`. ToolError where they are not those of the index."""
    with web.reader(repository.url, timeout=_TIMEOUT) as read_page:
        file.write_bytes(_get(read_page, f"{repository.url.rstrip('/')}/{entry.file}"))
    with file.open("rb") as written:
        if hashlib.file_digest(written, "sha256").hexdigest() != entry.deb.sha256:
            raise ToolError(
                f"{entry.deb.name} {entry.deb.version} is not what the index of '{repository.name}' says",
                details=f"{repository.url}/{entry.file} has another SHA-256 than {entry.deb.sha256}",
                resolution="See who serves this url, and whether its disk is sound.",
            )


def read(url: str) -> str:
    """The text at a url of a repository. Raises UnreadableIndexError."""
    with web.reader(url, timeout=_TIMEOUT) as read_page:
        return _get(read_page, url).decode()


def entries(repository: Repository) -> tuple[Entry, ...]:
    """Every package that some machine sees in the repository, whatever its architecture, sorted, with its file.

    Where the repository has a key the signature is checked with it. Raises UnreadableIndexError and
    UntrustedIndexError.
    """
    base = f"{repository.url.rstrip('/')}/dists/{repository.distribution}"
    found: set[Entry] = set()
    with web.reader(repository.url, timeout=_TIMEOUT) as read_page:
        release = _release(read_page, base, repository)
        sums, by_hash = release_sums(release), "\nAcquire-By-Hash: yes" in release
        wanted = [f"{repository.component}/binary-{each}/{file}" for each in OF_MACHINES for file in _FILES]
        names = {name.rpartition("/")[0]: name for name in reversed(wanted) if name in sums}
        if not names:
            raise _unreadable(f"{base} has no index of {repository.component}/binary-{OF_MACHINES[0]}")
        for directory, name in names.items():
            found.update(_index(read_page, f"{base}/", directory if by_hash else "", name, sums[name]))
    return tuple(sorted(found))


def _index(read_page: Read, base: str, hashed: str, name: str, digest: str) -> Iterator[Entry]:
    """The packages of one index; it is asked for by its digest in the directory `hashed`, where there is one."""
    place = f"{hashed}/by-hash/SHA256/{digest}" if hashed else name
    data = _get(read_page, base + place)
    if hashlib.sha256(data).hexdigest() != digest:
        raise _unreadable(f"{base}{place} is not what the release says")
    text = gzip.decompress(data) if name.endswith(".gz") else data
    # of a package that somebody else published a field may be in another encoding; what is read here is ASCII
    yield from parse_packages(text.decode("utf-8", "replace"))


def release_sums(release: str) -> dict[str, str]:
    """The SHA-256 of each index file that a Release file names."""
    _before, _mark, after = release.partition("\nSHA256:\n")
    sums: dict[str, str] = {}
    for line in after.splitlines():
        if not line.startswith(" "):
            break
        digest, _size, name = line.split()
        sums[name] = digest
    return sums


def parse_packages(text: str) -> Iterator[Entry]:
    """The packages of a Packages file: paragraphs of `Name: value` lines; what continues a value is passed over."""
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.split("\n") if ": " in line and line[0] not in " \t")
        if "Package" in fields:
            deb = Deb(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                sha256=fields["SHA256"],
            )
            yield Entry(deb=deb, file=fields.get("Filename", ""), size=int(fields.get("Size", "0")))


def _release(read_page: Read, base: str, repository: Repository) -> str:
    """The Release file's text; with a key only what that key has signed."""
    if not repository.key:
        return _get(read_page, f"{base}/Release").decode()
    signed = _get(read_page, f"{base}/InRelease")
    try:
        return gpg.verified(signed, repository.key).decode()
    except gpg.ClockError as error:
        raise UntrustedIndexError(
            f"the signature of the repository '{repository.name}' cannot be checked: {error.brief}",
            details=f"{base}/InRelease: {error.details}",
            resolution=error.resolution,
        ) from error
    except gpg.BadSignatureError as error:
        raise UntrustedIndexError(
            f"the repository '{repository.name}' is not signed by its key",
            details=f"{base}/InRelease: {error.details}",
            resolution="See who serves this url; publish again if the key was changed.",
        ) from error


def _get(read_page: Read, url: str) -> bytes:
    try:
        page = read_page(url)
    except web.NoPageError as error:
        raise _unreadable(f"{url}: {error}") from error
    if page.status != web.OK:
        raise _unreadable(f"{url}: {page.status} {page.reason}")
    return page.body


def _unreadable(details: str) -> PhoenixError:
    return UnreadableIndexError(
        "the repository's index cannot be read",
        details=details,
        resolution="See that something is published (`phoenix publish`) and served (`phoenix repository serve`).",
    )


def _pick(shown: tuple[Deb, ...], name: str, version: str | None) -> Deb | None:
    fitting = [deb for deb in shown if deb.name == name and version in (None, deb.version)]
    return max(fitting, key=lambda deb: version_key(deb.version), default=None)


def _what_there_is(shown: tuple[Deb, ...], name: str, version: str | None) -> str:
    versions = sorted({deb.version for deb in shown if deb.name == name}, key=version_key, reverse=True)
    if versions:
        return f"{name}={version}: it has the versions {', '.join(versions[:10])}"
    names = sorted({deb.name for deb in shown})
    near = difflib.get_close_matches(name, names) or names[:10]
    return f"{name}: it has {', '.join(near) or 'no package at all'}"


def _for_others(every: tuple[Deb, ...], name: str, version: str | None, architecture: str) -> str:
    """What is to be said of the package that is there, and not for these machines."""
    others = {deb.architecture for deb in every if deb.name == name and version in (None, deb.version)}
    others -= {ANY, architecture}
    return f"; for {', '.join(sorted(others))} it is there, and machines here are {architecture}" if others else ""
