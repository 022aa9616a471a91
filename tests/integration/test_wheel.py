"""The wheel, installed outside the checkout, is a whole phoenix: templates, playbooks and Terraform travel in it."""

from __future__ import annotations

import json
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phoenix.tools.process import Command, Completed, run

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A venv with nothing in it but the wheel; the dependencies are looked up in the checkout's."""

    venv: Path
    elsewhere: Path
    """The directory everything runs in: far from the checkout."""

    def __call__(self, program: str, *arguments: str) -> Completed:
        argv = (str(self.venv / "bin" / program), *arguments)
        return run(Command(argv=argv, cwd=self.elsewhere, environment={"PYTHONPATH": ""}), timeout=120)

    def json(self, *arguments: str) -> Any:
        return json.loads(self("phoenix", *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory))
    run(Command(argv=build, cwd=CHECKOUT), timeout=120)
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp("elsewhere")
    python = home / "venv" / "bin" / "python"
    run(Command(argv=(sys.executable, "-m", "venv", "--without-pip", str(home / "venv"))), timeout=120)
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index")
    run(Command(argv=(*pip, str(wheel))), timeout=120)
    (packages,) = home.glob("venv/lib/python3.*/site-packages")
    # Only the directory itself: its own .pth files, the editable phoenix among them, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # A program of a dependency's, which pip would have put there.
    (home / "venv" / "bin" / "ansible-playbook").symlink_to(Path(sys.executable).with_name("ansible-playbook"))
    return Installed(venv=home / "venv", elsewhere=home)


def test_the_wheel_has_all_that_is_shipped_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o111 for entry in archive.infolist()}
    for directory in ("templates", "playbooks", "terraform"):
        shipped = [path for path in (CHECKOUT / directory).rglob("*") if path.is_file()]
        wanted = {
            f"phoenix/data/{path.relative_to(CHECKOUT)}": path.stat().st_mode & 0o111
            for path in shipped
            if "__pycache__" not in path.parts
        }
        assert wanted
        assert {name: mode for name, mode in modes.items() if name.startswith(f"phoenix/data/{directory}/")} == wanted
    outside = {name.split("/")[0] for name in modes}
    assert outside == {"phoenix", next(name for name in outside if name.endswith(".dist-info"))}
    assert not [name for name in modes if "__pycache__" in name]


def test_phoenix_comes_from_the_wheel(installed: Installed) -> None:
    where = installed(
        "python", "-c", "import phoenix, phoenix.data; print(phoenix.__file__, phoenix.data.path('playbooks'))"
    )
    assert str(CHECKOUT) not in where.stdout
    assert where.stdout.count(str(installed.venv)) == 2


def test_a_project_is_made_checked_and_rendered(installed: Installed) -> None:
    project = installed.elsewhere / "hello"
    out = installed.elsewhere / "rendered"
    assert installed.json("init", str(project))["ok"]
    assert installed.json("-C", str(project), "validate")["ok"]
    assert installed.json("-C", str(project), "render", "foundation", "nodejs", "--out", str(out))["ok"]
    rendered = [path for path in out.rglob("*") if path.is_file()]
    assert [path for path in rendered if path.name.endswith(".pkr.hcl")]
    assert [path for path in rendered if path.name == "nodejs.yml"]
    assert not [path for path in rendered if str(CHECKOUT) in path.read_text()]
