"""Lending what apt fetched to a bake, and taking back what it fetched more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import apt_cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/apt"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_second_bake_finds_what_the_first_fetched(cache: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    apt_cache.lend(first)
    (first / "archives/hello_1_all.deb").write_text("a package")
    (first / "archives/partial/half_1_all.deb").write_text("half a package")
    (first / "archives/lock").touch()
    (first / "lists/mirror_InRelease").write_text("an index")
    apt_cache.take_back(first)
    apt_cache.lend(second)
    assert names(second / "archives") == ["hello_1_all.deb", "partial"]
    assert names(second / "archives/partial") == []
    assert names(second / "lists") == ["mirror_InRelease", "partial"]
    shared = (cache / "archives/hello_1_all.deb").stat()
    assert shared.st_ino == (second / "archives/hello_1_all.deb").stat().st_ino


def test_what_a_bake_removes_or_replaces_stays_as_it_was_for_others(cache: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    apt_cache.lend(first)
    (first / "lists/index").write_text("old")
    apt_cache.take_back(first)
    apt_cache.lend(second)
    (first / "lists/index").unlink()
    (first / "lists/index").write_text("new")
    assert (second / "lists/index").read_text() == "old"
    apt_cache.take_back(first)
    apt_cache.take_back(first)
    assert (cache / "lists/index").read_text() == "new"
    assert (second / "lists/index").read_text() == "old"
    assert names(cache / "lists") == ["index"], "no unfinished link is left"


def test_packages_fetched_long_ago_are_dropped_whatever_date_the_mirror_gave_them(cache: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    apt_cache.lend(first)
    for name in ("new.deb", "old.deb"):
        (first / "archives" / name).write_text("a package")
        os.utime(first / "archives" / name, (1, 1))
    apt_cache.take_back(first)
    assert names(cache / "archives") == ["new.deb", "old.deb"]
    long_ago = time.time() - apt_cache.KEEP - 60
    os.utime(cache / "archives/old.deb", (long_ago, long_ago))
    second = tmp_path / "second"
    apt_cache.lend(second)
    apt_cache.take_back(second)
    assert names(cache / "archives") == ["new.deb"]
