"""The frame: global options anywhere, one JSON object, the exit code of every ending."""

import errno
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import typer

from phoenix import __version__
from phoenix.cli.app import run
from phoenix.cli.session import Session, session_of
from phoenix.errors import RefusedError, ToolError
from phoenix.execute import ownership
from tests.unit.cli.conftest import Invented, Run

ELSEWHERE = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}


@pytest.mark.parametrize("args", [["--json", "invented"], ["invented", "--json"]])
def test_json_before_and_after_the_command(invented: Invented, run_json: Run, args: list[str]) -> None:
    invented(lambda ctx: session_of(ctx).out.result({"answer": 42}, "the answer is 42"))
    assert run_json(*args) == (0, {"ok": True, "answer": 42})


@pytest.mark.parametrize("args", [["-C", "{}", "invented"], ["invented", "-C", "{}"], ["invented", "--project={}"]])
def test_the_project_before_and_after_the_command(invented: Invented, tmp_path: Path, args: list[str]) -> None:
    seen: list[Path | None] = []
    invented(lambda ctx: seen.append(session_of(ctx).wanted_directory))
    assert run([arg.format(tmp_path) for arg in args]) == 0
    assert seen == [tmp_path]


@pytest.mark.parametrize(("args", "verbosity"), [(["-vv"], 2), (["-q"], -1), ([], 0)])
def test_verbosity(invented: Invented, args: list[str], verbosity: int) -> None:
    seen: list[int] = []
    invented(lambda ctx: seen.append(session_of(ctx).verbosity))
    assert run(["invented", *args]) == 0
    assert seen == [verbosity]


def test_no_color_reaches_the_tools(invented: Invented, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    seen: list[str | None] = []
    invented(lambda ctx: seen.append(os.environ.get("NO_COLOR")))
    assert run(["invented", "--no-color"]) == 0
    assert seen == ["1"]


@pytest.mark.parametrize("args", [["--version"], ["invented", "--version"]])
def test_the_version(invented: Invented, capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    invented(lambda _ctx: pytest.fail("the version is asked for, nothing else"))
    assert run(args) == 0
    assert capsys.readouterr().out == f"phoenix {__version__}\n"


def test_the_version_as_json(run_json: Run) -> None:
    assert run_json("--version", "--json") == (0, {"ok": True, "version": __version__})


def refuse(ctx: typer.Context) -> None:
    session_of(ctx).out.show("one: failed")
    raise RefusedError("no", details="because", resolution="do this", facts={"tests": ["one"]})


def test_an_error_for_people(invented: Invented, capsys: pytest.CaptureFixture[str]) -> None:
    invented(refuse)
    assert run(["invented"]) == 3
    said = capsys.readouterr()
    assert said.err == "error: no\n  because\n  do this\n"
    assert said.out == "one: failed\n"


def test_an_error_for_programs(invented: Invented, run_json: Run) -> None:
    invented(refuse)
    error = {"code": 3, "brief": "no", "details": "because", "resolution": "do this"}
    assert run_json("invented", "--json") == (3, {"ok": False, "error": error, "tests": ["one"]})


@pytest.mark.parametrize(
    ("args", "brief", "resolution"),
    [
        (["invented", "--jsn"], "No such option: --jsn", "See `phoenix invented --help`."),
        (["invented", "x"], "Got unexpected extra argument(s) (x)", "See `phoenix invented --help`."),
        (["inventd"], "No such command 'inventd'. Did you mean 'invented'?", "See `phoenix --help`."),
    ],
)
def test_wrong_usage(invented: Invented, run_json: Run, args: list[str], brief: str, resolution: str) -> None:
    invented(lambda _ctx: pytest.fail("must not run"))
    code, said = run_json(*args, "--json")
    assert code == said["error"]["code"] == 2
    assert said["error"]["brief"].startswith(brief)
    assert said["error"]["details"]
    assert said["error"]["resolution"] == resolution


def test_a_missing_subcommand(run_json: Run) -> None:
    code, said = run_json("--json")
    assert (code, said["error"]["brief"]) == (2, "Missing command")


def fail_with_a_bug(ctx: typer.Context) -> None:
    raise ZeroDivisionError("far away")


def test_a_bug(invented: Invented, run_json: Run) -> None:
    invented(fail_with_a_bug)
    code, said = run_json("invented", "--json")
    assert (code, said["error"]["brief"]) == (1, "a bug in phoenix")
    assert said["error"]["details"] == "ZeroDivisionError: far away"
    file = re.search(r"/\S+\.txt", said["error"]["resolution"])
    assert file is not None
    report = Path(file[0])
    assert "fail_with_a_bug" in report.read_text()
    report.unlink()


def test_an_error_is_found_under_another_one(invented: Invented, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_ctx: typer.Context) -> None:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            raise ToolError("packer failed") from error

    invented(fail)
    assert run(["invented"]) == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "phoenix.yaml").write_text("version: 1\nproject: shop\n")
    (tmp_path / "deep" / "below").mkdir(parents=True)
    return tmp_path


def test_the_nearest_parent_has_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "deep" / "below")
    monkeypatch.delenv("PHOENIX_PROJECT", raising=False)
    assert Session().site.project.directory == project


def test_the_environment_names_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert Session(environment={"PHOENIX_PROJECT": str(project)}).site.project.name == "shop"


def test_the_option_is_stronger_than_the_environment(project: Path, tmp_path: Path) -> None:
    session = Session(environment={"PHOENIX_PROJECT": "/nowhere"}, wanted_directory=project)
    assert session.site.project.name == "shop"


def test_no_project_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_json: Run) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOENIX_PROJECT", raising=False)
    code, said = run_json("validate", "--json")
    assert (code, said["error"]["brief"]) == (2, "there is no phoenix.yaml here")
    code, said = run_json("validate", "--json", "-C", "elsewhere")
    assert (code, said["error"]["brief"]) == (2, "there is no phoenix.yaml in elsewhere")


def test_times_and_paths_become_text(invented: Invented, capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    invented(lambda ctx: session_of(ctx).out.result({"path": Path("/x"), "at": moment}, ""))
    assert run(["invented", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "path": "/x", "at": "2026-01-31T12:00:00Z"}


def test_a_full_disk_is_no_bug(invented: Invented, run_json: Run) -> None:
    def fail(_ctx: typer.Context) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/x/y")

    invented(fail)
    code, said = run_json("invented", "--json")
    assert (code, said["error"]["brief"]) == (4, "No space left on device: /x/y")
    assert said["error"]["resolution"].startswith("Make room")
    Path(said["error"]["details"].split()[-1]).unlink()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--help"], "Usage: phoenix"),
        (["roll", "--help"], "Start a group with the new release"),
        (["group", "-h"], "resize"),
        (["group", "show", "--help"], "Show one group"),
        (["--show-completion"], "_phoenix_completion"),
    ],
)
def test_a_page_is_one_json_object_too(
    run_json: Run, monkeypatch: pytest.MonkeyPatch, args: list[str], says: str
) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    code, result = run_json(*args, "--json")
    assert (code, result["ok"]) == (0, True)
    assert says in result["text"]


@pytest.mark.parametrize("words", [("status",), ("validate",), ("roll", "web-tier"), ("init", "there"), ("doctor",)])
def test_a_working_directory_that_is_gone_is_an_ordinary_mistake(tmp_path: Path, words: tuple[str, ...]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$0" && rmdir "$0" && exec "$@"'
    command = [sys.executable, "-P", "-m", "phoenix", *words, "--json"]
    done = subprocess.run(["bash", "-c", script, gone, *command], capture_output=True, check=False, env=ELSEWHERE)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"], error["brief"]) == (2, 2, "the working directory is gone")


@pytest.mark.parametrize("words", [("roll", "web", "--why"), ("publish",), ("unlock", "web", "--why"), ("-C",)])
def test_an_argument_that_is_not_utf_8_is_an_ordinary_mistake(run_json: Run, words: tuple[str, ...]) -> None:
    code, result = run_json(*words, "caf\udce9", "--json")
    assert (code, result["error"]["brief"]) == (2, "an argument is not in UTF-8")
    assert result["error"]["details"] == "caf\ufffd"


def test_a_variable_that_is_not_utf_8_is_a_mistake_where_it_is_used(run_json: Run, tmp_path: Path) -> None:
    (tmp_path / "phoenix.yaml").write_text("version: 1\nproject: ${NAME}\n")
    code, result = run_json("validate", "-C", str(tmp_path), "--json", environment={"NAME": "caf\udce9"})
    assert code == 2
    assert "the environment variable NAME is not in UTF-8" in str(result)


def test_a_user_whose_name_is_not_utf_8_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "j\udcfcrgen")
    assert ownership.user() == "j\ufffdrgen"


def test_a_shell_without_completion_is_an_ordinary_mistake(run_json: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: None)
    code, result = run_json("--show-completion", "--json")
    assert (code, result["error"]["brief"]) == (2, "there is no completion for this shell")
