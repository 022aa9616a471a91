"""What trials of machine engines said, kept until the computer, its kernel or one of the programs is another."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from phoenix.clouds.local.machines.engines import INIT, Engine
from phoenix.tools.cache import cache_directory
from phoenix.tools.process import boot_id


def read() -> dict[str, Engine]:
    """The answers that are kept, by the engine's name."""
    try:
        return {fields["name"]: Engine(**fields) for fields in json.loads(_file().read_text())}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return {}


def write(engines: Iterable[Engine]) -> None:
    """Keep these, and no others."""
    file = _file()
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(engine) for engine in engines], indent=1))
    unfinished.replace(file)


def _file() -> Path:
    programs = "".join(_stamp(program) for program in ("qemu-system-x86_64", "runc", "slirp4netns", "busybox", "ip"))
    host = f"{platform.node()} {platform.release()} {boot_id()} {os.geteuid()} {programs} {INIT}"
    return cache_directory() / f"engines-{hashlib.sha256(host.encode()).hexdigest()[:12]}.json"


def _stamp(program: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    return f" {path} {Path(path).stat().st_mtime}" if path else ""
