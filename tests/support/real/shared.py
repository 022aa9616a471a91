"""What the workers of one run share: a directory, things in it that are made once, and the place of each worker."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from phoenix.clouds.local.bake import trees

RUN = "PHOENIX_TESTS_RUN"
"""The variable that names the run's directory to its workers."""
SEED = "PHOENIX_TEST_SEED"
"""The variable that takes up the seed of another day, or of a failure."""
WORKER = "PYTEST_XDIST_WORKER"


def begin_run() -> None:
    """Make the directory of a run: pytest would keep the gigabytes of three runs."""
    os.environ[RUN] = tempfile.mkdtemp(prefix="phoenix-tests-")
    os.environ.setdefault(SEED, f"{datetime.now(UTC):%Y%m%d}")


def end_run() -> None:
    """Remove everything that the run made."""
    trees.remove(Path(os.environ.pop(RUN)))


def directory_of_run() -> Path:
    """Where trees and images go; all workers have the same."""
    return Path(os.environ[RUN])


def worker_number() -> int:
    """Which worker this is, from 0; 0 where a run has no workers."""
    return int(os.environ.get(WORKER, "gw0").removeprefix("gw"))


def seed_of_run() -> int:
    """What the long tests draw from: another every day. The daily tests draw the same each time, and so never ask."""
    return int(os.environ[SEED])


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """`path`, made by the first worker that needs it; the others wait. Whoever fails leaves it to the next."""
    made = path.with_name(f"{path.name}.made")
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not made.exists():
            trees.remove(path)
            make(path)
            made.touch()
    return path
