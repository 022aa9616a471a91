"""What a machine says of itself: its reports (how far its boot work is, what failed) and its log, taken apart.

The root of a light machine writes these files itself, so they are read with care: a link, a pipe or a device in such a
place is no log, and of an endless one only the end is read.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix.model import BootState

BOOT_UNIT = "phoenix-boot"
MOST = 10_000_000
"""Bytes that are read of one file, from its end; as large a console log is set aside as `console.log.1`."""
PANIC = "Kernel panic - not syncing"
_ENTRY = re.compile(r"(?:\[ *[0-9.]+\]|\S+ \S+) (?P<name>[^\s\[]+)\[(?P<pid>\d+)\]: (?P<text>.*)")
"""A line of the journal on the console: `[   3.1] NAME[PID]: ...` under QEMU, `TIME HOST NAME[PID]: ...` else."""
_OF_A_SERVICE = re.compile(r"(?!phoenix-|systemd-)\S+\.(?:service|socket|timer|path|target|mount): ")
"""What systemd says of a unit that is not its own or phoenix's: a socket that cannot open is why nobody answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reports:
    """The reports of a machine so far."""

    boot: BootState = BootState.UNKNOWN
    boot_code: str = ""
    """What the boot work ended with, where it failed."""
    last: str = ""
    """The last line, whatever it said."""
    failed_units: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Logs:
    """A machine's log: all of it, what its boot work said, and what its services said (and systemd of them)."""

    console: str
    boot: str
    service: str


def keep(source: Path, target: Path) -> None:
    """Copy a log that somebody else wrote, where it is one."""
    text = _text(source)
    if text:
        target.write_text(text, encoding="utf-8")


def lines(file: Path) -> list[str]:
    """The whole lines of a report file so far; none where there is no file yet."""
    *whole, _unfinished = _text(file).split("\n")
    return [line.rstrip("\r") for line in whole]


def parse_reports(said: list[str]) -> Reports:
    """What the lines of a machine's report file say."""
    boot, code, failed = BootState.UNKNOWN, "", dict[str, None]()
    for line in said:
        match line.split():
            case ["boot", "running"]:
                boot = BootState.RUNNING
            case ["boot", "done"]:
                boot = BootState.DONE
            case ["boot", "failed", code]:
                boot = BootState.FAILED
            case ["unit", "failed", name] if name != f"{BOOT_UNIT}.service":  # it says so itself, with its code
                failed[name] = None
            case _:
                pass  # the user-data's own words
    return Reports(boot=boot, boot_code=code, last=said[-1] if said else "", failed_units=tuple(failed))


def parse_console(text: str) -> Logs:
    """The console's text, whole and by who said it."""
    boot: list[str] = []
    service: list[str] = []
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry is None:
            continue
        if entry["name"] == BOOT_UNIT:
            boot.append(entry["text"])
        elif not entry["name"].startswith("systemd") or _OF_A_SERVICE.match(entry["text"]):
            service.append(f"{entry['name']}[{entry['pid']}]: {entry['text']}")
    return Logs(console=text, boot=_joined(boot), service=_joined(service))


def read_logs(console: Path) -> Logs:
    """The log of a machine from its console file; empty where it has not said anything yet."""
    return parse_console(_log(console).replace("\r", ""))


def last_words(console: Path) -> str:
    """What a machine that stopped said last: the kernel's own reason where it panicked, else its last line."""
    panics = [line for line in _log(console).splitlines() if PANIC in line]
    return panics[0].strip() if panics else tail(console, 1)


def tail(file: Path, count: int) -> str:
    """The last lines of a log that are not empty, for an error's details."""
    return "\n".join([line.rstrip() for line in _log(file).splitlines() if line.strip()][-count:])


def set_aside(file: Path) -> Path:
    """Where what was in a log before it had grown too large lies."""
    return file.with_name(f"{file.name}.1")


def new_lines(file: Path, read: int) -> tuple[bytes, int]:
    """The whole lines of a log behind its first `read` bytes, of more than `MOST` the end; and where they end."""
    with _opened(file) as handle:
        if handle is None:
            return b"", read
        begin = max(read, os.fstat(handle).st_size - MOST)
        new = os.pread(handle, MOST, begin)
        whole = new[: new.rfind(b"\n") + 1]
        return whole, begin + len(whole)


def length(file: Path) -> int:
    """Bytes of a log; 0 where there is none."""
    with _opened(file) as handle:
        return os.fstat(handle).st_size if handle is not None else 0


def _log(file: Path) -> str:
    """A log with what was set aside of it when it had grown too large."""
    return _text(set_aside(file)) + _text(file)


def _text(file: Path) -> str:
    """The end of a plain file; empty where there is none."""
    with _opened(file) as handle:
        if handle is None:
            return ""
        return os.pread(handle, MOST, max(0, os.fstat(handle).st_size - MOST)).decode("utf-8", "replace")


@contextmanager
def _opened(file: Path) -> Iterator[int | None]:
    """A plain file, open to be read; None where there is none."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # not there, a link, a socket
            yield None
            return
        raise
    try:
        yield handle if stat.S_ISREG(os.fstat(handle).st_mode) else None
    finally:
        os.close(handle)


def _joined(lines_: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines_)
