"""Waiting for Google Cloud: looks that a moment without an answer does not end, and writes that no lease outlasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from phoenix.errors import UnreachableError
from phoenix.wait import DeadlineError, Look, retry_while_unknown

if TYPE_CHECKING:
    from phoenix.clouds.gcp.calls import Answer, Calls

PATIENCE = 8.0
"""Seconds that a write is waited for in one go where nobody renews a lease meanwhile. What takes longer is unknown
until it is said again.
"""


def briefly(calls: Calls, operation: Answer) -> None:
    """Wait until the operation is done. UnreachableError where it is not by then; RefusedCallError where it failed."""
    try:
        calls.await_done(operation, deadline=PATIENCE)
    except DeadlineError as error:
        raise UnreachableError(error.brief, details=error.details, resolution="Look again in a moment.") from error


def patient(look: Callable[[], Look]) -> Callable[[], Look]:
    """`look`, but that no answer (a throttled call, a network that is away) is unknown: it is looked again."""

    def looked() -> Look:
        try:
            return look()
        except UnreachableError as error:
            return retry_while_unknown(error)

    return looked
