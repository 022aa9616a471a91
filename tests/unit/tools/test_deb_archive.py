"""Packages taken apart: what dpkg-deb takes is taken, what it refuses is refused, wherever one is damaged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix.tools import deb, deb_archive
from phoenix.tools.deb_archive import NotWholeError, UnknownFormError
from tests.support.real.repository_bench import make_deb


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_deb(tmp_path_factory.mktemp("deb"), "hello", "1.0", content="some content " * 50)


@pytest.mark.parametrize("how", ["gzip", "xz", "none"])
def test_every_form_that_is_known_is_read(tmp_path: Path, whole: Path, how: str) -> None:
    packed = packed_by(tmp_path, whole, how)
    assert b"Package: hello\n" in deb_archive.control(packed)
    assert deb.read(packed).version == "1.0"


def test_a_form_that_only_dpkg_knows_is_left_to_it(tmp_path: Path, whole: Path) -> None:
    packed = packed_by(tmp_path, whole, "zstd")
    with pytest.raises(UnknownFormError):
        deb_archive.control(packed)
    assert deb.read(packed).name == "hello"


def test_a_large_package_is_read_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "trees" / "large-1.0").mkdir(parents=True)
    (tmp_path / "trees" / "large-1.0" / "zeros").write_bytes(bytes(5_000_000))
    large = make_deb(tmp_path, "large", "1.0")
    assert b"Package: large\n" in deb_archive.control(large)
    content = bytearray(large.read_bytes())
    content[-200] ^= 255
    large.write_bytes(content)
    with pytest.raises(NotWholeError):
        deb_archive.control(large)


def packed_by(directory: Path, file: Path, how: str) -> Path:
    tree = directory / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", str(file), str(tree)], check=True)
    packed = directory / "packed.deb"
    argv = ["dpkg-deb", f"-Z{how}", "--uniform-compression", "--root-owner-group", "--build", str(tree), str(packed)]
    subprocess.run(argv, check=True, capture_output=True)
    return packed


def dpkg_takes(file: Path) -> bool:
    return all(
        subprocess.run(["dpkg-deb", each, str(file)], capture_output=True, check=False).returncode == 0
        for each in ("--field", "--contents")
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_or_damaged_is_no_better_here_than_there(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    broken = whole.with_name("broken.deb")
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content) - 2))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    broken.write_bytes(content)
    try:
        deb_archive.control(broken)
    except (NotWholeError, UnknownFormError):
        return
    assert dpkg_takes(broken), "what dpkg-deb refuses is refused"


@pytest.mark.parametrize("text", ["", "no package", "!<arch>\n", "!<arch>\n" + "x" * 60])
def test_what_is_no_package_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "text.deb").write_text(text)
    with pytest.raises(NotWholeError):
        deb_archive.control(tmp_path / "text.deb")


def test_what_follows_the_end_is_no_part_of_it(tmp_path: Path, whole: Path) -> None:
    shutil.copy(whole, tmp_path / "more.deb")
    with (tmp_path / "more.deb").open("ab") as file:
        file.write(b"more than a byte of padding")
    with pytest.raises(NotWholeError, match="follows"):
        deb_archive.control(tmp_path / "more.deb")
