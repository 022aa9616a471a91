"""`phoenix init --jenkins`: beside a new project, or for one that is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run
from tests.integration.test_init import FILES

OURS = {
    "Jenkinsfile",
    "jenkins/casc.yaml",
    "jenkins/jobs.yaml",
    "jenkins/nginx.conf",
    "jenkins/nightly.Jenkinsfile",
    "jenkins/tend.Jenkinsfile",
    *(f"jenkins/vars/phoenix{step}.groovy" for step in ("", "Bake", "Promote", "Publish", "Roll", "Rollback")),
}


def init(directory: Path, capsys: pytest.CaptureFixture[str], *, code: int = 0) -> dict[str, Any]:
    assert run(["init", str(directory), "--jenkins", "--json"]) == code
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_a_new_project_has_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = init(tmp_path / "shop", capsys)
    assert set(said["files"]) == FILES | OURS
    assert said["ports"]
    for name in OURS:
        text = (tmp_path / "shop" / name).read_text()
        assert not any(f"@{word}@" in text for word in ("PROJECT", "SERVICE", "IMAGE", "PACKAGE", "PLACES", "TYPE"))
    assert "job('shop-nightly'" in (tmp_path / "shop" / "jenkins" / "casc.yaml").read_text()


def test_one_that_is_there_gets_them_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "shop"), "-q"]) == 0
    file = tmp_path / "shop" / "phoenix.yaml"
    text = file.read_text().replace("  web-tier:", "  front:")
    text = text.replace("    packages: [hello]", "    packages: [basket]")
    assert "packages: [basket]" in text
    file.write_text(text)
    capsys.readouterr()
    said = init(tmp_path / "shop", capsys)
    assert set(said["files"]) == OURS
    assert said["ports"] == {}
    assert file.read_text() == text
    jenkinsfile = (tmp_path / "shop" / "Jenkinsfile").read_text()
    assert "service: 'front', environment: 'local'" in jenkinsfile
    assert "basket/basket_${env.VERSION}_all.deb" in jenkinsfile
    assert (
        "[service: 'front', environment: 'local', samePackages: true],"
        in (tmp_path / "shop/jenkins/nightly.Jenkinsfile").read_text()
    )


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "shop", capsys)
    assert "Jenkinsfile" in init(tmp_path / "shop", capsys, code=3)["error"]["details"]


def test_a_project_with_nothing_to_roll(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "phoenix.yaml").write_text("version: 1\nproject: hello\n")
    said = init(tmp_path, capsys, code=2)
    assert said["error"]["brief"] == "there is nothing that Jenkins could roll"
    assert not (tmp_path / "Jenkinsfile").exists()


def test_a_cloud_is_for_a_new_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "shop"), "--jenkins", "--cloud", "gcp", "-q"]) == 0
    assert "gcp:" in (tmp_path / "shop" / "phoenix.yaml").read_text()
    assert run(["init", str(tmp_path / "new"), "-q"]) == 0
    capsys.readouterr()
    assert run(["init", str(tmp_path / "new"), "--jenkins", "--cloud", "gcp", "--json"]) == 2
    assert "has a project already" in json.loads(capsys.readouterr().out)["error"]["brief"]


def test_what_to_do_next_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "shop"), "--jenkins"]) == 0
    out = capsys.readouterr().out
    assert "phoenix doctor --jenkins URL" in out
    assert "phoenix bake foundation nodejs" in out
