"""Debian 13: the project that `init --os debian-13` writes, on real machines; and the packages of the set-up there.

The daily tests say what is written (test_project_clouds.py) and validate and render it here.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CACHE
from tests.support.real.hello import Hello
from tests.support.real.instant import get
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell, in_this_process

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.fixture
def project(phoenix_cache: Path, tmp_path: Path) -> Iterator[Shell]:
    """A new project for Debian 13, with images of its own; what a bootstrap fetches is shared with all bakes."""
    assert phoenix_cache == CACHE
    shell = Shell(directory=tmp_path / "shop")
    shell.run("init", str(shell.directory), "--os", "debian-13", project=False)
    spec = shell.directory / "phoenix.yaml"
    spec.write_text(re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda _port: str(free_port()), spec.read_text()))
    yield shell
    shell.run("down", "--yes", "--force")


def test_the_project_has_no_mistakes_and_renders(project: Shell, tmp_path: Path) -> None:
    assert project.run("validate")["warnings"] == []
    project.run("render", "os", "debian-13", "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / "playbooks" / "os.yml").is_file()
    planned = project.run("bake", "foundation", "nodejs", "--plan")["plans"]
    assert "debian-13" in str(planned)
    assert "trixie" in str(planned)


@pytest.mark.full
def test_it_bakes_and_rolls_on_light_machines(project: Shell) -> None:
    baked = project.run("bake", "foundation", "nodejs")
    assert [layer["image"] for layer in baked["layers"]] == ["os/debian-13", "foundation/nodejs"]
    hello = Hello(project)
    hello.serve("1.0.0")
    address = project.service()["address"]
    assert get(address)[1].startswith("Hello from hello 1.0.0 on ")
    hello.serve("2.0.0")
    assert get(address)[1].startswith("Hello from hello 2.0.0 on ")
    (group,) = project.shares()
    assert {each["engine"] for each in project.run("group", "show", group)["group"]["instances"]} == {"light"}

    # Its apt checks signatures by sqv, and took both packages from phoenix's repository.
    script = "cat /etc/debian_version; dpkg-query -W sqv; apt-get update"
    words = ["-C", str(project.directory), "ssh", f"{group}-1", "--json", "--", "sh", "-c", script]
    code, told, _err = in_this_process(words)
    assert code == 0
    said = subprocess.run(json.loads(told)["command"], check=True, capture_output=True, text=True)
    assert said.stdout.startswith("13.")
    assert "\nsqv\t" in said.stdout
    assert (re.findall(r"^[WE]: .*", said.stderr, re.MULTILINE), "Reading package lists" in said.stdout) == ([], True)


@pytest.fixture
def trixie(tmp_path: Path) -> MachineOfApt:
    """A machine of Debian 13 with nothing on it, for the real apt and the real mirror."""
    machine = MachineOfApt(tmp_path / "trixie")
    (machine.root / "etc/apt/sources.list.d/debian.sources").write_text(SOURCES)
    code, said = machine.apt_get("update", timeout=600)
    assert code == 0, said
    return machine


@pytest.mark.full
def test_a_computer_with_debian_13_finds_every_package_of_the_set_up(trixie: MachineOfApt) -> None:
    lists = [CHECKOUT / "setup" / name for name in ("packages.txt", "packages-for-tests.txt")]
    lines = [line.partition("#")[0].split() for file in lists for line in file.read_text().splitlines()]
    there = [name for name, *but in lines if but != ["!13"]]
    code, said = trixie.apt_get("install", "--simulate", "--no-install-recommends", *there)
    assert code == 0, said
    assert all(re.search(rf"^Inst {re.escape(name)} ", said, re.MULTILINE) for name in there)
    lacking = [name for name, *but in lines if but == ["!13"]]
    assert lacking == ["packer"]
    for name in lacking:
        code, said = trixie.apt_get("install", "--simulate", name)
        assert (code, "no installation candidate" in said) == (100, True), "it has come back: take the mark off"
