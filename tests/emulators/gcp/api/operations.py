"""What a call has set going: an operation that is PENDING, RUNNING and DONE by the emulator's clock.

https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from tests.emulators.clock import Clock
from tests.emulators.gcp.api.errors import ApiError, Json, OperationError
from tests.emulators.gcp.api.references import link, place_fields, scope_of
from tests.emulators.gcp.api.store import Store
from tests.emulators.gcp.settings import Settings

Work = Callable[[], float | None] | Callable[[], None]
"""What an operation does; seconds after which it goes on, or None when it has ended. OperationError: it has failed."""


class Operations:
    """All operations; they stand among the other things of their scope."""

    def __init__(self, store: Store, clock: Clock, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def start(
        self,
        kind: str,
        key: str,
        work: Work | None = None,
        *,
        request: str = "",
        caller: str = "",
        error: OperationError | None = None,
    ) -> Json:
        """A new operation on a thing; it ends with `error` instead of doing anything, where one is given."""
        scope, moment = scope_of(key), self._store.moment
        name = f"operation-{int(self._clock.now * 1000)}-{uuid4().hex[:13]}-{uuid4().hex[:8]}"
        target = self._store.get(key)
        self._store.put(
            f"{scope}/operations/{name}",
            operationType=kind,
            targetLink=link(key),
            targetId=target["id"] if target else self._store.id(),
            status="PENDING",
            progress=0,
            insertTime=moment,
            user=caller or None,
            clientOperationId=request or None,
            **place_fields(key),
        )
        operation = self._store.need(f"{scope}/operations/{name}")
        half = self._settings().operation / 2
        self._clock.later(half, lambda: self._begin(operation, half, work, error))
        return operation

    def _begin(self, operation: Json, seconds: float, work: Work | None, error: OperationError | None) -> None:
        operation.update(status="RUNNING", startTime=self._store.moment)
        self._clock.later(seconds, lambda: self._go_on(operation, work, error))

    def _go_on(self, operation: Json, work: Work | None, error: OperationError | None) -> None:
        try:
            if error:
                raise error
            again = work() if work else None
        except (OperationError, ApiError) as failed:
            told = failed if isinstance(failed, OperationError) else failed.later()
            operation.update(
                error={"errors": [told.entry()]}, httpErrorStatusCode=told.status, httpErrorMessage=told.phrase
            )
            again = None
        if again is not None:
            operation["progress"] = 50
            self._clock.later(again, lambda: self._go_on(operation, work, None))
        else:
            operation.update(status="DONE", progress=100, endTime=self._store.moment)
