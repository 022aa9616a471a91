"""A repository that a bucket of S3 or Google shows: what readers see while it is written, and who may write where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from phoenix.errors import CloudError, RefusedError
from phoenix.tools import apt_index
from phoenix.tools.apt_index import UnreadableIndexError
from phoenix.tools.object_store import PART, Objects
from tests.support.fakes.buckets import BUCKET, KINDS, Server, bucket
from tests.support.fakes.web import Line, line_to
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.repository_bench import Bench, bench, make_deb

PREFIX = "apt/main"


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with bucket(request.param) as made:
        enter(made.environment, monkeypatch)
        yield made


def enter(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def shop(tmp_path: Path, server: Server) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        into_bucket(made, server)
        made.root.path.mkdir()
        yield made


def into_bucket(shop: Bench, server: Server) -> None:
    shop.use(replace(shop.spec, url=server.shown(PREFIX), bucket=f"{server.kind}://{BUCKET}/{PREFIX}"))


def objects(server: Server) -> Objects:
    return Objects.open(f"{server.kind}://{BUCKET}/{PREFIX}", server.environment, key="bucket")


def watched(shop: Bench) -> set[str]:
    """What a reader sees now, whose every package is there with the bytes that its index says; nothing before all."""
    try:
        shown = apt_index.entries(shop.here)
    except UnreadableIndexError:
        return set()
    for entry in shown:
        answer = httpx.get(f"{shop.spec.url}/{entry.file}", trust_env=False)
        assert (answer.status_code, len(answer.content)) == (200, entry.size), entry.file
    return {f"{entry.deb.name} {entry.deb.version}" for entry in shown}


def test_machines_install_from_the_bucket(shop: Bench, tmp_path: Path) -> None:
    machine = MachineOfApt(tmp_path / "machine")
    for version in ("1.0", "1.1"):
        shop.publish(make_deb(shop.directory, "hello", version))
        machine.use(shop.here)
        assert machine.apt_get("update", "--error-on=any")[0] == 0
        code, said = machine.apt_get("install", "hello")
        assert code == 0, said
        assert (machine.root / "usr/share/hello/version").read_text() == f"{version} \n"


@pytest.mark.parametrize("server", ["gs", pytest.param("s3", marks=pytest.mark.full)], indirect=True)
def test_a_reader_between_any_two_writes_sees_the_old_or_the_new_and_all_of_it(
    shop: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[frozenset[str]] = []
    wrong: list[str] = []

    def look(method: str, _path: str) -> Line:
        if method in ("PUT", "POST", "DELETE") and shop.root.key.exists():
            try:
                seen.append(frozenset(watched(shop)))
            except (AssertionError, UnreadableIndexError) as error:
                wrong.append(str(error))
        return Line.GOOD

    with line_to(server.address, look) as address:
        enter(server.at(address), monkeypatch)
        shop.publish(*(make_deb(shop.directory, name, "1.0") for name in ("hello", "world")))
        shop.publish(make_deb(shop.directory, "hello", "2.0"))
        shop.publish(make_deb(shop.directory, "hello", "2.0", content="other"), replace=lambda: ())
        shop.clock.ahead = 2 * 3600.0
        shop.publish(make_deb(shop.directory, "hello", "3.0"))
    assert wrong == []
    told = list(dict.fromkeys(seen))
    two = {"hello 1.0", "world 1.0"}
    assert told == [frozenset(), two, two | {"hello 2.0"}, two | {"hello 2.0", "hello 3.0"}][: len(told)]
    assert len(told) == 4
    assert len(seen) > 30


def test_what_names_is_written_after_what_it_names(
    shop: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a reader that knows no by-hash: whatever a Release names is there when it is."""
    wrote: list[str] = []

    def note(method: str, path: str) -> Line:
        if method == "PUT":
            wrote.append(unquote(urlsplit(path).path).removeprefix(f"/{BUCKET}/{PREFIX}/"))
        return Line.GOOD

    with line_to(server.address, note) as address:
        enter(server.at(address), monkeypatch)
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
    by_arch = [name for name in wrote if name.endswith("/Release") and "binary" in name]
    turns = [turn_of(name) for name in wrote if name not in by_arch]
    assert list(dict.fromkeys(turns)) == ["repository-id", "key", "pool", "by-hash", "Packages", "Release", "InRelease"]
    assert turns.count("InRelease") == 1
    assert all(wrote.index(name) < wrote.index("dists/bookworm/Release") for name in by_arch)


def turn_of(name: str) -> str:
    """What kind of file the name is of."""
    kinds = ("by-hash", "pool", "Packages", "InRelease", "Release", "key", "repository-id")
    return next(kind for kind in kinds if kind in name)


@pytest.mark.parametrize("after", [4, *(pytest.param(number, marks=pytest.mark.full) for number in (1, 9))])
def test_a_copy_that_breaks_off_leaves_what_was(
    shop: Bench, server: Server, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    left, broken = after, 3  # so often is a request tried

    def fate(method: str, _path: str) -> Line:
        nonlocal left, broken
        left -= method == "PUT"
        broken -= left < 0 and method == "PUT"
        return Line.BROKEN if left < 0 and broken >= 0 and method == "PUT" else Line.GOOD

    file = make_deb(shop.directory, "hello", "2.0")
    with line_to(server.address, fate) as address:
        enter(server.at(address), monkeypatch)
        into_bucket(shop, server)
        with pytest.raises(CloudError, match=r"bucket cannot be reached"):
            shop.publish(file)
        assert watched(shop) == {"hello 1.0"}
        shop.publish(file)
    assert watched(shop) == {"hello 1.0", "hello 2.0"}


@pytest.mark.parametrize("server", ["gs", pytest.param("s3", marks=pytest.mark.full)], indirect=True)
def test_a_bucket_that_stays_away_holds_up_no_later_publication(
    shop: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    left = 4

    def fate(method: str, _path: str) -> Line:
        nonlocal left
        left -= method == "PUT"
        return Line.GOOD if left > 0 else Line.BROKEN

    file = make_deb(shop.directory, "hello", "2.0")
    with line_to(server.address, fate) as address:
        enter(server.at(address), monkeypatch)
        into_bucket(shop, server)
        with pytest.raises(CloudError, match=r"bucket cannot be reached"):
            shop.publish(file)
        assert [said for said in shop.said if "left as it is, for the next publication" in said]
        left = 10**6
        assert shop.kept() == ["hello 1.0"]
        shop.publish(file)
    assert watched(shop) == {"hello 1.0", "hello 2.0"}


@pytest.mark.parametrize("server", ["gs", pytest.param("s3", marks=pytest.mark.full)], indirect=True)
def test_what_may_not_be_removed_stays_and_the_publication_is_done(
    shop: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = True

    def fate(method: str, path: str) -> Line:
        removes = method == "DELETE" or (method == "POST" and path.endswith("?delete"))
        return Line.BROKEN if refusing and removes else Line.GOOD

    with line_to(server.address, fate) as address:
        enter(server.at(address), monkeypatch)
        into_bucket(shop, server)
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
        old = set(objects(server).sizes("pool"))
        shop.publish(make_deb(shop.directory, "hello", "1.0", content="other"), replace=lambda: ())
        for hours, version in ((2, "1.1"), (4, "1.2")):
            shop.said.clear()
            shop.clock.ahead = hours * 3600.0
            shop.publish(make_deb(shop.directory, "hello", version))
            assert old < set(objects(server).sizes("pool"))
            assert [said for said in shop.said if "superseded files stay" in said]
        assert watched(shop) == {"hello 1.0", "hello 1.1", "hello 1.2"}
        refusing = False
        shop.publish(make_deb(shop.directory, "hello", "1.3"))
    assert not old & set(objects(server).sizes("pool"))


def test_a_bucket_that_is_not_there_is_told_before_anything_is_begun(shop: Bench, server: Server) -> None:
    shop.use(replace(shop.spec, bucket=f"{server.kind}://nonesuch-bucket/x"))
    with pytest.raises(CloudError, match="there is no bucket nonesuch-bucket") as caught:
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
    assert "repositories.main.bucket" in caught.value.resolution
    assert not shop.root.database.exists()


def test_a_place_belongs_to_the_root_that_came_first(shop: Bench, server: Server, tmp_path: Path) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (tmp_path / "second").mkdir()
    with bench(tmp_path / "second") as second:
        into_bucket(second, server)
        second.root.path.mkdir()
        with pytest.raises(RefusedError):
            second.publish(make_deb(second.directory, "hello", "9.0"))
    assert watched(shop) == {"hello 1.0"}


@pytest.mark.full
def test_what_others_put_there_is_not_overwritten(shop: Bench, server: Server, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    objects(server).write("dists/bookworm/InRelease", tmp_path / "theirs", {}, lambda: None)
    with pytest.raises(RefusedError, match="is not this repository's"):
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
    assert objects(server).sizes() == {"dists/bookworm/InRelease": 6}


@pytest.mark.full
def test_a_bucket_that_comes_later_gets_all_of_it(shop: Bench, server: Server) -> None:
    file = make_deb(shop.directory, "hello", "1.0")
    shop.use(replace(shop.spec, url=f"http://127.0.0.1:{server.address.rpartition(':')[2]}", bucket=""))
    local = Bench(shop.directory / "local")
    try:
        local.publish(file)
        assert local.publish(file).run is None, "nothing to do"
        shop.use(replace(shop.spec, root=local.spec.root))
        into_bucket(shop, server)
        done = shop.publish(file)
        assert done.run is not None
        assert "is behind" in done.plan.why
        assert watched(shop) == {"hello 1.0"}
        assert shop.publish(file).run is None, "nothing to do any more"
    finally:
        local.close()


@pytest.mark.full
def test_what_is_superseded_can_be_had_for_an_hour(shop: Bench, server: Server) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    old = set(objects(server).sizes("pool"))
    shop.publish(make_deb(shop.directory, "hello", "1.0", content="other"), replace=lambda: ())
    assert old < set(objects(server).sizes("pool"))
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert old < set(objects(server).sizes("pool"))
    shop.clock.ahead = 3700.0
    shop.publish(make_deb(shop.directory, "hello", "1.2"))
    assert not old & set(objects(server).sizes("pool"))
    assert watched(shop) == {"hello 1.0", "hello 1.1", "hello 1.2"}


@pytest.mark.full
def test_a_repository_that_is_signed_no_more_shows_no_old_signature(shop: Bench, server: Server) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    shop.signing("none")
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    there = objects(server).sizes()
    assert "dists/bookworm/Release" in there
    assert not {"dists/bookworm/InRelease", "dists/bookworm/Release.gpg", "key.asc"} & set(there)
    assert watched(shop) == {"hello 1.0", "hello 1.1"}


def test_what_may_change_is_asked_for_again(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (entry,) = apt_index.entries(shop.here)
    answers = {
        name: httpx.get(f"{shop.spec.url}/{name}", trust_env=False).headers["cache-control"]
        for name in (entry.file, "dists/bookworm/InRelease", "dists/bookworm/main/binary-amd64/Packages", "key.asc")
    }
    assert "immutable" in answers.pop(entry.file)
    assert set(answers.values()) == {"no-cache, max-age=0"}


@pytest.mark.full
def test_a_large_package_is_sent_in_parts_and_keeps_the_lease(server: Server, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(range(256)) * (2 * PART // 256 + 1))
    rounds: list[int] = []
    objects(server).write("large", tmp_path / "large", {}, lambda: rounds.append(1))
    assert objects(server).read("large") == (tmp_path / "large").read_bytes()
    assert len(rounds) == 3

    def lost() -> None:
        raise RefusedError("the lease is lost")

    with pytest.raises(RefusedError):
        objects(server).write("never", tmp_path / "large", {}, lost)
    assert objects(server).read("never") is None


def test_no_credential_is_written_down(shop: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = b"a-word-that-nobody-else-says"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret.decode())
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    for file in (file for place in ("aptly", "runs") for file in (shop.directory / place).rglob("*")):
        assert not file.is_file() or secret not in file.read_bytes(), file
    assert secret not in (shop.directory / "state.db").read_bytes()
    assert secret.decode() not in "".join(shop.said)
