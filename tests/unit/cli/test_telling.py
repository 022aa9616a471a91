"""A failure to tell never ends or changes anything: a closed terminal, a full disk, no descriptors at all."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.cli.output import Output
from phoenix.errors import RefusedError
from phoenix.record.journal import RunState
from tests.support.fakes.desk import Desk

PHOENIX = f"{sys.executable} -m phoenix"


class Broken(io.StringIO):
    """A file that takes nothing."""

    def __init__(self, error: Exception, *, terminal: bool = False) -> None:
        super().__init__()
        self.error = error
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


ERRORS = [
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EBADF, "Bad file descriptor"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    ValueError("I/O operation on closed file"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__ + str(getattr(error, "errno", "")))
@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_that_is_told_raises(error: Exception, terminal: bool) -> None:
    out = Output(verbosity=1, stdout=Broken(error), stderr=Broken(error, terminal=terminal))
    out.say("a step")
    out.detail("what a tool says")
    out.warn("look at this")
    out.result({}, "done")
    out.error(RefusedError("no", details="because", resolution="do this"))
    out.quiet_down()


def test_a_result_that_cannot_be_printed_is_told_beside_it() -> None:
    said = io.StringIO()
    Output(stdout=Broken(ERRORS[1]), stderr=said).result({}, "done")
    assert "the result could not be printed: No space left on device" in said.getvalue()


def test_whoever_cannot_be_asked_has_not_said_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal was there when phoenix began, and is gone when it asks."""
    monkeypatch.setattr(sys, "stdin", Broken(ERRORS[0], terminal=True))
    out = Output(stdout=io.StringIO(), stderr=Broken(ERRORS[0], terminal=True))
    with pytest.raises(RefusedError, match="not confirmed"):
        out.confirm("Burn it?", assume_yes=False)


class ClosedLater(Broken):
    """A terminal that is closed as soon as a group stands."""

    def __init__(self, error: Exception, desk: Desk, group: str) -> None:
        super().__init__(error)
        self.desk, self.group = desk, group
        self.lost = 0

    def write(self, text: str) -> int:
        if self.group in self.desk.cloud.standing:
            self.lost += 1
            raise self.error
        return len(text)

    def flush(self) -> None:
        self.write("")


@pytest.mark.parametrize("error", ERRORS[:3], ids=lambda error: str(error.errno))
def test_the_way_back_is_walked_where_nobody_hears_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    desk.roll()
    before, candidate = desk.shares, "web-tier-local-v002"
    desk.cloud.broken_boot.add(candidate)
    terminal = ClosedLater(error, desk, candidate)
    monkeypatch.setattr(sys, "stderr", terminal)
    assert desk.roll("2.0.0", code=6)["state"] == "undone"
    assert terminal.lost > 3
    assert desk.history.runs()[0].state is RunState.UNDONE
    assert (desk.shares, candidate in desk.cloud.standing) == (before, False)


@pytest.mark.parametrize("error", ERRORS[:3], ids=lambda error: str(error.errno))
def test_a_roll_that_nobody_hears_of_goes_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(sys, "stderr", ClosedLater(error, desk, "web-tier-local-v001"))
    assert desk.roll()["state"] == "done"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "phoenix.yaml").write_text("version: 1\nproject: shop\n")
    return tmp_path


def shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    argv = ["/bin/sh", "-c", script]
    return subprocess.run(argv, cwd=directory, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("status --json >/dev/full", 0),
        ("status >/dev/full 2>/dev/full", 0),
        ("status -v 2>/dev/full", 0),
        ("status >&- 2>&- <&-", 0),
        ("status nobody --json >/dev/full", 2),
        ("status nobody 2>/dev/full", 2),
        ("status nobody --json >&- 2>&- <&-", 2),
        ("frobnicate >/dev/full 2>&1", 2),
        ("--version >/dev/full", 0),
    ],
)
def test_the_exit_code_tells_the_truth(project: Path, redirected: str, code: int) -> None:
    done = shell(f"{PHOENIX} {redirected}", project)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_what_phoenix_opens_never_takes_the_place_of_a_closed_descriptor(project: Path) -> None:
    """Else what is printed would be written into the state."""
    assert shell(f"{PHOENIX} run list >&- 2>&- <&-", project).returncode == 0
    done = shell(f"{PHOENIX} run list --json", project)
    assert json.loads(done.stdout) == {"ok": True, "runs": []}


def test_a_terminal_that_is_closed_while_phoenix_works(project: Path) -> None:
    program = (
        "import sys; from phoenix.cli import output, streams; out = output.Output();"
        "out.say('begun'); sys.stdin.readline();"
        "out.say('more'); out.warn('still'); print('worked on'); streams.settle()"
    )
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=theirs, text=True, cwd=project) as process:
        os.close(theirs)
        assert os.read(ours, 1000)
        os.close(ours)
        assert process.communicate("go\n", timeout=30)[0] == "worked on\n"
    assert process.returncode == 0
