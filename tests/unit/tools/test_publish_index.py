"""What phoenix understands of an apt repository's index, and what it answers to wishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix import debs
from phoenix.debs import Deb
from phoenix.tools import apt_index, loopback
from phoenix.tools.aptly import pool_name, serve_command
from phoenix.tools.aptly_root import Root
from phoenix.tools.deb import Control

RELEASE = """Origin: phoenix
MD5Sum:
 aaaa 10 main/binary-amd64/Packages
SHA256:
 bbbb 446 main/binary-all/Packages
 cccc 348 main/binary-amd64/Packages.gz
SHA512:
 dddd 446 main/binary-amd64/Packages
Acquire-By-Hash: yes
"""
PACKAGES = """Package: hello
Version: 1:1.0~rc1-2
Architecture: all
Depends: nodejs (>= 18), libc6
SHA256: aaaa
Description: says hello: to everybody
 Package: not-this
 .
 Version: 9

Package: other
Architecture: amd64
SHA256: bbbb
Version: 2.0

"""


def test_the_sums_of_a_release_file_are_its_sha256() -> None:
    assert apt_index.release_sums(RELEASE) == {
        "main/binary-all/Packages": "bbbb",
        "main/binary-amd64/Packages.gz": "cccc",
    }


def test_a_release_file_without_sha256_has_no_sums() -> None:
    assert apt_index.release_sums("Origin: phoenix\nMD5Sum:\n aaaa 10 main/binary-amd64/Packages\n") == {}


def test_packages_are_paragraphs_and_continued_lines_are_no_fields() -> None:
    assert [entry.deb for entry in apt_index.parse_packages(PACKAGES)] == [
        Deb(name="hello", version="1:1.0~rc1-2", architecture="all", sha256="aaaa"),
        Deb(name="other", version="2.0", architecture="amd64", sha256="bbbb"),
    ]


def test_an_empty_index_has_no_packages() -> None:
    assert list(apt_index.parse_packages("")) == []


@pytest.mark.parametrize(
    ("url", "machines"),
    [
        ("http://127.0.0.1:9999", "http://10.0.2.2:9999"),
        ("http://localhost:9999/debian", "http://10.0.2.2:9999/debian"),
        ("http://127.0.0.1", "http://10.0.2.2"),
        ("http://repo.example.org:9999/debian", "http://repo.example.org:9999/debian"),
        ("http://10.1.2.3", "http://10.1.2.3"),
    ],
)
def test_machines_reach_this_computer_by_another_address(url: str, machines: str) -> None:
    assert loopback.machine_url(url) == machines


def test_a_file_in_the_pool_is_named_by_what_is_in_it() -> None:
    one = Deb(name="hello", version="1:1.0+b1~x", architecture="all", sha256="a" * 64)
    other = Deb(name="hello", version="1:1.0+b1~x", architecture="all", sha256="b" * 64)
    assert pool_name(one) == "hello_1.1.0+b1~x_all_aaaaaaaaaaaa.deb"
    assert pool_name(one) != pool_name(other)


def test_aptly_is_started_with_an_agent_beside_it_only_for_its_own_key(tmp_path: Path) -> None:
    root = Root(path=tmp_path)
    config, socket, home = root.path / "aptly.json", root.path / "s", root.path / "g"
    plain = serve_command(config, socket, None)
    assert plain.argv[1:] == (f"-config={config}", "api", "serve", f"-listen=unix://{socket}")
    assert "GNUPGHOME" not in plain.environment
    signing = serve_command(config, socket, home)
    assert signing.argv[1:5] == ("--homedir", str(home), "--daemon", "--")
    assert signing.argv[5:] == plain.argv
    assert signing.environment["GNUPGHOME"] == str(home)


def test_a_control_file_leaves_out_what_is_empty() -> None:
    control = Control(name="a-b", version="1", description="what it is")
    maintainer = "Maintainer: phoenix <phoenix@localhost>"
    assert str(control) == f"Package: a-b\nVersion: 1\nArchitecture: all\n{maintainer}\nDescription: what it is\n"
    assert "Depends: ansible-core, b\n" in str(
        Control(name="a", version="1", description="x", depends=("ansible-core", "b"))
    )


def test_versions_sort_as_debian_sorts_them() -> None:
    in_order = ["1.0~rc1", "1.0", "1.0+b1", "1.2", "1.10", "2.0~", "2.0~a", "2.0", "2.0-1", "2.0-1.1", "10", "1:0.1"]
    assert sorted(set(in_order), key=debs.version_key) == in_order
    assert debs.version_key("1.0") == debs.version_key("1.0-0") == debs.version_key("0:1.00")
