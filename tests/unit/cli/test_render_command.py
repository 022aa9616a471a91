"""`phoenix render`: where to, for which cloud, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix.cli.app import run


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["init", str(tmp_path / "hello")]) == 0
    capsys.readouterr()
    return tmp_path / "hello"


def test_files_are_listed_and_are_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(project), "render", "foundation", "nodejs"]) == 0
    listed = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert project / ".phoenix/render/local-foundation-nodejs/image.pkr.hcl" in listed
    assert all(path.is_file() for path in listed)


def test_json_says_the_same(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["-C", str(project), "render", "immutable", "hello", "--cloud", "aws", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert (told["image"], told["cloud"], told["directory"]) == ("immutable/hello", "aws", str(out))
    assert told["to_fill_in"] == ["region", "source_ami"]
    assert all((out / file).is_file() for file in told["files"])
    variables = json.loads((out / "playbooks/variables.json").read_text())
    assert variables["app_packages"] == ["hello"]
    assert "public key of the repository main" in variables["app_repositories"][0]["key"], "nothing is published yet"


def test_a_second_time_gives_the_same_bytes(project: Path, tmp_path: Path) -> None:
    line = ["-C", str(project), "render", "os", "debian-12", "--cloud", "gcp", "--out", str(tmp_path / "out")]
    pictures = []
    for _time in range(2):
        assert run(line) == 0
        files = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
        pictures.append([(path, path.read_bytes()) for path in files])
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("foundation", "nonesuch"), 2, "there is no image 'foundation/nonesuch'"),
        (("nonesuch", "nodejs"), 2, "'nonesuch' is not one of 'os', 'foundation', 'immutable'"),
        (("os", "debian-12", "--cloud", "azure"), 2, "there is no cloud 'azure'"),
        (("os", "debian-12", "--out", "."), 3, "is not empty"),
    ],
)
def test_a_wrong_wish_is_told(
    project: Path,
    arguments: tuple[str, ...],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    before = sorted(project.rglob("*"))
    assert run(["render", *arguments]) == code
    assert said in capsys.readouterr().err
    assert sorted(project.rglob("*")) == before


def test_an_image_for_several_clouds_asks_for_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "phoenix.yaml"
    text = file.read_text()
    clouds, rest = text[: text.index("repositories:")].rstrip(), text[text.index("repositories:") :]
    file.write_text(f"{clouds}\n  other: {{kind: local}}\n\n{rest[: rest.index('services:')]}")
    assert run(["-C", str(project), "render", "os", "debian-12"]) == 2
    told = capsys.readouterr().err
    assert "for which cloud is os/debian-12 to be rendered?" in told
    assert "it could be local, other" in told
