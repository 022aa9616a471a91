"""apt itself, in a throwaway root, installs what was published: signed, unsigned, and while publications go on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.execute.boot_work import boot_script
from phoenix.execute.repositories import repository_here
from phoenix.model import ImageType, Release, Repository
from phoenix.tools import apt_index
from phoenix.tools.render import Renderer
from tests.support.real import unit_debs
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.repository_bench import Bench, bench, make_deb


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, path="/deb") as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> MachineOfApt:
    return MachineOfApt(tmp_path / "machine")


def test_signed_packages_install_at_the_exact_version(shop: Bench, machine: MachineOfApt) -> None:
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


def test_a_repository_with_another_key_is_not_trusted(shop: Bench, machine: MachineOfApt, tmp_path: Path) -> None:
    shop.publish(make_deb(shop.directory, "hello", "1.0"))
    (tmp_path / "other").mkdir()
    with bench(tmp_path / "other") as other:
        other.publish(make_deb(shop.directory, "hello", "1.0"))
        key = other.here.key
    machine.use(Repository(name="main", url=shop.spec.url, distribution="bookworm", key=key))
    code, said = machine.apt_get("update", "--error-on=any")
    assert code != 0
    assert "NO_PUBKEY" in said


def test_an_unsigned_repository_works_only_where_it_is_trusted_deliberately(
    tmp_path: Path, machine: MachineOfApt
) -> None:
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


def test_updates_in_the_middle_of_publications_always_succeed(shop: Bench, machine: MachineOfApt) -> None:
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


def boot(machine: MachineOfApt, release: Release) -> subprocess.CompletedProcess[str]:
    """Run the boot work of a release with the real apt, on the machine alone."""
    text = boot_script(release, ImageType.FOUNDATION, Renderer().render)
    for path in ("/etc/", "/usr/sbin/", "/dev/console", "/var/cache/"):
        text = text.replace(path, f"{machine.root}{path}")
    for directory in ("usr/sbin", "dev", "bin"):
        (machine.root / directory).mkdir(parents=True, exist_ok=True)
    for name in ("systemctl", "dpkg"):  # what would look at this computer
        (machine.root / "bin" / name).write_text("#!/bin/sh\n")
        (machine.root / "bin" / name).chmod(0o755)
    (machine.root / "etc/apt/sources.list.d/phoenix.sources").unlink(missing_ok=True)
    environment = {
        "APT_CONFIG": str(machine.root / "apt.conf"),
        "PATH": f"{machine.root}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    return subprocess.run(["sh"], input=text, text=True, capture_output=True, env=environment, check=False)


def test_boot_work_installs_the_bytes_of_its_release_and_no_others(shop: Bench, machine: MachineOfApt) -> None:
    first, second = make_deb(shop.directory, "hello", "1:1.0+b1"), make_deb(shop.directory, "other", "2.0")
    shop.publish(first, second)
    packages = apt_index.resolve(shop.here, [("hello", None), ("other", None)])
    release = Release(image="i", image_ref="r", packages=packages, repositories=(shop.here,))
    done = boot(machine, release)
    assert done.returncode == 0, done.stderr
    assert (machine.root / "usr/share/hello/version").read_text() == "1:1.0+b1 \n"
    assert (machine.root / "usr/share/other/version").read_text() == "2.0 \n"
    changed = make_deb(shop.directory, "other", "2.0", content="changed")
    shop.publish(changed, replace=lambda: ())
    (machine.root / "usr/share/other/version").unlink()
    refused = boot(machine, release)
    assert refused.returncode == 1
    assert f"other=2.0 has other contents than release {release.id} was made with" in refused.stderr
    assert not (machine.root / "usr/share/other/version").exists()


@pytest.mark.parametrize("new", [False, True], ids=["keep", "new"])
def test_a_configuration_file_that_the_image_has_stops_no_boot(shop: Bench, machine: MachineOfApt, new: bool) -> None:
    packaged, image = "as the package has it\n", "as the image has it\n"
    shop.publish(unit_debs.make(shop.directory, "svc", "1.0", {"etc/svc.conf": packaged, "etc/other.conf": "x\n"}))
    (machine.root / "etc/svc.conf").write_text(image)
    packages = apt_index.resolve(shop.here, [("svc", None)])
    done = boot(
        machine,
        Release(image="i", image_ref="r", packages=packages, repositories=(shop.here,), new_conffiles=new),
    )
    assert done.returncode == 0, done.stderr
    file = machine.root / "etc/svc.conf"
    put_aside = file.with_name("svc.conf.dpkg-old" if new else "svc.conf.dpkg-dist")
    assert (file.read_text(), put_aside.read_text()) == ((packaged, image) if new else (image, packaged))
    told = [line for line in done.stdout.splitlines() if line.startswith("phoenix-boot: ")]
    assert told == [
        f"phoenix-boot: replaced: {file}, by the package's; that of the image is {put_aside}"
        if new
        else f"phoenix-boot: kept: {file}, of the image; that of the package is {put_aside}"
    ]
    console = (machine.root / "dev/console").read_text().split("\n")
    assert console == ["", *told, ""]
    assert (machine.root / "etc/other.conf").read_text() == "x\n"
