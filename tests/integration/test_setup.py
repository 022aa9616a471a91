"""The set-up of a checkout: again costs nothing, and without the rights for it, it says what to do.

That it installs everything on a fresh machine is proven by CI, which begins with it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.tools.process import Command, Completed, run

CHECKOUT = Path(__file__).resolve().parents[2]
NOBODY = 65534
MISSING = "phoenix-no-such-package"
BY_ITSELF = {"MAKEFLAGS": "", "MAKELEVEL": "0"}


def make(*targets: str) -> Completed:
    """Run make in the checkout, by itself even where a make runs these tests."""
    return run(Command(argv=("make", *targets), cwd=CHECKOUT, environment=BY_ITSELF), timeout=60)


def test_again_it_costs_nothing_and_says_nothing() -> None:
    lock = hashlib.sha256((CHECKOUT / "requirements.lock").read_bytes()).hexdigest()
    assert lock in (CHECKOUT / ".venv" / "setup-stamp").read_text(), "run `make setup` first"
    done = make("setup")
    assert (done.stdout, done.stderr) == ("", "")


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    listed = re.findall(r"^  make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    assert listed == targets
    assert {"setup", "demo", "test", "test-all", "lint", "types", "bench", "clean"} <= set(listed)


@pytest.fixture
def another_checkout() -> Iterator[Path]:
    """A checkout that wants a package nobody has; in a place that a user without rights can enter."""
    directory = Path(tempfile.mkdtemp(prefix="phoenix-setup-"))
    directory.chmod(0o755)
    shutil.copytree(CHECKOUT / "setup", directory / "setup")
    with (directory / "setup" / "packages.txt").open("a") as packages:
        packages.write(f"{MISSING}  # for this test\n")
    yield directory
    shutil.rmtree(directory)


def set_up_without_rights(checkout: Path) -> Completed:
    """Run the set-up as a user who is not root, on a machine that has no sudo."""
    programs = checkout / "bin"
    programs.mkdir()
    for name in ("dirname", "sed", "sort", "comm", "dpkg-query", "id"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
    argv = (*drop, "env", f"PATH={programs}", str(checkout / "setup" / "install.sh"))
    return run(Command(argv=argv, cwd=checkout), timeout=60, check=False)


def test_without_the_rights_it_says_what_to_do(another_checkout: Path) -> None:
    done = set_up_without_rights(another_checkout)
    assert done.code == 3
    what, details, remedy = done.stderr.splitlines()
    assert "neither root nor a user with sudo" in what
    assert details.split() == ["missing:", MISSING]
    assert f"apt-get install {MISSING}" in remedy
    assert not (another_checkout / ".venv").exists()
