"""Secrets of the operator's computer, from phoenix.yaml to the machine: read once, and found nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.clouds.api import Between
from phoenix.errors import RefusedError
from phoenix.execute import secrets
from phoenix.model import Group, LaunchTemplate
from tests.support.fakes.desk import Desk

PLANTED, SAID = "correct-horse-battery", "staple-of-many-words"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A service with a secret in a file, one that a command prints, and one that its machines have."""
    (desk.directory / "asked.sh").write_text(f"#!/bin/sh\necho asked >> asked\necho {SAID}\n")
    (desk.directory / "asked.sh").chmod(0o755)
    (desk.directory / "token").write_text(f"{PLANTED}\n")
    own = "settings: {TOKEN: 'file:token', ASKED: 'cmd:./asked.sh', THERE: 'machine-file:/etc/token'}\n    port:"
    desk.edit("port:", own)
    return desk


def scripts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The boot work that machines get."""
    seen: list[str] = []
    create = desk.cloud.create

    def created(group: Group, template: LaunchTemplate, *, between: Between) -> None:
        seen.append(template.user_data)
        create(group, template, between=between)

    monkeypatch.setattr(desk.cloud, "create", created)
    return seen


def written(desk: Desk) -> list[Path]:
    """The files in which a secret stands that is not where its owner has put it."""
    own = {desk.directory / "token", desk.directory / "asked.sh"}
    files = (file for file in desk.directory.rglob("*") if file.is_file() and file not in own)
    return [file for file in files if any(each.encode() in file.read_bytes() for each in (PLANTED, SAID))]


def test_they_reach_the_machine_and_stand_nowhere_else(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = scripts(shop, monkeypatch)
    shop.run("validate")
    plan = shop.page("roll", "web-tier", "--image", "image-1", "--package", "hello=1.0.0", "--plan")
    assert not (shop.directory / "asked").exists(), "nothing is run to look at a plan"
    result = shop.roll("1.0.0", "--junit", str(shop.directory / "report.xml"))
    (script,) = seen
    assert f'TOKEN="{PLANTED}"' in script
    assert f'ASKED="{SAID}"' in script
    assert "/etc/token" in script
    assert (shop.directory / "asked").read_text() == "asked\n", "once"
    pages = [plan, str(result), shop.said, shop.page("status"), shop.page("run", "show", result["run"])]
    assert [page for page in pages if PLANTED in page or SAID in page] == []
    assert written(shop) == []
    shop.run("group", "resize", "web-tier-local-v001", "3")
    assert (shop.directory / "asked").read_text() == "asked\n", "a larger group has what it was made with"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("file:token", "file:nowhere", "the setting TOKEN refers to {}/nowhere, which is not there on this computer"),
        (
            "cmd:./asked.sh",
            "cmd:./no.sh",
            "the setting ASKED refers to the program ./no.sh, which is not on this computer",
        ),
        ("cmd:./asked.sh", 'cmd:a "b', "the setting ASKED refers to a command that no shell reads"),
    ],
)
def test_what_can_be_told_without_running_anything_is_told_first(shop: Desk, old: str, new: str, told: str) -> None:
    shop.edit(old, new)
    calls = shop.cloud.calls
    words = ("roll", "web-tier", "--image", "image-1", "--package", "hello=1.0.0")
    assert told.format(shop.directory) in shop.refused(*words)["details"]
    assert told.format(shop.directory) in str(shop.run("validate", code=2))
    assert shop.cloud.calls == calls


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo hidden-word; echo why >&2; exit 3", "it ended with 3: why"),
        ("true", "it printed nothing"),
        ("printf 'a\\000b'", "it is no text in UTF-8"),
        ("head -c 200000 /dev/zero | tr '\\0' x", "it has 200002 bytes with its name"),
    ],
)
def test_a_command_that_gives_no_secret(tmp_path: Path, command: str, told: str) -> None:
    with pytest.raises(RefusedError) as error:
        secrets.read({"A": f"cmd:{command}"}, tmp_path)
    assert error.value.brief == "the setting A cannot be read on this computer"
    assert told in error.value.details
    assert "hidden-word\n" not in str(error.value).replace(command, "")


def test_a_secret_keeps_its_lines_but_the_last_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("one\ntwo\n")
    assert secrets.read({"KEY": "file:key", "PLAIN": "x"}, tmp_path) == {"KEY": "one\ntwo", "PLAIN": "x"}
