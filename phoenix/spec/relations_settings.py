"""Settings become a program's environment, and the kernel gives it only so much."""

from __future__ import annotations

from phoenix.spec.plain import Data, Found, blocks, mapping
from phoenix.units import is_text

MOST_OF_ONE = 128 * 1024 - 1
"""Bytes of a variable with its name (execve(2), MAX_ARG_STRLEN): with more no program starts."""


def setting_mistakes(data: Data) -> Found:
    """Settings with which no program could be started."""
    for place, settings in blocks(data, "settings"):
        texts = {name: value for name, value in mapping(settings).items() if isinstance(value, str)}
        sizes = {name: size_of(str(name), value) for name, value in texts.items() if is_text(value)}
        for name, size in sizes.items():
            if size > MOST_OF_ONE:
                yield (*place, name), too_long(size)


def size_of(name: str, value: str) -> int:
    """Bytes of a setting as the program gets it: `NAME=value`."""
    return len(f"{name}={value}".encode())


def too_long(size: int) -> str:
    """What is wrong with a setting of so many bytes."""
    what = f"it has {size} bytes with its name; with more than {MOST_OF_ONE} no program can be started"
    return f"{what}; accepted: a file in a package instead"
