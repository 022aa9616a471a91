"""The state of many agents: one object per value in an S3 or GCS bucket, changed by conditional writes only.

What a bucket itself does not give is made here:

- *Tags that never come twice.* An S3 tag is a digest of the content, so A -> B -> A would bring back the first.
  Every object begins with a mark of its own write, 32 random hexadecimal digits, so no content comes twice.
- *Lost answers.* A write whose answer was lost may have been carried out. It is read back: the mark tells whose
  write stands. Where nothing has changed it is sent once more, the same to the byte: whichever of the two comes
  first, the other meets its condition and does nothing.
- *Conditional deletion.* None is offered that all stores have. A value is overwritten, conditionally, by an object
  that is the mark and nothing else, and such an object counts as absent: the next creation overwrites it,
  conditionally. It stays, because a deletion on its way could hit the value that was created meanwhile, and a late
  creation could bring a deleted value back. (A lifecycle rule of the bucket for objects smaller than 33 bytes may
  remove such objects when they are a day old.)
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, PreconditionError

from phoenix.buckets import Address, address
from phoenix.errors import CloudError
from phoenix.record.bucket import problem
from phoenix.record.store import ConflictError, DamagedError, StoreError, Value, conflict
from phoenix.tools import object_store
from phoenix.tools.object_store import Client

if TYPE_CHECKING:
    from obstore import PutMode

TIMEOUT = 8.0
"""Seconds that one request may take. What fails sooner is tried a second time; what hangs for so long is not."""
_MARK = 32
"""Bytes of a write's mark. An object of just so many is a deleted value."""
_CONDITIONS = {"s3": "e_tag", "gs": "version"}
"""What tells one state of an object from another: S3's ETag, GCS's generation."""


class _UnansweredError(StoreError):
    """A write that may have been carried out or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """An object as it was read."""

    mark: bytes
    tag: str
    data: bytes | None
    """None: the value was deleted."""


class ObjectStore:
    """Values as objects of one bucket."""

    def __init__(self, place: Address, *, reads: Client, writes: Client) -> None:
        self._place = place
        self._reads = reads
        self._writes = writes
        self._condition = _CONDITIONS[place.scheme]

    @classmethod
    def open(cls, url: str, environment: Mapping[str, str]) -> ObjectStore:
        """The store at `url`, `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`. Nothing is asked of the bucket yet.

        Raises SpecError where the address or the environment cannot be used, and StoreError where the credentials
        that the environment names cannot.
        """
        place = address(url, environment)
        try:
            reads = object_store.client(place, environment, seconds=TIMEOUT, retries=1)
            writes = object_store.client(
                place, environment, seconds=TIMEOUT, retries=0
            )  # a write that is tried again is looked for first
        except (BaseError, object_store.NoCredentialsError) as error:
            raise problem(place, str(error)) from error
        return cls(place, reads=reads, writes=writes)

    def get(self, key: str) -> Value | None:
        """What stands under `key`, or None."""
        standing = self._read(key)
        return None if standing is None or standing.data is None else Value(data=standing.data, tag=standing.tag)

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        """Write where `key` still has `tag` (None: where it is free); the new tag.

        Raises ConflictError where it is certain that nothing was written, StoreError where it is not.
        """
        content = _new_mark() + b"\n" + data
        if tag is not None:
            return self._write(key, content, tag)
        try:
            return self._write(key, content, None)
        except ConflictError:
            standing = self._read(key)
            if standing is None or standing.data is not None:
                raise
        return self._write(key, content, standing.tag)

    def delete_if(self, key: str, tag: str) -> None:
        """Remove `key` where it still has `tag`. Raises as `put_if` does."""
        self._write(key, _new_mark(), tag)

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, sorted."""
        return tuple(sorted(key for key in self._keys(prefix.rpartition("/")[0]) if key.startswith(prefix)))

    def _keys(self, directory: str) -> Iterator[str]:
        """The keys in a directory that have a value."""
        try:
            for found in chain.from_iterable(obstore.list(self._reads, directory or None, chunk_size=1000)):
                if found["size"] > _MARK:
                    yield found["path"]
        except BaseError as error:
            raise problem(self._place, str(error)) from error

    def _read(self, key: str) -> _Standing | None:
        try:
            answer = obstore.get(self._reads, key)
            content = bytes(answer.bytes())
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise problem(self._place, str(error)) from error
            return None
        except BaseError as error:
            raise problem(self._place, str(error)) from error
        mark, data = content[:_MARK], content[_MARK:]
        if len(mark) < _MARK or (not data.startswith(b"\n") and data):
            raise DamagedError(
                "the state holds a value that phoenix cannot read",
                details=f"{self._place}/{key} does not begin as phoenix's values do",
                resolution="See who else writes into the bucket; remove the object, or set another prefix.",
            )
        return _Standing(mark=mark, tag=self._tag_of(answer.meta), data=data[1:] if data else None)

    def _write(self, key: str, content: bytes, tag: str | None) -> str:
        """One conditional write, decided even where its answer is lost; the new tag."""
        lost: _UnansweredError | None = None
        for _attempt in range(2):
            try:
                return self._put(key, content, tag)
            except ConflictError:
                if lost is None:
                    raise
            except _UnansweredError as error:
                lost = error
            standing = self._read(key)
            if standing and standing.mark == content[:_MARK]:
                return standing.tag
            if (standing.tag if standing else None) != tag:
                raise StoreError(
                    "it is not known whether the state was written",
                    details=f"{self._place}/{key}: the answer was lost, and another process has written since",
                    resolution="Look with `phoenix status`, then try again.",
                ) from lost
        assert lost is not None, "a write that was answered has been returned or raised"
        raise lost

    def _put(self, key: str, content: bytes, tag: str | None) -> str:
        try:
            answer = obstore.put(self._writes, key, content, mode=self._mode(tag), use_multipart=False)
        except (AlreadyExistsError, PreconditionError) as error:
            raise conflict(key) from error
        except GenericError as error:
            told = problem(self._place, str(error))
            raise _UnansweredError(told.brief, details=told.details, resolution=told.resolution) from error
        except (BaseError, FileNotFoundError) as error:
            raise problem(self._place, str(error)) from error
        return self._tag_of(answer)

    def _mode(self, tag: str | None) -> PutMode:
        """The condition of a write, as obstore names it."""
        if tag is None:
            return "create"
        return {"e_tag": tag} if self._condition == "e_tag" else {"version": tag}

    def _tag_of(self, answer: Mapping[str, object]) -> str:
        tag = answer[self._condition]
        if not isinstance(tag, str):
            raise CloudError(
                "this object store cannot hold the state",
                details=f"{self._place}: it gives its objects no {self._condition}, so no write can be conditional",
                resolution="Use S3, GCS or a store that has conditional writes.",
            )
        return tag


def _new_mark() -> bytes:
    return secrets.token_hex(_MARK // 2).encode()
