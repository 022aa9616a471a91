"""What is said where: progress and errors on stderr, one result on stdout."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress

import pytest

from phoenix.cli.output import Output
from phoenix.cli.text.table import table
from phoenix.errors import RefusedError


class Said:
    """An Output on two buffers."""

    def __init__(self, *, json: bool = False, verbosity: int = 0, terminal: bool = False) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        if terminal:
            self.stderr.isatty = lambda: True  # type: ignore[method-assign]
        self.out = Output(json=json, verbosity=verbosity, stdout=self.stdout, stderr=self.stderr)

    @property
    def result(self) -> str:
        return self.stdout.getvalue()

    @property
    def progress(self) -> str:
        return self.stderr.getvalue()


def test_progress_without_a_terminal_is_lines_with_the_time() -> None:
    said = Said()
    said.out.say("one\ntwo")
    stamp = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
    assert re.fullmatch(rf"{stamp} one\n{stamp} two\n", said.progress)
    assert said.result == ""


def test_progress_on_a_terminal_has_the_seconds_and_the_tools_last_line() -> None:
    said = Said(terminal=True)
    said.out.say("baking [os/debian-12]")
    said.out.detail("Unpacking [red]libc6[/red]")
    said.out.result({}, "done")
    assert re.search(r" 0\.[0-9] s {2}baking \[os/debian-12\]", said.progress)
    assert said.result == "done\n"


@pytest.mark.parametrize(("verbosity", "lines"), [(-1, 0), (0, 1), (1, 2)])
def test_quiet_and_verbose(verbosity: int, lines: int) -> None:
    said = Said(verbosity=verbosity)
    said.out.say("a step")
    said.out.detail("what a tool says")
    assert said.progress.count("\n") == lines


def test_warnings_are_told_even_when_quiet() -> None:
    said = Said(verbosity=-1)
    said.out.warn("look at this")
    assert "warning: look at this" in said.progress


def test_one_result() -> None:
    said = Said(json=True)
    said.out.result({"a": 1}, "not shown")
    assert json.loads(said.result) == {"ok": True, "a": 1}
    with pytest.raises(AssertionError, match="one result"):
        said.out.result({}, "")


def test_a_table_is_aligned_and_never_cut() -> None:
    wide = "x" * 300
    said = Said()
    said.out.result({}, table("name", "version", rows=[("hello", "1.0.0"), (wide, 2)]))
    header, first, second = said.result.splitlines()
    assert header == "NAME" + " " * 298 + "VERSION"
    assert first == "hello" + " " * 297 + "1.0.0"
    assert second == f"{wide}  2"


def test_a_cell_is_one_line() -> None:
    assert str(table("name", "detail", rows=[("one", "a\nb")])) == "NAME  DETAIL\none   a b"


def test_a_table_without_rows_is_its_header() -> None:
    assert str(table("name", "version", rows=[])) == "NAME  VERSION"


def test_nobody_is_asked_without_a_terminal() -> None:
    Said().out.confirm("Burn it?", assume_yes=False)


ASK = """
import sys
from phoenix.cli.output import Output
from phoenix.errors import RefusedError
try:
    Output().confirm("Burn it?", assume_yes="--yes" in sys.argv)
    print("burnt")
except RefusedError as error:
    print(error.brief)
"""


def ask(*args: str, answer: str = "") -> tuple[str, str]:
    """Ask at a real terminal; what was said on stdout, and on the terminal."""
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-c", ASK, *args]
    with subprocess.Popen(argv, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        out, _ = process.communicate(timeout=30)
    shown = b""
    with suppress(OSError):  # EIO is how a terminal says that nobody holds its other end any more
        while chunk := os.read(ours, 1000):
            shown += chunk
    os.close(ours)
    return out.strip(), shown.decode()


@pytest.mark.parametrize(("answer", "said"), [("y\n", "burnt"), ("yes\n", "burnt"), ("n\n", "not confirmed")])
def test_at_a_terminal_somebody_is_asked(answer: str, said: str) -> None:
    out, shown = ask(answer=answer)
    assert out == said
    assert "Burn it? [y/N]" in shown


def test_enter_alone_is_no() -> None:
    assert ask(answer="\n")[0] == "not confirmed"


def test_yes_is_not_asked() -> None:
    out, shown = ask("--yes", answer="x\n")
    assert out == "burnt"
    assert "Burn it?" not in shown


def test_an_error_at_a_terminal() -> None:
    said = Said(terminal=True)
    said.out.error(RefusedError("no [way]", details="one\ntwo", resolution="go"))
    assert "error: no [way]" in said.progress
    assert "  one\n  two\n  go\n" in said.progress


@pytest.mark.parametrize("args", ["'--help'", "'--version'"])
def test_a_reader_that_went_away_is_no_bug(args: str) -> None:
    program = f"import sys; from phoenix.cli.app import run; sys.stdin.readline(); sys.exit(run([{args}]))"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
