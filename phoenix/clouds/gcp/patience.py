"""Waiting for Google Cloud's writes so that no lease ends meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix.errors import UnreachableError
from phoenix.wait import DeadlineError

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
