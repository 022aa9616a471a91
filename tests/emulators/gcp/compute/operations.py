"""Operations as things that are asked for."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.emulated import Emulated


class OperationKind(Kind):
    """What is under way, or was. The server waits before `wait` is answered."""

    noun = "operations"

    def __init__(self, emulated: Emulated) -> None:
        self._store = emulated.store

    def actions(self) -> Mapping[str, Handler]:
        """wait and delete."""
        return {"wait": self._wait, "delete": self._delete}

    def _wait(self, asked: Asked) -> Json:
        return self._store.need(asked.key)

    def _delete(self, asked: Asked) -> Json:
        self._store.need(asked.key)
        self._store.pop(asked.key)
        return {}
