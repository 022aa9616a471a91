"""Publications by the real aptly and GnuPG, read back over HTTP: done, done twice, failed, refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from phoenix.clock import SystemClock
from phoenix.errors import PhoenixError, RefusedError, SpecError, ToolError
from phoenix.execute import publication
from phoenix.execute.engine import Context
from phoenix.execute.outcomes import Outcome
from phoenix.execute.perform.publish import World
from phoenix.execute.repositories import repository_for_machines
from phoenix.model import Package
from phoenix.plan.publish_actions import PublishAction
from phoenix.tools import apt_index, gpg, loopback, process
from phoenix.tools.process import Command, ProcessId
from tests.support.real.repository_bench import Bench, bench, eventually, make_deb


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def test_published_packages_are_shown_signed_and_with_their_digests(shop: Bench) -> None:
    file = make_deb(shop.directory, "hello", "1.0")
    done = shop.publish(file)
    assert done.run is not None
    assert shop.shown() == ["hello 1.0"]
    (found,) = apt_index.resolve(shop.here, [("hello", None)])
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found == Package(name="hello", version="1.0", sha256=digest, repository="main")
    machines = repository_for_machines(shop.spec, "local", loopback.machine_url)
    assert machines.url == shop.spec.url.replace("127.0.0.1", "10.0.2.2")
    assert machines.key.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert httpx.get(f"{shop.spec.url}/key.asc").text == machines.key
    assert shop.root.gnupg.stat().st_mode & 0o777 == 0o700


def test_the_same_again_is_nothing_to_do(shop: Bench) -> None:
    file = make_deb(shop.directory, "hello", "1.0")
    shop.publish(file)
    release = shop.root.public / "dists/bookworm/InRelease"
    before = release.stat()
    assert shop.publish(file).run is None
    assert release.stat() == before


def test_versions_stay_beside_each_other_and_the_newest_is_meant(shop: Bench) -> None:
    for version in ("1.9", "1.10", "2.0~rc1"):
        shop.publish(make_deb(shop.directory, "hello", version))
    assert shop.shown() == ["hello 1.10", "hello 1.9", "hello 2.0~rc1"]
    newest, exact = apt_index.resolve(shop.here, [("hello", None), ("hello", "1.9")])
    assert (newest.version, exact.version) == ("2.0~rc1", "1.9")


def test_what_is_not_there_is_told_with_what_is(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"), make_deb(shop.directory, "other", "2.0"))
    with pytest.raises(RefusedError) as refused:
        apt_index.resolve(shop.here, [("helo", None), ("other", "3.0"), ("hello", "1.0")])
    assert refused.value.details == "helo: it has hello\nother=3.0: it has the versions 2.0"


def test_other_bytes_under_a_published_version_are_refused_and_change_nothing(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    before = apt_index.fetch(shop.here)
    changed = make_deb(shop.directory, "hello", "1.0", content="changed")
    with pytest.raises(RefusedError, match="with other contents"):
        shop.publish(changed, make_deb(shop.directory, "other", "1.0"))
    assert apt_index.fetch(shop.here) == before
    assert shop.kept() == ["hello 1.0"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InStead(World):
    """The real world, where a test acts in its stead."""

    act: Callable[[PublishAction, Context], Outcome]

    def perform(self, action: PublishAction, context: Context) -> Outcome:
        return self.act(action, context)


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("snapshot-before", True),
        ("add", False),
        ("add", True),
        ("snapshot", True),
        ("switch", True),
        ("read-back", True),
    ],
)
def test_a_publication_that_fails_leaves_what_was(tmp_path: Path, step: str, after: bool) -> None:
    shop = Bench(tmp_path)
    try:
        hello, other = make_deb(tmp_path, "hello", "1.0"), make_deb(tmp_path, "other", "1.0")
        if step != "snapshot-before":
            shop.publish(hello)
        shop.fail(step, after=after)
        with pytest.raises(ToolError, match="failed"):
            shop.publish(other)
        shop.mend()
        assert shop.kept() == ([] if step == "snapshot-before" else ["hello 1.0"])
        if step != "snapshot-before":
            assert shop.shown() == ["hello 1.0"]
        shop.publish(other)
        assert "other 1.0" in shop.shown()
    finally:
        shop.close()


def test_a_first_publication_that_fails_shows_nothing(tmp_path: Path) -> None:
    shop = Bench(tmp_path)
    try:
        shop.fail("read-back", after=True)
        with pytest.raises(ToolError, match="failed"):
            shop.publish(make_deb(tmp_path, "hello", "1.0"))
        assert shop.shown() == []
    finally:
        shop.close()


def test_a_first_publication_cut_off_in_the_middle_shows_nothing(shop: Bench) -> None:
    shown = shop.root.public / "dists/bookworm"

    def cut_off(action: PublishAction, context: Context) -> Outcome:
        if context.step == "switch":
            shown.mkdir(parents=True)
            (shown / "InRelease").write_text("written, and then aptly was killed")
            raise ToolError("cut off")
        return shop.world.perform(action, context)

    shop.performer = InStead(writers=shop.world.writers, clock=shop.clock, act=cut_off)
    with pytest.raises(ToolError, match="cut off"):
        shop.publish(make_deb(shop.directory, "hello", "1.0"))
    assert not shown.exists()


def test_every_action_done_twice_is_done_once(shop: Bench) -> None:
    def twice(action: PublishAction, context: Context) -> Outcome:
        shop.world.perform(action, context)
        return shop.world.perform(action, context)

    shop.performer = InStead(writers=shop.world.writers, clock=shop.clock, act=twice)
    for version in ("1.0", "1.1"):
        shop.publish(make_deb(shop.directory, "hello", version))
    assert shop.shown() == ["hello 1.0", "hello 1.1"]
    with shop.writer.held():
        assert shop.writer.state().snapshots == ("main-0000", "main-0001", "main-0002")


def test_a_file_that_changes_between_check_and_publication_is_not_published(shop: Bench) -> None:
    file = make_deb(shop.directory, "hello", "1.0")

    def replaced(action: PublishAction, context: Context) -> Outcome:
        file.write_bytes(file.read_bytes() + b"more")
        return shop.world.perform(action, context)

    shop.performer = InStead(writers=shop.world.writers, clock=shop.clock, act=replaced)
    with pytest.raises(ToolError, match="not what it was"):
        shop.publish(file)
    assert shop.kept() == []


def test_aptly_dying_in_the_middle_is_put_right(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))

    def deadly(action: PublishAction, context: Context) -> Outcome:
        if context.step == "switch":
            pid = json.loads((shop.root.path / "aptly.process").read_text())["pid"]
            os.kill(pid, signal.SIGKILL)
            assert eventually(lambda: ProcessId.of(pid) is None)
        return shop.world.perform(action, context)

    shop.performer = InStead(writers=shop.world.writers, clock=shop.clock, act=deadly)
    with pytest.raises(ToolError, match="aptly failed"):
        shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert shop.shown() == shop.kept() == ["hello 1.0"]


def test_an_interrupted_publication_cannot_spoil_an_index_that_is_asked_for_by_hash(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    index = shop.root.public / "dists/bookworm/main/binary-amd64"
    os.link(index / "Packages.gz", index / "Packages.tmp.gz")  # as a killed aptly leaves it
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    files = [file for file in (index / "by-hash/SHA256").iterdir() if not file.is_symlink()]
    assert len(files) > 3
    assert [file.name for file in files if hashlib.sha256(file.read_bytes()).hexdigest() != file.name] == []


def test_an_index_of_before_the_switch_is_still_there_after_it(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    base = f"{shop.spec.url}/dists/bookworm"
    digest = apt_index.release_sums(httpx.get(f"{base}/InRelease").text)["main/binary-amd64/Packages.gz"]
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    shop.publish(make_deb(shop.directory, "hello", "1.2"))  # aptly itself keeps one generation
    shop.publish(make_deb(shop.directory, "hello", "1.3"))
    kept = httpx.get(f"{base}/main/binary-amd64/by-hash/SHA256/{digest}")
    assert hashlib.sha256(kept.content).hexdigest() == digest
    shop.clock.ahead = 3601.0
    shop.publish(make_deb(shop.directory, "hello", "1.4"))
    assert httpx.get(f"{base}/main/binary-amd64/by-hash/SHA256/{digest}").status_code == 404
    index = shop.root.public / "dists/bookworm/main/binary-amd64"
    assert len([file for file in (index / "by-hash/SHA256").iterdir() if not file.is_symlink()]) < 20


def test_signing_can_be_turned_off_deliberately_and_on_again(shop: Bench) -> None:
    file = make_deb(shop.directory, "hello", "1.0")
    shop.publish(file)
    shop.signing("none")
    shop.publish(file)
    assert any("not signed" in line for line in shop.said)
    assert shop.here.key == ""
    assert shop.shown() == ["hello 1.0"]
    assert httpx.get(f"{shop.spec.url}/dists/bookworm/InRelease").status_code == 404
    assert httpx.get(f"{shop.spec.url}/key.asc").status_code == 404
    shop.signing("auto")
    shop.publish(file)
    assert shop.here.key
    assert shop.shown() == ["hello 1.0"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The GnuPG home of a user, with a short path, who has one key with and one without a passphrase."""
    directory = tmp_path_factory.mktemp("g")
    environment = {"GNUPGHOME": str(directory)}
    for user, passphrase in (("open", ""), ("closed", "secret")):
        arguments = ("--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase)
        argv = ("gpg", *arguments, "--quick-generate-key", user, "ed25519", "sign", "never")
        process.run(Command(argv=argv, environment=environment), timeout=30)
    gpg.end_agent(directory, SystemClock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(directory))
        yield directory
    gpg.end_agent(directory, SystemClock())


def fingerprint(user: str) -> str:
    listed = process.run(Command(argv=("gpg", "--batch", "--with-colons", "--list-keys", user)), timeout=30).stdout
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))


def test_a_given_key_signs(tmp_path: Path, home: Path) -> None:
    key = fingerprint("open")
    with bench(tmp_path, sign=key) as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        assert shop.shown() == ["hello 1.0"]
        assert not shop.root.gnupg.exists()


@pytest.mark.parametrize("user", ["closed", "nobody"])
def test_a_given_key_that_cannot_sign_is_refused_before_anything_is_done(tmp_path: Path, home: Path, user: str) -> None:
    key = "0123456789ABCDEF" if user == "nobody" else fingerprint(user)
    with bench(tmp_path, sign=key) as shop:
        with pytest.raises(RefusedError, match="cannot sign the repository"):
            shop.publish(make_deb(tmp_path, "hello", "1.0"))
        assert not shop.root.database.exists()


def test_a_signature_by_another_key_is_not_trusted(shop: Bench, tmp_path: Path) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    with bench(tmp_path / "aptly", root=tmp_path / "other") as other:
        other.publish(make_deb(shop.directory, "other", "1.0"))
        shop.root.key.write_text(other.root.key.read_text())
    with pytest.raises(RefusedError, match="not signed by its key"):
        shop.shown()


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    with bench(tmp_path, root=tmp_path / ("long-" * 40) / ("longer-" * 30)) as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        assert shop.shown() == ["hello 1.0"]
        assert not (shop.root.path / "run").is_symlink()


def test_files_that_are_no_packages_are_told_all_at_once(tmp_path: Path) -> None:
    good = make_deb(tmp_path, "hello", "1.0")
    cut, text = tmp_path / "cut.deb", tmp_path / "text.deb"
    cut.write_bytes(good.read_bytes()[:-20])
    text.write_text("no package")
    foreign = make_deb(tmp_path, "foreign", "1.0", architecture="s390x")
    other = tmp_path / "elsewhere"
    other.mkdir()
    same = make_deb(other, "hello", "1.0", content="other")
    with pytest.raises(SpecError) as wrong:
        publication.checked([good, cut, text, foreign, tmp_path / "missing.deb", tmp_path, same])
    lines = wrong.value.details.splitlines()
    assert wrong.value.brief == "6 of the files cannot be published"
    for line, words in zip(
        lines, ["cut.deb is no whole", "text.deb is no whole", "s390x", "is not there"], strict=False
    ):
        assert words in line
    assert "is a directory" in lines[4]
    assert "are both hello 1.0" in lines[5]


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    file = make_deb(tmp_path, "hello", "1.0")
    assert len(publication.checked([file, file])) == 1


@pytest.mark.parametrize("root", ["/proc/no-such-place/aptly", "FILE/aptly"])
def test_a_root_that_cannot_be_used_is_one_clear_error(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("a file")
    with bench(tmp_path, root=Path(root.replace("FILE", str(tmp_path / "file")))) as shop:
        with pytest.raises(RefusedError, match="directory cannot be used"):
            shop.publish(make_deb(tmp_path, "hello", "1.0"))


@pytest.mark.parametrize("damage", ["current", "manifest", "no directory"])
def test_a_damaged_database_is_one_clear_error(shop: Bench, damage: str) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    spoil(shop.root.database, damage)
    with pytest.raises(PhoenixError) as failed:
        shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert failed.value.exit_code == 4
    assert failed.value.brief == "aptly failed"
    assert failed.value.details not in ("", "it gave no reason")
    assert "aptly db recover" in failed.value.resolution
    assert shop.shown() == ["hello 1.0"]


@pytest.mark.parametrize("gone", ["directory", "content"])
def test_a_lost_database_is_refused_before_machines_lose_their_packages(shop: Bench, gone: str) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    shutil.rmtree(shop.root.database)
    if gone == "content":
        shop.root.database.mkdir()
    with pytest.raises(RefusedError, match="has lost its database"):
        shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert shop.shown() == ["hello 1.0"]


def spoil(database: Path, damage: str) -> None:
    if damage == "current":
        (database / "CURRENT").write_text("garbage\n")
    elif damage == "manifest":
        for file in [*database.glob("MANIFEST*"), *database.glob("*.ldb"), *database.glob("*.log")]:
            file.write_bytes(b"garbage" * 100)
    else:
        for file in database.iterdir():
            file.unlink()
        database.rmdir()
        database.write_text("not a directory")
