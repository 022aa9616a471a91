"""What each stack gives out, as it was when it was last applied or asked: `stacks/NAME` in the store."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from phoenix.record.store import ConflictError, Store, damaged
from phoenix.stacks import Output
from phoenix.typed import adapter, to_json


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRecord:
    """The outputs of a stack; no value of one that Terraform marks sensitive is among them."""

    outputs: tuple[Output, ...]
    at: str
    """When they were read, in RFC 3339."""


class StackRecords:
    """Reads and writes them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, stack: str) -> StackRecord | None:
        """What is known of the stack; None where it was never applied. DamagedError for what cannot be read."""
        value = self._store.get(_key(stack))
        if value is None:
            return None
        try:
            return _adapter().validate_json(value.data)
        except ValidationError as error:
            raise damaged(_key(stack), error) from error

    def put(self, stack: str, record: StackRecord) -> None:
        """Write it down; what was read later wins by coming later."""
        data = to_json(_adapter(), record)
        while True:
            standing = self._store.get(_key(stack))
            try:
                self._store.put_if(_key(stack), data, standing.tag if standing else None)
            except ConflictError:
                continue
            return


def _key(stack: str) -> str:
    return f"stacks/{stack}"


def _adapter() -> TypeAdapter[StackRecord]:
    return adapter(StackRecord)
