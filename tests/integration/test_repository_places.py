"""Where a repository is: on this machine or another, on a disk with room, on one that is full, one that is damaged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.errors import PhoenixError, RefusedError
from phoenix.execute.repositories import repository_here
from tests.support.fakes.desk import served
from tests.support.real.repository_bench import Bench, bench, make_deb


@pytest.fixture
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between: 0.0.0.0 stands for another machine, and leads here."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def elsewhere(shop: Bench, url: str, root: Path | None = None) -> None:
    """From now on the repository is served by a web server that is not phoenix's."""
    shop.use(replace(shop.spec, url=url.replace("127.0.0.1", "0.0.0.0"), root=root or shop.spec.root))


@pytest.fixture
def shop(tmp_path: Path, directly: None) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def test_a_web_server_of_ones_own_shows_what_was_published(shop: Bench) -> None:
    shop.root.public.mkdir(parents=True)
    with served(shop.root.public) as url:
        elsewhere(shop, url)
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
        assert shop.shown() == ["hello 1.0"]


def test_a_machine_without_the_root_is_not_the_repositorys(shop: Bench) -> None:
    elsewhere(shop, "http://127.0.0.1:9", root=shop.directory / "not-here")
    file = make_deb(shop.directory, "hello", "1.0")
    with pytest.raises(RefusedError, match="is not on this machine") as refused:
        shop.publish(file)
    assert "mkdir -p" in refused.value.resolution
    assert not (shop.directory / "not-here").exists()
    with pytest.raises(RefusedError, match="key of the repository 'main' is not on this machine"):
        repository_here(shop.spec)


def test_a_root_is_not_published_where_another_repository_is_shown(shop: Bench, tmp_path: Path) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (tmp_path / "fresh").mkdir()
    with served(shop.root.public) as url:
        elsewhere(shop, url, root=tmp_path / "fresh")
        with pytest.raises(RefusedError, match="shows another repository"):
            shop.publish(make_deb(shop.directory, "hello", "2.0"))
    assert list((tmp_path / "fresh").iterdir()) == []


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "small"
    place.mkdir()
    as_root = ["sudo", "-n"] if os.geteuid() else []
    subprocess.run([*as_root, "mount", "-t", "tmpfs", "-o", "size=24m,mode=1777", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run([*as_root, "umount", "--lazy", str(place)], check=True)


def large_deb(directory: Path, name: str, size: int) -> Path:
    tree = directory / "trees" / f"{name}-1.0"
    tree.mkdir(parents=True)
    (tree / "noise").write_bytes(os.urandom(size))
    return make_deb(directory, name, "1.0")


def test_a_package_that_does_not_fit_is_refused_before_anything_is_done(tmp_path: Path, small: Path) -> None:
    with bench(tmp_path, root=small / "aptly") as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        with pytest.raises(RefusedError, match="has no room") as refused:
            shop.publish(large_deb(tmp_path, "large", 20_000_000))
        assert str(small) in refused.value.details
        assert shop.shown() == shop.kept() == ["hello 1.0"]


@pytest.mark.parametrize("left", [2_000_000, 0])
def test_a_disk_that_becomes_full_in_the_middle_leaves_what_was(tmp_path: Path, small: Path, left: int) -> None:
    with bench(tmp_path, root=small / "aptly") as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        file = large_deb(tmp_path, "large", 4_000_000)
        filler = small / "filler"
        shop.before("add", lambda: fill(filler, left))
        with pytest.raises(PhoenixError) as failed:
            shop.publish(file)
        assert failed.value.exit_code in (3, 4), failed.value
        filler.unlink()
        shop.mend()
        assert shop.shown() == shop.kept() == ["hello 1.0"]
        shop.publish(file)
        assert shop.shown() == ["hello 1.0", "large 1.0"]


def fill(file: Path, left: int) -> None:
    """Leave so many bytes."""
    free = os.statvfs(file.parent).f_bavail * os.statvfs(file.parent).f_frsize
    file.write_bytes(bytes(max(0, free - left)))
