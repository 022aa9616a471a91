"""`phoenix doctor` on this computer: tools, mirror and machine engines really tried."""

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run


def doctor(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, Any]]:
    code = run(["doctor", "--json", "-q", *args])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["ok"] is (code == 0)
    return code, said


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def test_a_computer_that_can_run_the_tests_has_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOENIX_PROJECT", raising=False)
    code, said = doctor(capsys)
    assert code == 0
    states = {check["subject"]: check["state"] for check in said["checks"]}
    assert "lack" not in states.values()
    assert {"engine qemu-kvm", "engine light", "engine qemu-tcg", "mirror", "disk", "packer"} <= set(states)


def test_what_the_project_asks_for_is_looked_at(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "phoenix.yaml"
    file.write_text(file.read_text().replace("{kind: local}", f"{{kind: local, mirror: 'file://{shop}'}}"))
    code, said = doctor(capsys, "-C", str(shop))
    assert code == 3
    (lack,) = [check for check in said["checks"] if check["state"] == "lack"]
    assert lack["subject"] == "mirror"
    assert lack["found"] == f"file://{shop} has no dists/bookworm/InRelease"
    assert said["error"]["brief"] == "a lack"
    assert lack["remedy"] in said["error"]["resolution"]


def test_only_one_cloud(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = doctor(capsys, "-C", str(shop), "--cloud", "gcp")
    assert code == 0
    subjects = {check["subject"] for check in said["checks"]}
    assert "packer" in subjects
    assert "engine light" not in subjects
    (none,) = [check for check in said["checks"] if check["subject"] == "clouds of kind gcp"]
    assert (none["state"], none["found"].partition(",")[0]) == ("note", "there is none in phoenix.yaml")


def test_an_unknown_cloud(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = doctor(capsys, "-C", str(shop), "--cloud", "azure")
    assert (code, said["error"]["brief"]) == (2, "there is no cloud 'azure'")
    assert "local" in said["error"]["details"]


def test_an_unknown_cloud_without_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOENIX_PROJECT", raising=False)
    code, said = doctor(capsys, "--cloud", "azure")
    assert (code, said["error"]["brief"]) == (2, "there is no cloud 'azure'")
