"""The state on one machine: a SQLite file, no server, no daemon, safe for many processes at once.

Reading makes nothing and needs no right to write; only the first write makes the file. A file that was there and
is gone is never made anew by the process that had it: what is recorded must not seem to be nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from phoenix.errors import CloudError
from phoenix.record.store import DamagedError, StoreError, Value, conflict

T = TypeVar("T")
Identity = tuple[int, int]
"""A file's device and number: tells it from another of its name."""

_BUSY = 8.0
"""Seconds to wait for another process's write, which takes milliseconds."""
_SCHEMA = """
CREATE TABLE state (key TEXT PRIMARY KEY, data BLOB NOT NULL, tag INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
INSERT INTO counter VALUES (1, 0);
"""
_NO_RIGHT = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_NO_WRITING = (*_NO_RIGHT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What may keep a process from writing and not from reading."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)  # the last: a table is missing


class SqliteStore:
    """Values in one table. A tag is a number that is never given twice, so A -> B -> A is seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._opened: Identity | None = None
        self._writable = False

    def get(self, key: str) -> Value | None:
        """What stands under `key`, or None."""
        query = "SELECT data, tag FROM state WHERE key = ?"
        row = self._read(lambda db: db.execute(query, (key,)).fetchone(), empty=None)
        return None if row is None else Value(data=row[0], tag=str(row[1]))

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        """Write where `key` still has `tag` (None: where it is free); the new tag. Raises ConflictError."""
        return self._write(lambda db: _swap(db, key, data, tag))

    def delete_if(self, key: str, tag: str) -> None:
        """Remove `key` where it still has `tag`. Raises ConflictError."""
        self._write(lambda db: _swap(db, key, None, tag))

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, sorted."""
        query = "SELECT key FROM state WHERE substr(key, 1, ?) = ? ORDER BY key"
        return self._read(lambda db: tuple(row[0] for row in db.execute(query, (len(prefix), prefix))), empty=())

    def close(self) -> None:
        """Let the file go; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, action: Callable[[sqlite3.Connection], T], *, empty: T) -> T:
        """Do what only reads; `empty` where there is no file yet."""
        try:
            if self._identity() is None:
                return empty
            return action(self._connection or self._open_to_read())
        except (sqlite3.Error, OSError) as error:
            raise self._failed("read", error) from error
        finally:
            if not self._writable:  # what can only be read is opened for each look: it may be written by others
                self.close()

    def _write(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self._identity()
            return action(self._connection or self._open_to_write())
        except (sqlite3.Error, OSError) as error:
            raise self._failed("written", error) from error

    def _identity(self) -> Identity | None:
        """Which file stands there now. Lets go of another that was open; StoreError where an open one is gone."""
        try:
            found = self._file.stat()
        except FileNotFoundError:
            if self._opened is None:
                return None
            self.close()
            raise StoreError(
                "the state file is gone",
                details=f"{self._file} was there when this process began",
                resolution="Put it back where it was, or restore it from a backup; then `phoenix status`.",
            ) from None
        identity = (found.st_dev, found.st_ino)
        if self._opened not in (None, identity):
            self.close()
        return identity

    def _open_to_read(self) -> sqlite3.Connection:
        """As for writing where that can be; where the file or its directory may only be read, so."""
        try:
            return self._open_to_write()
        except sqlite3.OperationalError as error:
            if _code(error) not in _NO_WRITING:
                raise
        try:
            return self._keep(sqlite3.connect(f"{self._uri}?mode=ro", uri=True, timeout=_BUSY), writable=False)
        except sqlite3.OperationalError:
            log = self._file.with_name(f"{self._file.name}-wal")
            if log.exists() and log.stat().st_size:
                raise  # what is only in there would not be seen
        return self._keep(sqlite3.connect(f"{self._uri}?immutable=1", uri=True), writable=False)

    def _open_to_write(self) -> sqlite3.Connection:
        if not self._file.exists():
            self._make()
        connection = sqlite3.connect(f"{self._uri}?mode=rw", uri=True, timeout=_BUSY, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return self._keep(connection, writable=True)

    def _make(self) -> None:
        """Make the file whole under another name first: SQLite lets no two processes set up one file at a time."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f"{self._file.name}.{secrets.token_hex(8)}")
        try:
            connection = sqlite3.connect(new, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
            finally:
                connection.close()
            with suppress(FileExistsError):  # another process was faster
                self._file.hardlink_to(new)
        finally:
            new.unlink(missing_ok=True)

    def _keep(self, connection: sqlite3.Connection, *, writable: bool) -> sqlite3.Connection:
        """Use the connection from now on, if it can read."""
        try:
            connection.execute("SELECT count(*) FROM state WHERE key = ''")
            found = self._file.stat()
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened, self._writable = connection, (found.st_dev, found.st_ino), writable
        return connection

    @property
    def _uri(self) -> str:
        return self._file.absolute().as_uri()

    def _failed(self, wanted: str, error: Exception) -> CloudError:
        """What went wrong, in words of this state. The connection is given up: the next use begins anew."""
        self.close()
        code = _code(error)
        if code in _DAMAGED:
            return DamagedError(
                "the state file is damaged",
                details=f"{self._file}: {error}",
                resolution="Move it away and restore it from a backup; `phoenix status` shows what really runs.",
            )
        brief, resolution = f"the state cannot be {wanted}", "See that its disk works and has room; then try again."
        if code == sqlite3.SQLITE_FULL:
            brief = f"the state cannot be {wanted}: the disk is full"
            resolution = "Make room, then `phoenix resume` or `phoenix tend`; what was recorded stands."
        elif code in _NO_RIGHT or isinstance(error, PermissionError):
            resolution = "See that you may use the file and its directory; then try again."
        return StoreError(brief, details=f"{self._file}: {error}", resolution=resolution)


def _code(error: Exception) -> int:
    """SQLite's primary code of the error; 0 for errors of others."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _swap(db: sqlite3.Connection, key: str, data: bytes | None, tag: str | None) -> str:
    """One compare-and-swap; `data` None deletes."""
    try:
        db.execute("BEGIN IMMEDIATE")
        row = db.execute("SELECT tag FROM state WHERE key = ?", (key,)).fetchone()
        if (None if row is None else str(row[0])) != tag:
            raise conflict(key)
        new = db.execute("UPDATE counter SET last = last + 1 RETURNING last").fetchone()[0]
        if data is None:
            db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, data, new))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # an interrupt may come just after the commit
            with suppress(sqlite3.Error):  # the first error says more
                db.execute("ROLLBACK")
        raise
    return str(new)
