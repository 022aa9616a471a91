"""The pattern's founding case: a log shipper for all Tomcat machines is one line in a recipe; bake, roll, done."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

pytestmark = pytest.mark.full

PAGE = '<%@ page contentType="text/plain" %><%= System.getenv("GREETING") %> from {version}\n'
RECEIVER = (
    "import socket, subprocess, sys; s = socket.create_server(('127.0.0.1', 5514)); s.settimeout(120);"
    " subprocess.run(['logger', sys.argv[1]]); f = s.accept()[0].makefile();"
    " next(line for line in f if sys.argv[2] in line)"
)
"""Says a word to the journal, and ends well when a line with another has been shipped to it."""
SHIPS = f'python3 -c "{RECEIVER}" word-of-the-bake word-of-the-bake'
FOUNDATION = "    tomcat: {{os: debian-12, playbook: tomcat.yml, tests: [{tests}]{more}}}\n"
SHIPPER = (
    ", variables: {log_shipper_target: 127.0.0.1, log_shipper_port: 5514,"
    ' log_shipper_files: ["/var/log/tomcat10/localhost_access_log.*.txt"]}'
)
SERVICES = """\
services:
  shop:
    image: foundation/tomcat
    packages: [shop]
    settings: {GREETING: Good day}
    port: 8080
    health: {path: /, healthy_after: 2s}
    environments: {local: {cloud: local, size: 1, load_balancer: {listen: "127.0.0.1:%d"}}}
"""


@pytest.fixture(scope="module")
def shop(
    project_with_images: Shell, new_project: NewProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    assert project_with_images.directory.is_dir(), "it has the os image that this one shares"
    shell = new_project(tmp_path_factory.mktemp("tomcat") / "hello")
    tell(shell, '"systemctl is-enabled tomcat10"', "")
    yield shell
    shell.run("down", "--yes")


def tell(shell: Shell, tests: str, more: str) -> None:
    """Write the foundation `tomcat` into phoenix.yaml, and the service that stands on it."""
    file = shell.directory / "phoenix.yaml"
    before, _images, rest = file.read_text().partition("  foundation:\n")
    after = "  immutable:\n" + rest.partition("  immutable:\n")[2].partition("services:\n")[0]
    node = "    nodejs: {os: debian-12, playbook: nodejs.yml}\n"
    tomcat = FOUNDATION.format(tests=tests, more=more)
    port = free_port()
    file.write_text(f"{before}  foundation:\n{node}{tomcat}{after}{SERVICES % port}")


def war(directory: Path, version: str) -> Path:
    """A web application of one page as a package, as docs/stacks.md says."""
    tree = directory / f"shop-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: shop\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@localhost>\n"
        "Depends: tomcat10\nDescription: a shop\n"
    )
    (tree / "var/lib/tomcat10/webapps").mkdir(parents=True)
    with zipfile.ZipFile(tree / "var/lib/tomcat10/webapps/ROOT.war", "w") as archive:
        archive.writestr("index.jsp", PAGE.format(version=version))
    file = directory / f"shop_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", str(tree), str(file)], check=True, capture_output=True)
    return file


def answer(shell: Shell) -> str:
    with urllib.request.urlopen(shell.service("shop")["address"], timeout=30) as response:
        return str(response.read(), "utf-8").strip()


def test_a_shipper_on_all_tomcat_machines(shop: Shell, tmp_path: Path) -> None:
    shop.run("publish", str(war(tmp_path, "1.0")))
    shop.run("bake", "foundation", "tomcat")
    first = shop.run("roll", "shop")
    assert answer(shop) == "Good day from 1.0"

    text = (shop.directory / "phoenix.yaml").read_text()
    shipping = f"'{SHIPS}'".replace("'127.0.0.1'", "''127.0.0.1''").replace("['logger'", "[''logger''")
    line = FOUNDATION.format(tests='"systemctl is-enabled tomcat10"', more="")
    assert line in text
    (shop.directory / "phoenix.yaml").write_text(text.replace(line, FOUNDATION.format(tests=shipping, more=SHIPPER)))
    baked = shop.run("bake", "foundation", "tomcat")
    assert [layer["built"] for layer in baked["layers"]][-1] is True, "its own test has seen a line arrive"
    second = shop.run("roll", "shop")
    assert second["group"] != first["group"]
    assert answer(shop) == "Good day from 1.0"

    inside = ("ssh", f"{second['group']}-1", "--", "python3", "-c", RECEIVER, "other", "HTTP/1.1")
    words = [sys.executable, "-m", "phoenix", "-C", str(shop.directory), *inside]
    said = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False)
    assert said.returncode == 0, f"{said.stdout}\n{said.stderr}: what waited on the disk is the access log"
