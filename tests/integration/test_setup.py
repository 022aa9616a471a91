"""The set-up of a checkout: again costs nothing, and without the rights for it, it says what to do.

It is tried in a checkout of the test's own, whose phoenix is an empty package that needs nothing. That the real one is
installed on a fresh machine is proven by CI, which begins with it.
"""

from __future__ import annotations

import os
import platform
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


BACKEND = """\
import zipfile
NAME = "phoenix_empty-1"
FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: phoenix-empty\\nVersion: 1\\n",
    "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "RECORD": "",
}
def build_editable(directory, settings=None, metadata=None):
    with zipfile.ZipFile(f"{directory}/{NAME}-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(f"{NAME}.dist-info/{name}", text)
    return f"{NAME}-py3-none-any.whl"
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def make(*targets: str, checkout: Path = CHECKOUT) -> Completed:
    """Run make in the checkout, by itself even where a make runs these tests."""
    return run(Command(argv=("make", *targets), cwd=checkout, environment=BY_ITSELF), timeout=300)


def set_up(checkout: Path) -> str:
    """What the set-up says."""
    return make("setup", checkout=checkout).stdout


def test_again_it_costs_nothing_and_what_changed_is_done_anew(another_checkout: Path) -> None:
    assert "making .venv" in set_up(another_checkout)
    installed = run(Command(argv=(str(another_checkout / ".venv/bin/pip"), "list")), timeout=60).stdout
    assert "phoenix-empty" in installed
    assert set_up(another_checkout) == ""
    with (another_checkout / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    again = set_up(another_checkout)
    assert "ready" in again
    assert "making .venv" not in again, "the dependencies are the same"
    assert set_up(another_checkout) == ""


@pytest.mark.full
def test_other_dependencies_and_a_set_up_that_was_cut_off_are_made_anew(another_checkout: Path) -> None:
    set_up(another_checkout)
    (another_checkout / "requirements.lock").write_text("# others\n")
    assert "making .venv" in set_up(another_checkout)
    (another_checkout / ".venv/setup-stamp").unlink()
    assert "making .venv" in set_up(another_checkout)
    assert set_up(another_checkout) == ""


def test_make_alone_lists_every_target_with_its_purpose() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    listed = re.findall(r"^  make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    assert listed == targets
    assert {"setup", "demo", "test", "test-all", "lint", "types", "bench", "clean"} <= set(listed)


@pytest.fixture
def another_checkout() -> Iterator[Path]:
    """A checkout in a place that a user without rights can enter."""
    directory = Path(tempfile.mkdtemp(prefix="phoenix-setup-"))
    directory.chmod(0o755)
    shutil.copytree(CHECKOUT / "setup", directory / "setup")
    shutil.copy(CHECKOUT / "Makefile", directory)
    (directory / "requirements.lock").write_text("")
    (directory / "pyproject.toml").write_text(PYPROJECT)
    (directory / "backend.py").write_text(BACKEND)
    yield directory
    shutil.rmtree(directory)


def set_up_without_rights(checkout: Path, *words: str) -> Completed:
    """Run the set-up as a user who is not root, on a machine that has no sudo."""
    programs = checkout / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("dirname", "sed", "sort", "comm", "dpkg-query", "id"):
        found = shutil.which(name)
        assert found
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(found)
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
    argv = (*drop, "env", f"PATH={programs}", str(checkout / "setup" / "install.sh"), *words)
    return run(Command(argv=argv, cwd=checkout), timeout=60, check=False)


def test_without_the_rights_it_says_what_to_do(another_checkout: Path) -> None:
    add(another_checkout, "packages.txt", MISSING)
    done = set_up_without_rights(another_checkout)
    assert done.code == 3
    what, details, remedy = done.stderr.splitlines()
    assert "neither root nor a user with sudo" in what
    assert details.split() == ["missing:", MISSING]
    assert f"apt-get install {MISSING}" in remedy
    assert not (another_checkout / ".venv").exists()


def add(checkout: Path, name: str, line: str) -> None:
    """A line more in a list of packages."""
    with (checkout / "setup" / name).open("a") as packages:
        packages.write(f"{line}  # a package that nobody has\n")


def test_what_tests_alone_need_is_installed_for_tests_alone(another_checkout: Path) -> None:
    add(another_checkout, "packages-for-tests.txt", f"{MISSING}-for-tests")
    assert "missing" not in set_up_without_rights(another_checkout).stderr
    add(another_checkout, "packages.txt", MISSING)
    for words, missing in (((), [MISSING]), (("tests",), [MISSING, f"{MISSING}-for-tests"])):
        _what, details, _remedy = set_up_without_rights(another_checkout, *words).stderr.splitlines()
        assert details.split() == ["missing:", *missing]


def test_every_target_that_runs_tests_installs_what_they_need() -> None:
    rules = re.findall(r"^([a-z-]+): (\S+).*\n((?:\t.*\n)*)", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    needs = {name: need for name, need, _lines in rules}
    testing = {name for name, _need, lines in rules if "$(PYTEST)" in lines or "/pytest" in lines or "tests." in lines}
    assert {"unit", "tests-of-ci", "tests-in-full", "test-aws", "test-gcp", "test-tofu"} <= testing
    assert {needs[name] for name in testing} == {"setup-tests"}
    assert (needs["demo"], needs["test"]) == ("setup", "setup-tests")


def test_a_package_that_this_release_lacks_is_not_asked_for(another_checkout: Path) -> None:
    release = platform.freedesktop_os_release()["VERSION_ID"]
    add(another_checkout, "packages.txt", f"{MISSING}-here !{release}")
    add(another_checkout, "packages.txt", f"{MISSING}-elsewhere !{release}0")
    _what, details, _remedy = set_up_without_rights(another_checkout).stderr.splitlines()
    assert details.split() == ["missing:", f"{MISSING}-elsewhere"]
