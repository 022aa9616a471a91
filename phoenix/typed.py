"""Typed values out of JSON data and back: pydantic's adapters, each made once, when it is first needed.

pydantic looks through every installed distribution for plugins of its own before it makes the first one; none of them
has a say in what phoenix reads and writes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What reads and writes values of `kind`, a frozen dataclass or a type made of such."""
    from pydantic import TypeAdapter

    with without_plugins():
        return TypeAdapter(kind)


def to_json(kind: TypeAdapter[Any], value: Any, *, indent: int | None = None) -> bytes:
    """The value as JSON."""
    with _uninterrupted():
        return kind.dump_json(value, indent=indent)


def to_data(kind: TypeAdapter[Any], value: Any) -> Any:
    """The value as JSON-able data."""
    with _uninterrupted():
        return kind.dump_python(value, mode="json")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hear of signals afterwards: pydantic turns what a signal raises within it into a mistake of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def without_plugins() -> Iterator[None]:
    """Keep pydantic from looking for plugins meanwhile."""
    before = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = before
