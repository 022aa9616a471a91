"""Where a repository is: on this machine or another, on a disk with room, on one that is full, one that is damaged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from phoenix.debs import RepositoryState
from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.execute import publication, states
from phoenix.execute.repositories import repository_here
from phoenix.plan import retention
from phoenix.plan.actions import Plan
from phoenix.plan.publish_actions import PublishAction
from phoenix.plan.retention import Shelf
from phoenix.tools import serve
from phoenix.tools.aptly_root import MAKE_ROOM, RESERVE
from tests.support.fakes.desk import served
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import Bench, bench, eventually, make_deb


@pytest.fixture
def directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between: 0.0.0.0 stands for another machine, and leads here."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def elsewhere(shop: Bench, url: str, root: Path | None = None) -> None:
    """From now on the repository is served by a web server that is not phoenix's, which ends."""
    serve.stop(shop.root)
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


@pytest.fixture
def nginx(tmp_path: Path, shop: Bench) -> Iterator[str]:
    """The real nginx with the configuration of docs/packages.md, before the repository's root; its url."""
    page = (Path(__file__).parents[2] / "docs" / "packages.md").read_text()
    server, port = page.partition("With nginx:\n")[2].partition("\n    }\n\n")[0] + "\n}\n", free_port()
    for old, new in (("9999", f"127.0.0.1:{port}"), ("/srv/apt/main/public", str(shop.root.public))):
        assert old in server
        server = server.replace(old, new)
    shop.root.public.mkdir(parents=True)
    user = "" if os.geteuid() else "user root;"
    temporary = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", *PROXIED))
    (tmp_path / "nginx.conf").write_text(
        f"{user} daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log;\n"
        f"events {{}}\nhttp {{ access_log {tmp_path}/access.log; {temporary}\n{server} }}\n"
    )
    argv = ["nginx", "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(tmp_path / "nginx.conf")]
    running = subprocess.Popen(argv)
    try:
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: answers(url)), (tmp_path / "error.log").read_text()
        yield url
    finally:
        running.terminate()
        running.wait(timeout=20)


PROXIED = ("proxy", "fastcgi", "uwsgi", "scgi")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 404
    except httpx.ConnectError:
        return False


def test_nginx_serves_a_repository_as_the_page_says(shop: Bench, nginx: str, tmp_path: Path) -> None:
    elsewhere(shop, nginx)
    machine = MachineOfApt(tmp_path / "machine")
    for version in ("1.0", "1.1"):
        shop.publish(make_deb(shop.directory, "hello", version))
        machine.use(replace(shop.here, url=nginx))
        assert machine.apt_get("update", "--error-on=any")[0] == 0
        code, said = machine.apt_get("install", "hello")
        assert code == 0, said
        assert (machine.root / "usr/share/hello/version").read_text() == f"{version} \n"


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
        assert failed.value.exit_code == 4, failed.value
        filler.unlink()
        shop.mend()
        assert shop.shown() == shop.kept() == ["hello 1.0"]
        shop.publish(file)
        assert shop.shown() == ["hello 1.0", "large 1.0"]


def test_a_disk_that_aptly_finds_full_in_the_middle_can_be_pruned(tmp_path: Path, small: Path) -> None:
    with bench(tmp_path, root=small / "aptly") as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        shop.before("switch", lambda: fill(small / "filler", 20_000))
        with pytest.raises(ToolError, match="the disk of the repository is full") as failed:
            shop.publish(make_deb(tmp_path, "hello", "2.0"))
        assert failed.value.resolution == MAKE_ROOM


def test_a_disk_that_is_full_from_the_start_is_named_and_pruned(tmp_path: Path, small: Path) -> None:
    with bench(tmp_path, root=small / "aptly") as shop:
        for version in ("1.0", "2.0", "3.0"):
            shop.publish(make_deb(tmp_path, "hello", version))
        filler = small / "filler"
        fill(filler, 0)
        with pytest.raises(RefusedError, match="has no room"):
            shop.publish(make_deb(tmp_path, "hello", "4.0"))
        assert shop.shown() == ["hello 1.0", "hello 2.0", "hello 3.0"]
        for _time in range(4):
            assert shop.kept() == shop.shown()
            assert shop.root.reserve.stat().st_size > RESERVE * 0.9, "it was only borrowed"
        prune(shop, keep=1)
        assert shop.shown() == ["hello 2.0", "hello 3.0"], "a rollback goes to 2.0"
        shop.root.reserve.unlink()
        fill(small / "more", 0)
        with pytest.raises(ToolError, match="the disk of the repository is full") as failed:
            shop.publish(make_deb(tmp_path, "hello", "4.0"))
        assert "not even `phoenix repository prune` can begin" in failed.value.resolution
        filler.unlink()
        shop.publish(make_deb(tmp_path, "hello", "4.0"))
        assert shop.shown() == ["hello 2.0", "hello 3.0", "hello 4.0"]


def prune(shop: Bench, *, keep: int) -> None:
    """Give up what is not among the newest, and nobody needs it."""

    def decide(state: RepositoryState) -> Plan[PublishAction]:
        standing = tuple(each for each in states.states(shop.writer) if not each.retired)
        held = {each.name: states.contents(shop.writer, each) for each in standing}
        shelf = Shelf(state=state, states=standing, held=held)
        return retention.retire(shop.spec, shelf, retention.judge(shelf, keep, ()), why="full")

    publication.carry_out(shop.writer, decide, shop.change)


def fill(file: Path, left: int) -> None:
    """Leave so many bytes."""
    free = os.statvfs(file.parent).f_bavail * os.statvfs(file.parent).f_frsize
    file.write_bytes(bytes(max(0, free - left)))
