"""A `.deb` file taken apart (deb(5)): its control fields, once every byte of it has been read.

`dpkg-deb` says the same in 10 ms for each question; hundreds of packages in one publication are read here in one each.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

_MAGIC = b"!<arch>\n"
_HEADER = 60


class NotWholeError(ValueError):
    """The file is no `.deb`, or was cut or damaged; its text says which."""


class UnknownFormError(ValueError):
    """The file is packed in a way that only dpkg-deb knows."""


class _Part:
    """So many bytes of an open file, from where it stands, as a file of its own."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """The next bytes; NotWholeError where the file ends before."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        if len(data) < wanted:
            raise NotWholeError("it ends in the middle")
        self._left -= len(data)
        return data

    def readable(self) -> bool:
        """It is."""
        return True


class _Gunzip:
    """Unpacks gzip as dpkg does, by zlib itself: Python's own reader passes over a damaged header."""

    def __init__(self, part: _Part) -> None:
        self._part = part
        self._stream = zlib.decompressobj(wbits=31)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; nothing at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 16), b""))
        unpacked = b""
        while not unpacked and size:
            packed = self._stream.unconsumed_tail or self._stream.unused_data or self._part.read(1 << 16)
            if self._stream.eof and packed:
                self._stream = zlib.decompressobj(wbits=31)  # another stream follows, as gzip allows
            elif not packed:
                if not self._stream.eof:
                    raise NotWholeError("it ends in the middle")
                break
            unpacked = self._stream.decompress(packed, max(0, size))
        return unpacked + (self.read() if size < 0 and unpacked else b"")


_OPENERS: dict[str, Callable[[Any], Any]] = {
    "": lambda part: part,
    ".gz": _Gunzip,
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}


def control(path: Path) -> bytes:
    """The control file of the package in `path`; every byte of the archive is read, its checksums are checked.

    Raises NotWholeError and UnknownFormError.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise NotWholeError("it does not begin as a Debian package does")
        try:
            version = _member(file, "debian-binary", lambda part, _form: part.read())
            if version != b"2.0\n":
                raise UnknownFormError(f"format {version!r}")
            found = _member(file, "control.tar", _control_of)
            _member(file, "data.tar", _read_through)
        except (tarfile.TarError, lzma.LZMAError, EOFError, zlib.error, OSError) as error:
            raise NotWholeError(str(error) or type(error).__name__) from error
        if file.read(1):
            raise NotWholeError("something follows its end")
    return found


def _member(file: IO[bytes], name: str, take: Callable[[Any, str], bytes]) -> bytes:
    """What `take` makes of the next member, which is to be called `name`, with or without how it is packed."""
    header = file.read(_HEADER)
    if len(header) < _HEADER or header[58:] != b"`\n" or not header[48:58].strip().isdigit():
        raise NotWholeError(f"it ends before its {name}")
    called, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
    form = called.removeprefix(name)
    if not called.startswith(name):
        raise NotWholeError(f"it has '{called}' where its {name} should be")
    if form not in _OPENERS:
        raise UnknownFormError(called)
    part = _Part(file, size)
    taken = take(part, form)
    while part.read(1 << 20):
        pass
    if size % 2:
        file.read(1)
    return taken


def _control_of(part: Any, form: str) -> bytes:
    with tarfile.open(fileobj=BytesIO(_OPENERS[form](part).read()), mode="r:") as tree:
        member = next((each for each in tree if each.name in ("control", "./control")), None)
        opened = tree.extractfile(member) if member else None
        if opened is None:
            raise NotWholeError("it has no control file")
        return opened.read()


def _read_through(part: Any, form: str) -> bytes:
    unpacked = _OPENERS[form](part)
    with tarfile.open(fileobj=unpacked, mode="r|") as tree:
        for _each in tree:
            pass
    while unpacked.read(1 << 20):
        pass
    return b""
