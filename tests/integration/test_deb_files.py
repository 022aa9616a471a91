"""Our order of versions is dpkg's, and packages built from the same content have the same bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix import debs
from phoenix.debs import Deb
from phoenix.errors import SpecError
from phoenix.execute import publication
from phoenix.model import Repository
from phoenix.tools import apt_index, apt_reading, deb, process
from phoenix.tools.deb import Control
from phoenix.tools.process import Command, Completed

PARTS = st.text(alphabet="0019aAzZ.+~-", max_size=6)
VERSIONS = st.builds(
    lambda epoch, first, rest: f"{epoch}{first}{rest}".rstrip("-"),
    st.sampled_from(["", "0:", "1:", "10:"]),
    st.sampled_from(["0", "1", "9", "10", "007"]),
    PARTS,
)


@settings(max_examples=250, deadline=None)
@given(one=VERSIONS, other=VERSIONS)
def test_versions_sort_as_dpkg_sorts_them(one: str, other: str) -> None:
    relation = "lt" if debs.version_key(one) < debs.version_key(other) else "ge"
    assert dpkg_says(one, relation, other)
    assert dpkg_says(one, "eq", other) == (debs.version_key(one) == debs.version_key(other))


def dpkg_says(one: str, relation: str, other: str) -> bool:
    code = subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode
    assert code in (0, 1), (one, other)
    return code == 0


CONTROL = Control(name="phoenix-boot-abc123", version="1", description="a playbook", depends=("ansible-core",))


def make_tree(directory: Path, umask: int) -> Path:
    before = os.umask(umask)
    try:
        (directory / "roles/app/tasks").mkdir(parents=True)
        (directory / "playbook.yml").write_text("- hosts: all\n")
        (directory / "roles/app/tasks/main.yml").write_text("[]\n")
        (directory / "run.sh").write_text("#!/bin/sh\n")
        (directory / "run.sh").chmod(0o700)
        (directory / "link").symlink_to("playbook.yml")
    finally:
        os.umask(before)
    return directory


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    built = []
    for name, umask in (("one", 0o077), ("two", 0o002)):
        (tmp_path / f"{name}-out").mkdir()
        tree = make_tree(tmp_path / name, umask)
        os.utime(tree / "playbook.yml", (umask, umask))
        built.append(deb.build(tree, "/usr/share/phoenix/boot/phoenix-boot-abc123", CONTROL, tmp_path / f"{name}-out"))
    assert built[0].read_bytes() == built[1].read_bytes()
    assert built[0].name == "phoenix-boot-abc123_1_all.deb"
    assert deb.read(built[0]) == Deb(
        name="phoenix-boot-abc123", version="1", architecture="all", sha256=deb.sha256(built[0])
    )
    shown = subprocess.run(["dpkg-deb", "--contents", str(built[0])], capture_output=True, text=True, check=True).stdout
    assert "-rwxr-xr-x root/root" in next(line for line in shown.splitlines() if line.endswith("/run.sh"))
    assert "-rw-r--r-- root/root" in next(line for line in shown.splitlines() if line.endswith("/playbook.yml"))
    assert "./usr/share/phoenix/boot/phoenix-boot-abc123/link -> playbook.yml" in shown


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_other_content_gives_other_bytes(tmp_path: Path, change: str) -> None:
    tree = make_tree(tmp_path / "tree", 0o022)
    before = deb.build(tree, "/usr/share/x", CONTROL, tmp_path).read_bytes()
    if change == "content":
        (tree / "playbook.yml").write_text("- hosts: none\n")
    elif change == "name":
        (tree / "playbook.yml").rename(tree / "play.yml")
    else:
        (tree / "run.sh").chmod(0o600)
    assert deb.build(tree, "/usr/share/x", CONTROL, tmp_path).read_bytes() != before


FIELDS = b"Package: odd\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: odd\n"


def odd_deb(directory: Path, control: bytes) -> Path:
    """A package as another tool than dpkg-deb makes it: with whatever control file."""
    for name, member in (("control", "control"), ("data", "there")):
        tree = directory / name
        tree.mkdir(parents=True)
        (tree / member).write_bytes(control)
        subprocess.run(["tar", "czf", directory / f"{name}.tar.gz", "-C", tree, "."], check=True)
    (directory / "debian-binary").write_text("2.0\n")
    members = ["debian-binary", "control.tar.gz", "data.tar.gz"]
    subprocess.run(["ar", "rc", "odd.deb", *members], cwd=directory, check=True)
    return directory / "odd.deb"


def test_whatever_apt_reads_is_read_before_anything(tmp_path: Path) -> None:
    assert deb.read(odd_deb(tmp_path / "good", FIELDS)).name == "odd"
    utf = FIELDS.replace(b"a <a@b>", "Jürgen <j@b>".encode())
    assert deb.read(odd_deb(tmp_path / "utf", utf)).name == "odd"
    lines = FIELDS + " of next\x85line, a\u2028Version: 9 and\u2029paragraphs\n".encode()
    assert deb.read(odd_deb(tmp_path / "lines", lines)).version == "1.0", "for apt and dpkg only a newline ends a line"
    much = FIELDS.lower() + b"Filename: x\nSize: 3\nProvides: a, a (= 1)\n\n\n"
    assert deb.read(odd_deb(tmp_path / "much", much)).name == "odd"


def test_two_versions_of_one_package_are_read_together(tmp_path: Path) -> None:
    files = [odd_deb(tmp_path / v, FIELDS.replace(b"1.0", v.encode())) for v in ("1.0", "2.0")]
    assert [file.version for file in publication.checked(files)] == ["1.0", "2.0"]


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (FIELDS.replace(b"a <a@b>", b"J\xfcrgen <j@b>"), "field 'Maintainer' that is not in UTF-8"),
        (FIELDS + b" the long text\n of \xe4pfel\n", "field 'Description' that is not in UTF-8"),
        (FIELDS + b"X-Hello: \xff\n", "field 'X-Hello' that is not in UTF-8"),
        (FIELDS.replace(b"a <a@b>", b"\x1b[31ma <a@b>"), "has control characters in its field 'Maintainer'"),
        *(
            (FIELDS + b" a%cb\n" % odd, "has control characters in its field 'Description'")
            for odd in b"\v\f\r\x1c\x1d\x1e"
        ),
        (FIELDS.replace(b"Desc", b"Depends: foo (>= \nDesc"), "cannot read: Problem"),
        (FIELDS + b"Version: 2.0\n", "dpkg cannot read: it says 'Version: 2.0'"),
        (FIELDS + b"\nPackage: another\n", "dpkg cannot read: it says ''"),
        (FIELDS.replace(b"Package: odd", b"Package: odd\n evil"), "invalid package name"),
        (FIELDS.replace(b"Version: 1.0", b"Version: 1.0-"), "'Version' field value '1.0-': revision number is empty"),
        (FIELDS.replace(b"Version: 1", b"Version: 99999999999:1"), "epoch in version is too big"),
        (FIELDS + b"Depends: foo (~ 1)\n", "machines cannot read: 'Depends' field"),
        (FIELDS + b"Multi-Arch: perhaps\n", "'Multi-Arch' field: has invalid value"),
        (FIELDS + b"Status: install ok installed\n", "duplicate value for 'Status' field"),
        (FIELDS + b"Odd Field: x\n", "field name 'Odd' must be followed by colon"),
        (FIELDS + b" \nX-More: x\n", "a blank line follows 'Description'"),
        (FIELDS.rstrip(), "no whole Debian package: its control file does not end"),
        (FIELDS.replace(b"Version: 1", b"Version: 1" + b"0" * 200), "a name and version that are too long"),
    ],
    ids=[
        *("maintainer", "continued", "unknown-field", "escape"),
        *("vertical tab", "form feed", "return", "file", "group", "record"),
        *("dependency", "twice", "two paragraphs"),
        *("folded name", "revision", "epoch", "operator", "multi-arch", "status", "odd field", "blank", "end", "long"),
    ],
)
def test_what_apt_could_not_read_is_refused_in_words(tmp_path: Path, control: bytes, told: str) -> None:
    with pytest.raises(SpecError) as error:
        deb.read(odd_deb(tmp_path, control))
    assert told in f"{error.value.brief}: {error.value.details}"
    with pytest.raises(SpecError) as refused:
        publication.checked([tmp_path / "odd.deb"])
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (
            FIELDS.replace(b"Package: odd", b"Package: Odd-Upper"),
            "a name that Debian does not allow: 'Odd-Upper': accepted",
        ),
        (FIELDS.replace(b"Package: odd", b"Package: o"), "at least two, not beginning with + - ."),
        (FIELDS.replace(b"Version: 1", b"Version: v1"), "a version that Debian does not allow: 'v1"),
        (FIELDS.replace(b"Architecture: all", b"Architecture: s390x"), "machines install: all, amd64, arm64"),
    ],
    ids=["upper case", "short", "version", "architecture"],
)
def test_what_aptly_would_not_keep_is_refused_with_the_rule(tmp_path: Path, control: bytes, told: str) -> None:
    with pytest.raises(SpecError) as error:
        deb.read(odd_deb(tmp_path, control))
    assert told in f"{error.value.brief}: {error.value.details}"


@pytest.mark.parametrize("name", ["hello_1.0_amd64.changes", "hello_1.0.dsc", "hello_1.0_amd64.buildinfo"])
def test_what_is_uploaded_beside_packages_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Format: 1.8\nSource: hello\n")
    with pytest.raises(SpecError) as error:
        deb.read(tmp_path / name)
    assert f"({Path(name).suffix}), and no package" in error.value.brief
    assert error.value.details == "the .deb files that it was built with are published, each by its own name"


def test_an_index_with_another_encoding_is_still_an_index(tmp_path: Path) -> None:
    index = b"Package: odd\nVersion: 1\nArchitecture: all\nSHA256: 00\nMaintainer: J\xfcrgen\n"
    there = tmp_path / "dists" / "bookworm" / "main" / "binary-amd64"
    there.mkdir(parents=True)
    (there / "Packages").write_bytes(index)
    line = f" {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages\n"
    (tmp_path / "dists" / "bookworm" / "Release").write_text(f"Suite: bookworm\nSHA256:\n{line}")
    found = apt_index.fetch(Repository(name="main", url=tmp_path.as_uri(), distribution="bookworm"))
    assert [each.name for each in found] == ["odd"]


def test_only_a_newline_ends_a_line_of_an_index() -> None:
    fields = "Package: odd\nVersion: 1\nArchitecture: all\nSHA256: 00\nDescription: one\u2028Version: 2\n"
    assert [each.deb.version for each in apt_index.parse_packages(fields)] == ["1"]


def test_apt_itself_is_asked() -> None:
    assert apt_reading.why_not(FIELDS.decode()) == ""
    told = apt_reading.why_not(FIELDS.decode() + "Depends: foo (>= \n")
    assert told.startswith("Problem parsing dependency")
    assert "/tmp" not in told


def test_and_dpkg_once_for_many_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that it refuses without need would be asked of each alone: 800 packages in a call are read in two."""
    calls: list[str] = []
    real = process.run

    def counted(command: Command, **how: Any) -> Completed:
        calls.append(command.argv[0])
        return real(command, **how)

    monkeypatch.setattr(process, "run", counted)
    assert apt_reading.why_not(*[FIELDS.decode().replace("1.0", f"1.{number}") for number in range(800)]) == ""
    assert calls == ["apt-cache", "dpkg-query"]
