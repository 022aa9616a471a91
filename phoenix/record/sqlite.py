"""The state on one machine: a SQLite file, no server, no daemon, safe for many processes at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from phoenix.errors import CloudError
from phoenix.record.store import ConflictError, Value

T = TypeVar("T")

_BUSY = 20.0
"""Seconds to wait for another process's write, which takes milliseconds."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, data BLOB NOT NULL, tag INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 0);
"""


class SqliteStore:
    """Values in one table. A tag is a number that is never given twice, so A -> B -> A is seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def get(self, key: str) -> Value | None:
        """What stands under `key`, or None."""
        row = self._do(lambda db: db.execute("SELECT data, tag FROM state WHERE key = ?", (key,)).fetchone())
        return None if row is None else Value(data=row[0], tag=str(row[1]))

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        """Write where `key` still has `tag` (None: where it is free); the new tag. Raises ConflictError."""
        return self._do(lambda db: _write(db, key, data, tag))

    def delete_if(self, key: str, tag: str) -> None:
        """Remove `key` where it still has `tag`. Raises ConflictError."""
        self._do(lambda db: _write(db, key, None, tag))

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, sorted."""
        query = "SELECT key FROM state WHERE substr(key, 1, ?) = ? ORDER BY key"
        return self._do(lambda db: tuple(row[0] for row in db.execute(query, (len(prefix), prefix))))

    def close(self) -> None:
        """Let the file go; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _do(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return action(self._open())
        except sqlite3.OperationalError as error:
            raise self._failed(
                error, "See that the disk has room and that you may write there; then try again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._failed(
                error,
                "Move the file away and restore it from a backup; `phoenix status` shows what really runs.",
            ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._failed(error, "See that the directory can be made and written.") from error
            connection = sqlite3.connect(self._file, timeout=_BUSY, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_SCHEMA)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _failed(self, error: Exception, resolution: str) -> CloudError:
        return CloudError("the state cannot be used", details=f"{self._file}: {error}", resolution=resolution)


def _write(db: sqlite3.Connection, key: str, data: bytes | None, tag: str | None) -> str:
    """One compare-and-swap; `data` None deletes."""
    try:
        db.execute("BEGIN IMMEDIATE")
        row = db.execute("SELECT tag FROM state WHERE key = ?", (key,)).fetchone()
        if (None if row is None else str(row[0])) != tag:
            raise ConflictError("somebody else wrote first", details=f"the state's value {key} has changed")
        new = db.execute("UPDATE counter SET last = last + 1 RETURNING last").fetchone()[0]
        if data is None:
            db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, data, new))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # an interrupt may come just after the commit
            db.execute("ROLLBACK")
        raise
    return str(new)
