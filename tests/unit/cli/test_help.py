"""Every command helps: a summary and an example, and the list of commands costs next to nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from phoenix.cli.app import app, load_command, run
from phoenix.cli.contents import TABLE

HEAVY = ("yaml", "pydantic", "jinja2", "boto3", "botocore", "google", "httpx", "python_terraform", "phoenix.clouds")
BOXES = ("rich.console", "rich.markdown", "rich.panel", "pygments")
"""What typer loads for a page of its own."""

SDKS = ("boto3", "botocore", "google", "python_terraform", "obstore", "phoenix.clouds.local")


def commands() -> Iterator[tuple[str, Any]]:
    for entry in TABLE:
        yield from below(entry.name, load_command(entry.name))


def below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command, or all that are below the group."""
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from below(f"{path} {name}", each)
    else:
        yield path, command


ALL = dict(commands())


def test_the_table_has_every_command_that_has_a_file() -> None:
    folder = Path(sys.modules["phoenix.cli"].__path__[0])
    with_app = {file.stem for file in folder.glob("*.py") if "\napp = " in file.read_text()} - {"app"}
    assert with_app == {entry.name for entry in TABLE}


@pytest.mark.parametrize("path", ALL)
def test_every_command_shows_an_example_of_itself(path: str) -> None:
    first, *lines = ALL[path].epilog.splitlines()
    assert first in {"Example:", "Examples:"}
    assert lines
    assert all(line.strip().startswith("phoenix ") for line in lines)
    words = path.split()
    assert any(f"phoenix {path}" in line or all(word in line.split() for word in words) for line in lines)


@pytest.mark.parametrize("path", ALL)
def test_every_command_says_what_it_does(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ALL[path].help
    assert run([*path.split(), "--help"]) == 0
    page = capsys.readouterr().out
    assert "Example" in page
    for option in ("--project", "--json", "--verbose", "--quiet", "--no-color", "--version"):
        assert option in page


@pytest.mark.parametrize("path", ALL)
def test_every_option_and_argument_is_explained(path: str) -> None:
    context = ALL[path].make_context(path, [], resilient_parsing=True)
    unexplained = [p.name for p in ALL[path].get_params(context) if not getattr(p, "help", None)]
    assert unexplained == []


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    page = capsys.readouterr().out
    for entry in TABLE:
        assert f"{entry.name} " in page


def test_the_help_imports_nothing_heavy() -> None:
    program = "import sys; from phoenix.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert [name for name in (*HEAVY, *BOXES) if name in loaded] == []


def test_a_page_has_its_sections_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "--help"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line and line[0].isalpha()]
    assert headings[0].startswith("Usage: phoenix logs [OPTIONS] ")
    assert headings[1:] == ["Arguments:", "Options:", "Everywhere:", "Examples:"]
    assert run([]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line and line[0].isalpha()]
    panels = list(dict.fromkeys(f"{entry.panel}:" for entry in TABLE))
    assert headings[1:] == ["Options:", *panels, "Everywhere:", "Begin with:"]


def test_what_is_said_on_the_command_line_is_read_without_pydantic(tmp_path: Path) -> None:
    program = (
        "import sys; from phoenix.cli.app import run\n"
        f"code = run(['validate', '-C', {str(tmp_path)!r}, '-v', '--json'])\n"
        "print(code, 'pydantic' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "there is no phoenix.yaml in" in done.stdout
    assert done.stderr.split()[-2:] == ["2", "False"]


def test_a_number_is_read_and_checked_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "list", "--limit", "many"]) == 2
    assert "--limit" in capsys.readouterr().err


def test_importing_every_command_chooses_no_cloud() -> None:
    """A command's file is loaded when it is used, and what it needs with it; a cloud's SDK when a cloud is chosen."""
    program = (
        "import sys; from phoenix.cli.app import TABLE, load_command\n"
        "for entry in TABLE: load_command(entry.name)\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "pydantic" in loaded
    assert [name for name in SDKS if name in loaded] == []


def test_completion_knows_commands_and_options() -> None:
    def complete(words: str, number: int) -> list[str]:
        environment = {"_PHOENIX_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
        argv = [sys.executable, "-m", "phoenix"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, env=environment)
        return done.stdout.split()

    assert complete("phoenix vali", 1) == ["validate"]
    assert "--json" in complete("phoenix validate --", 2)


def test_completion_is_offered_for_the_shells(capsys: pytest.CaptureFixture[str]) -> None:
    root = typer.main.get_command(app)
    names = [option for parameter in root.params for option in parameter.opts]
    assert {"--install-completion", "--show-completion"} <= set(names)
