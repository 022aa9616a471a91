"""`phoenix validate` on a project that `phoenix init` wrote and somebody then edited."""

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def validate(shop: Path, capsys: pytest.CaptureFixture[str], *, code: int) -> dict[str, Any]:
    assert run(["validate", "-C", str(shop), "--json", "-q"]) == code
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["ok"] is (code == 0)
    return said


def test_nothing_is_wrong_with_what_init_writes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in shop.rglob("*")}
    assert validate(shop, capsys, code=0) == {"ok": True, "file": str(shop / "phoenix.yaml"), "warnings": []}
    assert {file: file.stat().st_mtime_ns for file in shop.rglob("*")} == before


def test_every_mistake_of_the_file_is_there_for_programs(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "phoenix.yaml"
    text = file.read_text().replace("port: 8080", "port: 80800").replace("drain: 30s", "drain: 30")
    file.write_text(text)
    said = validate(shop, capsys, code=2)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "80800" in line or "drain: 30" in line]
    assert [(m["file"], m["line"], m["path"]) for m in said["mistakes"]] == [
        (str(file), lines[0], "services.web-tier.port"),
        (str(file), lines[1], "services.web-tier.drain"),
    ]
    assert said["error"]["brief"] == "2 mistakes in phoenix.yaml"
    assert said["error"]["details"].count("\n") == 1


def test_playbooks_and_templates_are_read_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = shop / "playbooks" / "nodejs.yml"
    playbook.write_text(f"{playbook.read_text()}\n- broken: [\n")
    template = shop / "templates" / "boot" / "mine.sh.j2"
    template.parent.mkdir(parents=True)
    template.write_text("fine\n{% if %}\n")
    first, second = [mistake["what"] for mistake in validate(shop, capsys, code=2)["mistakes"]]
    assert first.startswith(f"{template}:2: ")
    assert second.startswith("images.foundation/nodejs: ")
    assert "nodejs.yml" in second


def test_a_task_that_ansible_does_not_know(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = shop / "playbooks" / "nodejs.yml"
    playbook.write_text(playbook.read_text().replace("ansible.builtin.copy", "ansible.builtin.copi"))
    (mistake,) = validate(shop, capsys, code=2)["mistakes"]
    assert "ansible.builtin.copi" in mistake["what"]


def test_what_is_unwise_is_a_warning(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "phoenix.yaml"
    file.write_text(file.read_text().replace("{GREETING: Hello}", "{DB_PASSWORD: hunter2}"))
    said = validate(shop, capsys, code=0)
    assert len(said["warnings"]) == 1
    assert "settings.DB_PASSWORD looks like a secret" in said["warnings"][0]
