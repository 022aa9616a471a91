"""Typed values out of JSON data and back: pydantic's adapters, each made once, when it is first needed.

pydantic looks through every installed distribution for plugins of its own before it makes the first one; none of them
has a say in what phoenix reads and writes.
"""

from __future__ import annotations

import os
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
