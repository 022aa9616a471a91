"""The port to the state: small values under keys, changed only where nobody else changed them meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from phoenix.errors import CloudError, UnreachableError

if TYPE_CHECKING:
    from pydantic import ValidationError


class ConflictError(CloudError):
    """The value is no longer what the writer had read: somebody else wrote in between. Nothing was written."""


class DamagedError(CloudError):
    """What the state holds cannot be read. Not a StoreError: trying again does not mend it."""


class StoreError(UnreachableError):
    """The state cannot be reached or used just now. A write that fails so may have been carried out or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What stands under a key, and the tag that names exactly this state of it."""

    data: bytes
    tag: str
    """Never given twice for one key, not even where the same data comes again."""


class Store(Protocol):
    """Compare-and-swap on small values. Keys are `/`-separated words.

    Everything may raise StoreError or DamagedError.
    """

    def get(self, key: str) -> Value | None:
        """What stands under `key`, or None where nothing does."""
        ...

    def put_if(self, key: str, data: bytes, tag: str | None) -> str:
        """Write `data` where `key` still has `tag` (None: where nothing stands); gives the new tag.

        Raises ConflictError otherwise.
        """
        ...

    def delete_if(self, key: str, tag: str) -> None:
        """Remove `key` where it still has `tag`; ConflictError otherwise."""
        ...

    def list(self, prefix: str) -> tuple[str, ...]:
        """The keys that begin with `prefix`, sorted."""
        ...


def conflict(key: str) -> ConflictError:
    """The error for a write to a value that is another by now."""
    return ConflictError(
        "somebody else wrote first",
        details=f"the state's value {key} has changed",
        resolution="Look with `phoenix status`, then say the command again.",
    )


def damaged(key: str, error: ValidationError) -> DamagedError:
    """The error for a value that is no such value. It says where and what is wrong, and shows nothing of the value."""
    wrong = [
        ": ".join(filter(None, [".".join(map(str, each["loc"])), each["msg"]]))
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return DamagedError(
        "the state holds a value that phoenix cannot read",
        details=f"{key}: {'; '.join(wrong)[:300]}",
        resolution="It was written by another version, or is damaged; restore the state from a backup.",
    )
