"""What a base is made from: the mirror's suites, the guest files, and what changes its digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from phoenix import data
from phoenix.clouds.local.bake import base
from phoenix.clouds.local.bake.base_digest import base_digest
from phoenix.errors import ToolError
from tests.support.real.ports import free_port

HAS = {
    "/debian/dists/bookworm/InRelease": 200,
    "/debian/dists/bookworm-updates/InRelease": 200,
    "/debian-security/dists/bookworm-security/InRelease": 200,
    "/other/dists/bookworm/InRelease": 200,
    "/broken/dists/bookworm/InRelease": 503,
}


def index(path: str) -> bytes:
    return f"index {path}\n".encode()


class Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = HAS.get(self.path, 404)
        self.send_response(status)
        self.end_headers()
        if status == 200:
            self.wfile.write(index(self.path))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_updates_and_security_where_the_mirror_has_them(mirror: str) -> None:
    assert base.sources("bookworm", f"{mirror}/debian") == (
        f"deb {mirror}/debian bookworm main",
        f"deb {mirror}/debian bookworm-updates main",
        f"deb {mirror}/debian-security bookworm-security main",
    )
    assert base.sources("bookworm", f"{mirror}/other/") == (f"deb {mirror}/other bookworm main",)


def test_an_archive_is_good_as_long_as_its_mirror_changes_nothing(mirror: str, tmp_path: Path) -> None:
    archive = tmp_path / "bookworm.tar.zst"
    where = ("bookworm", f"{mirror}/debian")
    assert not base.is_current(archive, *where, base.DAY)
    archive.write_text("")
    assert base.is_current(archive, *where, base.DAY), "it is young"
    assert not base.is_current(archive, *where, 0.0), "nobody knows what it was made from"
    known = [path for path in HAS if path.startswith("/debian")]
    digests = sorted(hashlib.sha256(index(path)).hexdigest() for path in known)
    base.index_of(archive).write_text("\n".join(digests) + "\n")
    assert base.is_current(archive, *where, 0.0)
    aged(archive, base.DAY * 2)
    assert base.is_current(archive, *where, base.DAY)
    aged(archive, base.LONGEST + 60)
    assert not base.is_current(archive, *where, base.DAY), "a mirror may be stuck"
    aged(archive, base.DAY * 2)
    base.index_of(archive).write_text("\n".join(digests[:2]) + "\n")
    assert not base.is_current(archive, *where, base.DAY), "one of the indexes is another"


def aged(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_a_suite_that_is_not_there(mirror: str) -> None:
    with pytest.raises(ToolError, match="has no suite 'bullseye'"):
        base.sources("bullseye", f"{mirror}/debian")


def test_no_answer_is_not_no(mirror: str) -> None:
    with pytest.raises(ToolError, match="cannot be reached") as error:
        base.sources("bookworm", f"{mirror}/broken")
    assert "HTTP 503" in error.value.details


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/debian", "no address", "http://[", "ftp://x/y"])
def test_an_unreachable_mirror_is_named(tmp_path: Path, address: str) -> None:
    address = address.format(port=free_port())
    tree = tmp_path / "tree"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
        with pytest.raises(ToolError, match="cannot be reached") as error:
            base.bootstrap("bookworm", address, tree, tmp_path / "log", lambda _line: None)
    assert address in error.value.brief
    assert not tree.exists()


def test_an_archive_that_cannot_be_unpacked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
    mirror, said = f"http://127.0.0.1:{free_port()}/debian", list[str]()
    archive = base.archive_of("bookworm", mirror)
    archive.parent.mkdir()
    archive.write_bytes(b"damaged")
    with pytest.raises(ToolError, match="cannot be reached") as error:
        base.bootstrap("bookworm", mirror, tmp_path / "tree", tmp_path / "log", said.append)
    assert mirror in error.value.brief
    assert "what is cached of bookworm cannot be unpacked: it is made anew" in said
    assert not (tmp_path / "tree").exists()


def test_the_guest_files_as_they_come_into_a_tree(tmp_path: Path) -> None:
    base.pack_guest(tmp_path / "guest.tar")
    with tarfile.open(tmp_path / "guest.tar") as archive:
        members = {member.name: member for member in archive}
    assert all((member.uid, member.gid) == (0, 0) for member in members.values())
    assert members["usr/lib/phoenix/boot"].mode == 0o755
    assert members["usr/lib/systemd/system/phoenix.target"].mode == 0o644
    assert members["etc/machine-id"].size == 0
    assert members["etc/systemd/system/systemd-logind.service"].linkname == "/dev/null"
    assert members["etc/systemd/system/default.target"].linkname == "/usr/lib/systemd/system/phoenix.target"
    units = data.path("templates", "guest", "root", "usr/lib/systemd/system")
    for unit in units.glob("*.*"):
        assert f"usr/lib/systemd/system/{unit.name}" in members or unit.is_dir()


def test_the_digest_follows_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(data.path("templates", "guest"), tmp_path / "templates/guest")
    before = base_digest()
    monkeypatch.setattr(data, "path", tmp_path.joinpath)
    assert base_digest() == before, "where it lies does not matter"
    file = tmp_path / "templates/guest/root/usr/lib/phoenix/boot"
    file.write_text(file.read_text() + "#\n")
    changed = base_digest()
    assert changed != before
    file.rename(file.with_name("boot2"))
    assert base_digest() not in (before, changed)
