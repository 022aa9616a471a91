"""`phoenix doctor --jenkins URL`, against a server that answers as Jenkins does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run
from phoenix.execute.jenkins import PLUGINS
from tests.support.fakes.jenkins import TOKEN, USER, Jenkins
from tests.support.fakes.web import serving
from tests.support.real.ports import free_port


@dataclass(frozen=True)
class Ward:
    """A Jenkins, its address, and what the doctor says of it."""

    jenkins: Jenkins
    url: str
    capsys: pytest.CaptureFixture[str]

    def look(self, url: str = "", *, code: int = 0) -> dict[str, Any]:
        """The findings by their subject; `error` where it ended with one."""
        self.capsys.readouterr()
        assert run(["doctor", "--jenkins", url or self.url, "--json"]) == code
        out, err = self.capsys.readouterr()
        assert TOKEN not in out + err
        said = json.loads(out)
        return {**{check["subject"]: check for check in said.get("checks", ())}, "error": said.get("error")}


@pytest.fixture
def ward(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ward]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("JENKINS_USER", USER)
    monkeypatch.setenv("JENKINS_TOKEN_FILE", str(token))
    monkeypatch.delenv("JENKINS_TOKEN", raising=False)
    jenkins = Jenkins(plugins=dict.fromkeys([*PLUGINS, "ant"], True))
    with serving(jenkins) as url:
        yield Ward(jenkins, url, capsys)


def test_all_is_well(ward: Ward) -> None:
    found = ward.look()
    assert {name: found[name]["state"] for name in ("jenkins", "webhook", "plugins", "agents")} == dict.fromkeys(
        ("jenkins", "webhook", "plugins", "agents"), "ok"
    )
    assert "2.541.1" in found["jenkins"]["found"]
    assert found["way from GitHub"]["state"] == "note", "a loopback address"
    assert {method for method, path in ward.jenkins.asked if path != "/github-webhook/"} == {"GET"}


def test_without_a_login_what_needs_one_is_a_note(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JENKINS_USER")
    monkeypatch.delenv("JENKINS_TOKEN_FILE")
    found = ward.look()
    assert found["webhook"]["state"] == "ok"
    assert found["plugins, agents"]["state"] == "note"
    assert "JENKINS_TOKEN_FILE" in found["plugins, agents"]["remedy"]


@pytest.mark.parametrize(
    ("changes", "subject", "said"),
    [
        ({"github": False}, "webhook", "there is no /github-webhook/"),
        ({"guarded": True}, "webhook", "answers 302 to who has no login"),
        ({"identity_of_webhook": "another"}, "webhook", "another Jenkins"),
        ({"plugins": dict.fromkeys(PLUGINS[1:], True)}, "plugins", f"missing or switched off: {PLUGINS[0]}"),
        ({"plugins": {**dict.fromkeys(PLUGINS, True), "git": False}}, "plugins", "switched off: git"),
        ({"nodes": ()}, "agents", "no agent with the label 'phoenix' is there"),
        ({"offline": True}, "agents", "no agent with the label 'phoenix' is online"),
        ({"garbled": True}, "plugins", "no answer that can be read"),
    ],
)
def test_each_lack_is_told_with_its_remedy(ward: Ward, changes: dict[str, Any], subject: str, said: str) -> None:
    for name, value in changes.items():
        setattr(ward.jenkins, name, value)
    found = ward.look(code=3)
    assert found[subject]["state"] == "lack"
    assert said in found[subject]["found"]
    assert found[subject]["remedy"] in found["error"]["resolution"]


def test_a_user_who_may_not_see_is_no_lack(ward: Ward) -> None:
    ward.jenkins.may_see = False
    assert ward.look()["plugins"]["state"] == "note"


def test_an_old_jenkins_is_a_note(ward: Ward) -> None:
    ward.jenkins.version = "2.387.3"
    assert "2.479" in ward.look()["jenkins"]["remedy"]


def test_a_wrong_token(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JENKINS_TOKEN_FILE")
    monkeypatch.setenv("JENKINS_TOKEN", "wrong")
    assert "not good" in ward.look(code=3)["plugins"]["found"]


def test_nobody_there_and_somebody_else(ward: Ward) -> None:
    assert "does not answer" in ward.look(f"http://127.0.0.1:{free_port()}", code=3)["jenkins"]["found"]

    def other(_environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"hello"]

    with serving(other) as url:
        assert "is no Jenkins" in ward.look(url, code=3)["jenkins"]["found"]


@pytest.mark.parametrize("url", ["ci.acme.example", "ftp://ci", "https://", "https://me:hunter2@ci.acme.example"])
def test_what_is_no_address(ward: Ward, url: str) -> None:
    error = ward.look(url, code=2)["error"]
    assert error["brief"] == "that is not the address of a Jenkins"
    assert "hunter2" not in json.dumps(error)


def test_half_a_login_and_a_file_that_is_not_there(ward: Ward, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JENKINS_TOKEN_FILE", str(tmp_path / "missing"))
    assert "cannot be read" in ward.look(code=2)["error"]["brief"]
    monkeypatch.delenv("JENKINS_TOKEN_FILE")
    assert ward.look(code=2)["error"]["brief"] == "half a login for Jenkins"


def test_it_is_for_jenkins_alone(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--jenkins", ward.url, "--cloud", "local", "--json"]) == 2
    assert "--cloud" in json.loads(capsys.readouterr().out)["error"]["brief"]
