"""The mirror that apt on this machine uses."""

from pathlib import Path

import pytest

from phoenix.clouds.local.bake.mirror import DEFAULT_MIRROR, configured_mirror

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/x.gpg] http://first.example/debian/ bookworm main contrib
deb http://second.example/debian bookworm main
"""
DEB822 = """\
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb deb-src
URIs: http://third.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_the_first_of_the_old_form(apt: Path) -> None:
    (apt / "sources.list").write_text(ONE_LINE)
    assert configured_mirror(apt) == "http://first.example/debian"


def test_the_new_form(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert configured_mirror(apt) == "http://third.example/debian"


@pytest.mark.parametrize(
    "line",
    [
        "deb http://user:secret@private.example/debian bookworm main",
        "deb http://archive.example/ubuntu noble main",
        "deb http://packages.example/node nodistro main",
        "deb http://contrib.example/debian bookworm contrib",
        "deb cdrom:[Debian]/ bookworm main",
    ],
)
def test_what_is_passed_over(apt: Path, line: str) -> None:
    (apt / "sources.list").write_text(line + "\n")
    assert configured_mirror(apt) == DEFAULT_MIRROR


def test_without_any_apt(tmp_path: Path) -> None:
    assert configured_mirror(tmp_path / "nowhere") == DEFAULT_MIRROR
