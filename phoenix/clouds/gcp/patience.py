"""Looks at Google Cloud that a moment without an answer does not end."""

from __future__ import annotations

from collections.abc import Callable

from phoenix.errors import UnreachableError
from phoenix.wait import Look, retry_while_unknown


def patient(look: Callable[[], Look]) -> Callable[[], Look]:
    """`look`, but that no answer (a throttled call, a network that is away) is unknown: it is looked again."""

    def looked() -> Look:
        try:
            return look()
        except UnreachableError as error:
            return retry_while_unknown(error)

    return looked
