"""The boot script: what it does for each image type, and that nothing a setting says can break out of it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix.execute.boot_work import boot_script, settings_file
from phoenix.execute.perform.watch import FAILED
from phoenix.model import ImageType, Package, Release, Repository
from phoenix.tools.render import Renderer

HELLO = Package(name="hello", version="1.2.3", sha256="0" * 64, repository="main")
BOOT = Package(name="phoenix-boot-0123456789ab", version="1", sha256="1" * 64, repository="main")
MAIN = Repository(name="main", url="http://10.0.2.2:9999", distribution="bookworm", key="-----BEGIN PGP\nx\n")


def script(release: Release, image_type: ImageType = ImageType.FOUNDATION) -> str:
    return boot_script(release, image_type, Renderer().render)


def release(**changes: object) -> Release:
    facts: dict[str, object] = {"image": "i", "image_ref": "r", "packages": (HELLO,), "repositories": (MAIN,)}
    return Release(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_foundation_machine_installs_exactly_the_packages() -> None:
    text = script(release())
    assert f"install_exactly hello=1.2.3 {HELLO.sha256}\n" in text
    assert "Signed-By: /etc/apt/keyrings/phoenix-main.asc" in text
    assert "ansible-playbook" not in text


def test_an_immutable_machine_installs_nothing_but_gets_its_settings() -> None:
    text = script(release(settings=(("GREETING", "Hi"),)), ImageType.IMMUTABLE)
    assert "apt-get" not in text
    assert 'GREETING="Hi"' in text
    assert "systemctl restart" in text


def test_an_os_machine_runs_the_stacks_playbook_first() -> None:
    text = script(release(boot_playbook=BOOT), ImageType.OS)
    assert (
        text.index("install_exactly phoenix-boot")
        < text.index("ansible-playbook")
        < text.index("install_exactly hello")
    )


def test_an_unsigned_repository_is_trusted_in_so_many_words() -> None:
    unsigned = Repository(name="main", url="http://10.0.2.2:9999", distribution="bookworm")
    assert "Trusted: yes" in script(release(repositories=(unsigned,)))


def test_a_secret_is_read_by_the_machine_and_stands_nowhere_else() -> None:
    text = script(release(settings=(("TOKEN", "machine-file:/etc/secret/token"),)))
    assert "/etc/secret/token" in text
    assert 'TOKEN="machine-file:' not in text


@pytest.mark.parametrize("image_type", list(ImageType))
def test_it_is_a_posix_script(image_type: ImageType) -> None:
    text = script(release(boot_playbook=BOOT if image_type is ImageType.OS else None), image_type)
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40).filter(
    lambda value: not value.startswith(("machine-file:", "aws-sm://"))
)


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_no_setting_breaks_out(value: str) -> None:
    """The line that writes the settings, run by a real shell, gives exactly the file we mean."""
    wanted = settings_file(release(settings=(("A", value),)))
    text = script(release(settings=(("A", value),)), ImageType.IMMUTABLE)
    start = text.index("    printf '%s\\n'")
    end = text.index(" > /etc/phoenix/settings.env", start)
    written = subprocess.run(["sh", "-c", text[start:end]], capture_output=True, check=True)
    assert written.stdout.decode() == wanted + "\n"


@pytest.mark.parametrize("image_type", [ImageType.IMMUTABLE, ImageType.FOUNDATION], ids=str)
def test_boot_work_that_fails_says_so_on_the_serial_console(tmp_path: Path, image_type: ImageType) -> None:
    """Run by a real shell in which nothing of this computer is named: its settings have no place to go."""
    text = script(release(), image_type)
    for path in ("/etc/", "/usr/sbin/", "/dev/console"):
        text = text.replace(path, f"{tmp_path}{path}")
    (tmp_path / "dev").mkdir()
    (tmp_path / "etc").write_text("a file, and no directory")
    ended = subprocess.run(["sh"], input=text, text=True, check=False, capture_output=True)
    assert ended.returncode == 1
    console = (tmp_path / "dev" / "console").read_text()
    assert console == "\nphoenix-boot: failed: exit code 1, at its settings\n"
    assert FAILED.findall(f"login: {console}") == ["exit code 1, at its settings"]


@pytest.mark.parametrize("right", [True, False], ids=["the release's", "others"])
def test_only_the_bytes_that_the_release_was_made_with_are_installed(tmp_path: Path, right: bool) -> None:
    """Run by a real shell, with an apt-get that has the package and writes down what it is to install."""
    published = b"the bytes that are published now"
    digest = hashlib.sha256(published if right else b"the bytes of the release").hexdigest()
    text = script(release(packages=(replace(HELLO, sha256=digest),)))
    (tmp_path / "bin").mkdir()
    (tmp_path / "deb").write_bytes(published)
    apt = f"""#!/bin/sh
for word; do
    case $word in
        download) cp {tmp_path}/deb hello_1.2.3_all.deb ;;
        install) for file; do :; done; cat "$file" > {tmp_path}/installed ;;
    esac
done
"""
    for name, program in {"apt-get": apt, "systemctl": "#!/bin/sh\n", "dpkg": "#!/bin/sh\n"}.items():
        (tmp_path / "bin" / name).write_text(program)
        (tmp_path / "bin" / name).chmod(0o755)
    for path in ("/etc/", "/usr/sbin/", "/dev/console", "/var/cache/"):
        text = text.replace(path, f"{tmp_path}{path}")
    for directory in ("etc/apt/sources.list.d", "usr/sbin", "dev", "var/cache"):
        (tmp_path / directory).mkdir(parents=True)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    ended = subprocess.run(["sh"], input=text, text=True, check=False, capture_output=True, env=environment)
    console = tmp_path / "dev" / "console"
    if right:
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (tmp_path / "installed").read_bytes() == published
        assert not (tmp_path / "var/cache/phoenix-debs").exists()
    else:
        assert ended.returncode == 1
        assert not (tmp_path / "installed").exists()
        assert "hello=1.2.3 has other contents than release" in console.read_text()
        assert digest in FAILED.findall(console.read_text())[0]


def test_the_shipped_template_is_found(tmp_path: Path) -> None:
    assert script(release()).startswith("#!/bin/sh\n")
