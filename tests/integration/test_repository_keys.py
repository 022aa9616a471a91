"""The keys of a repository by the real GnuPG, apt and sqv: they end, change with an overlap, and are not weak."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.debs import RepositoryState
from phoenix.errors import RefusedError, ToolError
from phoenix.execute import publication, signing, states
from phoenix.model import Repository
from phoenix.plan import keys as plans
from phoenix.plan.actions import Plan
from phoenix.plan.publish_actions import PublishAction
from phoenix.plan.states import way_back
from phoenix.tools import gpg, signers
from phoenix.tools.aptly_root import Root
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.repository_bench import Bench, bench, make_deb

THREE_YEARS = 3 * 365 * 86400


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def rotate(shop: Bench, *left_behind: str, finish: bool = False) -> publication.Publication:
    def decide(state: RepositoryState) -> Plan[PublishAction]:
        now = tuple(key.fingerprint for key in signing.keys_of(shop.spec))
        if finish:
            return plans.finish(shop.spec, state, now, left_behind, why="a test's")
        return plans.rotate(shop.spec, state, now, why="a test's")

    return publication.carry_out(shop.writer, decide, shop.change)


def sqv(root: Root, key: str) -> int:
    """Whether Debian 13's verifier trusts what is shown now: the exit code."""
    shown = root.public / "dists/bookworm"
    keyring = root.path / "keyring.asc"
    keyring.write_text(key)
    argv = ["sqv", "--keyring", str(keyring), str(shown / "Release.gpg"), str(shown / "Release")]
    return subprocess.run(argv, capture_output=True, check=False).returncode


def trusts(machine: MachineOfApt, shop: Bench, key: str) -> bool:
    """Whether apt of a machine that has this key takes the index."""
    machine.use(Repository(name="main", url=shop.spec.url, distribution="bookworm", key=key))
    return machine.apt_get("update", "--error-on=any")[0] == 0


def test_the_key_that_phoenix_makes_is_modern_and_ends(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (key,) = signing.keys_of(shop.spec)
    assert key.algorithm == 22
    assert key.expires is not None
    assert abs(key.expires - key.created - THREE_YEARS) < 2 * 86400
    assert gpg.weaknesses(shop.root.gnupg, key.fingerprint) == ()
    assert sqv(shop.root, shop.here.key) == 0


def test_a_rotation_leaves_no_machine_behind(shop: Bench, tmp_path: Path) -> None:
    machine = MachineOfApt(tmp_path / "machine")
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    old = shop.here.key
    rotate(shop)
    both = shop.here.key
    first, second = gpg.fingerprints_of(both)
    assert gpg.fingerprints_of(old) == (first,)
    new = subprocess.run(
        ["gpg", "--homedir", str(shop.root.gnupg), "--armor", "--export", second],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for key in (old, new, both):
        assert trusts(machine, shop, key)
        assert sqv(shop.root, key) == 0
    assert rotate(shop).run is None
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert trusts(machine, shop, old), "whatever is published meanwhile both sign"
    with pytest.raises(RefusedError) as refused:
        rotate(shop, "web-tier-local-v001", finish=True)
    assert "web-tier-local-v001" in refused.value.details
    rotate(shop, finish=True)
    assert gpg.fingerprints_of(shop.here.key) == (second,)
    assert not trusts(machine, shop, old)
    assert trusts(machine, shop, new)
    assert [key.fingerprint for key in gpg.keys(shop.root.gnupg)] == [second]
    assert rotate(shop, finish=True).run is None
    with shop.writer.held():
        before = way_back(states.states(shop.writer), shop.writer.state().published or "")
    assert before is not None
    assert before.what == "a new key signs beside the old one", "1.1 came after it: a rotation itself is no way back"
    shop.publish(make_deb(shop.directory, "hello", "1.2"))
    assert trusts(machine, shop, new)


@pytest.mark.full
@pytest.mark.parametrize("finish", [False, True], ids=["begun", "finished"])
def test_a_rotation_that_fails_leaves_the_keys_as_they_were(shop: Bench, tmp_path: Path, finish: bool) -> None:
    machine = MachineOfApt(tmp_path / "machine")
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    if finish:
        rotate(shop)
    old, before = shop.here.key, signers.signers(shop.root)
    shop.fail("read-back", after=True)
    with pytest.raises(ToolError, match="failed"):
        rotate(shop, finish=finish)
    shop.mend()
    assert signers.signers(shop.root) == before
    assert gpg.fingerprints_of(shop.here.key) == gpg.fingerprints_of(old)
    assert trusts(machine, shop, old)


def make_key(home: Path, *parameters: str, faked: str = "") -> str:
    """A key of a user in `home`, without passphrase; its fingerprint."""
    time = ("--faked-system-time", faked) if faked else ()
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", *time, "--pinentry-mode", "loopback"]
    subprocess.run([*argv, "--passphrase", "", *parameters], check=True, capture_output=True)
    gpg.end_agent(home, SystemClock())
    return gpg.keys(home, parameters[parameters.index("--quick-generate-key") + 1])[0].fingerprint


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("g")
    monkeypatch.setenv("GNUPGHOME", str(directory))
    yield directory
    gpg.end_agent(directory, SystemClock())


def test_two_keys_of_one_second_sign_in_the_order_in_which_they_were_set(home: Path) -> None:
    root = Root(path=home)
    root.gnupg.mkdir(mode=0o700)
    how = ("ed25519", "sign", "never")
    pair = [make_key(root.gnupg, "--quick-generate-key", name, *how, faked="20260101T000000!") for name in ("a", "b")]
    assert len({key.created for key in gpg.keys(root.gnupg)}) == 1
    for order in (pair, pair[::-1]):
        signers.set_signers(root, tuple(order))
        assert [key.fingerprint for key in signers.signers(root)] == order


def test_a_weak_key_is_refused_before_anything_is_done(tmp_path: Path, home: Path) -> None:
    weak = make_key(home, "--quick-generate-key", "weak", "rsa1024", "sign", "never")
    sha1 = make_key(home, "--cert-digest-algo", "SHA1", "--quick-generate-key", "sha1", "ed25519", "sign", "never")
    for key, why in ((weak, "RSA key of 1024 bits"), (sha1, "MD5 or SHA-1")):
        with bench(tmp_path, sign=key) as shop:
            with pytest.raises(RefusedError, match="too weak") as refused:
                shop.publish(make_deb(tmp_path, "hello", "1.0"))
            assert why in refused.value.details
            assert not shop.root.database.exists()


def test_an_expired_key_is_refused_before_anything_is_done(tmp_path: Path, home: Path) -> None:
    ended = make_key(home, "--quick-generate-key", "ended", "ed25519", "sign", "1y", faked="20200101T000000")
    with bench(tmp_path, sign=ended) as shop:
        with pytest.raises(RefusedError, match="cannot sign the repository"):
            shop.publish(make_deb(tmp_path, "hello", "1.0"))
        assert not shop.root.database.exists()


def test_the_end_of_a_key_is_told_in_time_and_refused_after_it(shop: Bench) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    assert signing.warnings(shop.spec, shop.clock.now()) == ()
    shop.clock.ahead = THREE_YEARS - 100 * 86400.0
    (warning,) = signing.warnings(shop.spec, shop.clock.now())
    assert "phoenix repository key rotate main" in warning
    shop.clock.ahead = THREE_YEARS + 10 * 86400.0
    with pytest.raises(RefusedError, match="has expired"):
        shop.publish(make_deb(shop.directory, "hello", "1.1"))
    assert shop.kept() == ["hello 1.0"]


def test_a_key_that_is_made_after_others_were_lost_stays_the_one_that_signs(shop: Bench, tmp_path: Path) -> None:
    """An expired key's home is moved away, as its error says; keys that signed before may be named still."""
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    rotate(shop)
    rotate(shop, finish=True)
    shop.root.gnupg.rename(tmp_path / "away")
    shop.publish(make_deb(shop.directory, "hello", "1.1"))
    key = shop.here.key
    assert len(gpg.fingerprints_of(key)) == 1
    shop.publish(make_deb(shop.directory, "hello", "1.2"))
    assert shop.here.key == key
    assert sqv(shop.root, key) == 0
    assert [each.fingerprint for each in signing.keys_of(shop.spec)] == list(gpg.fingerprints_of(key))
