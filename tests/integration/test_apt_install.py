"""apt itself, in a throwaway root, installs what was published: signed, unsigned, and while publications go on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.execute.repositories import repository_here
from phoenix.model import Repository
from tests.support.real.repository_bench import Bench, bench, make_deb


class Machine:
    """A directory that apt and dpkg take for a machine: no sources, no packages, nothing of this computer's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for directory in (
            "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d",
            "etc/apt/preferences.d",
            "etc/apt/apt.conf.d",
            "etc/apt/keyrings",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg/info",
            "var/lib/dpkg/updates",
            "var/log/apt",
        ):
            (root / directory).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "apt.conf").write_text(
            f'Dir "{root}/";\nDir::State::status "{root}/var/lib/dpkg/status";\n'
            'Dir::Bin::methods "/usr/lib/apt/methods";\n'
            f'APT::Sandbox::User "root";\nAPT::Architecture "amd64";\nAPT::Architectures {{ "amd64"; }};\n'
            'APT::Get::Assume-Yes "true";\nAcquire::Languages "none";\n'
            f'DPkg::Options {{ "--root={root}"; "--force-not-root"; "--force-script-chrootless"; }};\n'
        )

    def use(self, repository: Repository, *, trusted: bool | None = None) -> None:
        """Write the apt source as boot work does."""
        key = self.root / "etc/apt/keyrings/phoenix.asc"
        key.write_text(repository.key)
        trust = trusted if trusted is not None else not repository.key
        last = "Trusted: yes" if trust else f"Signed-By: {key}"
        (self.root / "etc/apt/sources.list.d/phoenix.sources").write_text(
            f"Types: deb\nURIs: {repository.url}\nSuites: {repository.distribution}\n"
            f"Components: {repository.component}\n{last}\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `apt-get`; what it says on both streams comes from one pipe."""
        environment = {
            "APT_CONFIG": str(self.root / "apt.conf"),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C",
        }
        return subprocess.Popen(
            ["apt-get", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def apt_get(self, *arguments: str) -> tuple[int, str]:
        """Run `apt-get`; exit code and what it said."""
        running = self.start(*arguments)
        said, _nothing = running.communicate(timeout=60)
        return running.returncode, said


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, path="/deb") as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def test_signed_packages_install_at_the_exact_version(shop: Bench, machine: Machine) -> None:
    for version in ("1:1.0+b1", "1:1.1~rc1"):
        shop.publish(make_deb(shop.directory, "hello", version))
    machine.use(repository_here(shop.spec))
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", "--download-only", "hello")
    assert code == 0, said
    code, said = machine.apt_get("install", "hello=1:1.0+b1")
    assert code == 0, said
    assert (machine.root / "usr/share/hello/version").read_text() == "1:1.0+b1 \n"
    code, said = machine.apt_get("install", "hello")
    assert code == 0, said
    assert (machine.root / "usr/share/hello/version").read_text() == "1:1.1~rc1 \n"
    assert machine.apt_get("install", "hello=9")[0] != 0


def test_a_repository_with_another_key_is_not_trusted(shop: Bench, machine: Machine, tmp_path: Path) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (tmp_path / "other").mkdir()
    with bench(tmp_path / "other") as other:
        other.publish(make_deb(shop.directory, "hello", "1.0"))
        key = other.here.key
    machine.use(Repository(name="main", url=shop.spec.url, distribution="bookworm", key=key))
    code, said = machine.apt_get("update", "--error-on=any")
    assert code != 0
    assert "NO_PUBKEY" in said


def test_an_unsigned_repository_works_only_where_it_is_trusted_deliberately(tmp_path: Path, machine: Machine) -> None:
    with bench(tmp_path, sign="none") as shop:
        shop.publish(make_deb(tmp_path, "hello", "1.0"))
        machine.use(shop.here, trusted=False)
        code, said = machine.apt_get("update", "--error-on=any")
        assert code != 0
        assert "is not signed" in said
        machine.use(shop.here)
        assert machine.apt_get("update", "--error-on=any")[0] == 0
        code, said = machine.apt_get("install", "hello")
        assert code == 0, said


def test_updates_in_the_middle_of_publications_always_succeed(shop: Bench, machine: Machine) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    machine.use(shop.here)
    updates: list[tuple[int, str]] = []
    for number in range(1, 9):
        files = make_deb(shop.directory, "hello", f"1.{number}"), make_deb(shop.directory, f"other-{number}", "1.0")
        client = machine.start("update", "--error-on=any")
        shop.publish(*files)
        said, _nothing = client.communicate(timeout=60)
        updates.append((client.returncode, said))
    assert [said for code, said in updates if code != 0] == []
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", "hello=1.8", "other-8")
    assert code == 0, said
