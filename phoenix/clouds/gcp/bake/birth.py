"""Looks after the builder machine that Packer makes, until it is there.

Packer gives its disk no labels, so a disk without its machine would tell nobody whose it is: it gets them here. And
Packer 1.6.6 waits ten minutes for a machine that Compute Engine has long refused: the reason is told here at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from phoenix.clock import Clock
from phoenix.clouds.gcp import refusals
from phoenix.clouds.gcp.bake import remains
from phoenix.errors import UnreachableError

if TYPE_CHECKING:
    from phoenix.clouds.gcp.calls import Answer, Calls

EVERY = 2.0
"""Seconds between two looks."""
_SHOWN = "items(name,operationType,status,error,httpErrorStatusCode,httpErrorMessage),nextPageToken"


class Birth:
    """The birth of one machine in one zone, whose disk gets the labels `marks`."""

    def __init__(self, calls: Calls, clock: Clock, *, zone: str, name: str, marks: Mapping[str, str]) -> None:
        self._calls = calls
        self._clock = clock
        self._zone = zone
        self._name = name
        self._marks = marks
        self._over = self._marked = False
        self._next = clock.monotonic() + EVERY

    def watch(self) -> None:
        """Look, if it is time to. RefusedCallError where Compute Engine could not make the machine."""
        if self._over or self._clock.monotonic() < self._next:
            return
        try:
            self._over = self._look()
        except UnreachableError:  # looked again
            self._over = False
        self._next = self._clock.monotonic() + EVERY

    def _look(self) -> bool:
        """Whether the machine was made, gone again or not: then there is nothing more to be looked for.

        RefusedCallError where it could not be made. Its disk is looked for last: it may be there all the same.
        """
        insertion = self._insertion()
        self._marked = self._marked or remains.mark_disk(self._calls, self._name, self._zone, self._marks)
        if insertion is not None:
            refusals.raise_failed(f"start of the builder machine {self._name}", insertion)
        return insertion is not None

    def _insertion(self) -> Answer | None:
        """The operation that made the machine, once it is done."""
        asked = f'targetLink eq ".*/instances/{self._name}"'
        operations = self._calls.pages("zoneOperations", zone=self._zone, filter=asked, fields=_SHOWN)
        done = (each for each in operations if each.get("status") == "DONE")
        return next((each for each in done if each.get("operationType") == "insert"), None)
