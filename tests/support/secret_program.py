"""The programs by which machines read their secrets, one for each cloud, as a test imports or runs them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from phoenix import data


def file(cloud: str) -> Path:
    """The program of a cloud, `aws` or `gcp`."""
    return data.path("templates") / "boot" / f"{cloud}_secrets.py"


def module(cloud: str) -> ModuleType:
    """The program, without its beginning."""
    spec = importlib.util.spec_from_file_location(f"{cloud}_secrets", file(cloud))
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def hasty(text: str, deadline: float) -> str:
    """The same program or boot script with another deadline, which looks more often."""
    changed = text.replace("\nDEADLINE = 120.0\n", f"\nDEADLINE = {deadline}\n")
    changed = changed.replace("\nPAUSE = 2.0\n", "\nPAUSE = 0.05\n")
    assert changed.count("PAUSE = 0.05") == changed.count(f"DEADLINE = {deadline}\n") == 1
    return changed


def run(
    *words: str, cloud: str, environment: Mapping[str, str], deadline: float = 5.0
) -> subprocess.CompletedProcess[bytes]:
    """The program as the boot script runs it."""
    text = hasty(file(cloud).read_text(), deadline)
    argv = [sys.executable, "-I", "-", *words]
    return subprocess.run(argv, input=text.encode(), env=dict(environment), capture_output=True, check=False)
