"""Durations, sizes and shares as people write them: parsed, and written back."""

from __future__ import annotations

import re

DURATION_FORM = "a number with s, m, h or d, such as 30s, 5m, 2h, 7d"
SIZE_FORM = "a number with K, M, G or T, such as 512M, 4G"
SHARE_FORM = "0% to 100%, such as 25%"

DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d)", re.ASCII)
SIZE = re.compile(r"([0-9]{1,9})(K|M|G|T)", re.ASCII)
SHARE = re.compile(r"([0-9]{1,3})%", re.ASCII)

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_BYTES = {"T": 1024**4, "G": 1024**3, "M": 1024**2, "K": 1024}


def duration(text: str) -> float:
    """Seconds of `30s`, `5m`, `2h`, `7d`. Raises ValueError naming the accepted form."""
    found = DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no duration; accepted: {DURATION_FORM}")
    return float(int(found[1]) * _SECONDS[found[2]])


def write_duration(seconds: float) -> str:
    """The shortest text that `duration` reads as `seconds`, a whole number."""
    if seconds < 0 or seconds != int(seconds):
        raise ValueError(f"{seconds!r} is no whole number of seconds")
    unit = next(u for u, size in _SECONDS.items() if seconds % size == 0 and (seconds or u == "s"))
    return f"{int(seconds) // _SECONDS[unit]}{unit}"


def size(text: str) -> int:
    """Bytes of `512M`, `4G` (powers of 1024). Raises ValueError naming the accepted form."""
    found = SIZE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no size; accepted: {SIZE_FORM}")
    return int(found[1]) * _BYTES[found[2]]


def write_size(count: int) -> str:
    """The shortest text that `size` reads as `count` bytes, a multiple of 1024."""
    if count < 0 or count % 1024:
        raise ValueError(f"{count!r} is no whole number of KiB")
    unit = next(u for u, factor in _BYTES.items() if count % factor == 0 and (count or u == "K"))
    return f"{count // _BYTES[unit]}{unit}"


def share(text: str) -> int:
    """Percent of `25%`. Raises ValueError naming the accepted form."""
    found = SHARE.fullmatch(text)
    if not found or int(found[1]) > 100:
        raise ValueError(f"{text!r} is no share; accepted: {SHARE_FORM}")
    return int(found[1])


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8; what came from the operating system (arguments, paths, variables) may not."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_text(value: str) -> str:
    """The same with a mark for each byte that was no UTF-8."""
    return re.sub("[\ud800-\udfff]", "\ufffd", value)
