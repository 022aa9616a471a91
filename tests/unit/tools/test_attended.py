"""A program that a person uses: its exit code is told, what is typed is its own, and it ends with who waits for it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.tools import attended

WAITS = """
import sys
from phoenix.cli import signals
from phoenix.errors import Terminated
from phoenix.tools import attended
try:
    with signals.as_exceptions():
        print("code", attended.run(("/bin/sh", "-c", sys.argv[1])), flush=True)
except Terminated as ended:
    print("ended by", ended.signal_number, flush=True)
"""


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_its_exit_code_is_told(script: str, code: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert attended.run(("/bin/sh", "-c", script)) == code
    assert signal.getsignal(signal.SIGINT) is before


def test_a_pipe_that_nobody_reads_ends_it() -> None:
    assert attended.run(("/bin/bash", "-c", "yes | true; exit ${PIPESTATUS[0]}")) == 128 + signal.SIGPIPE


def test_what_is_typed_at_the_terminal_is_for_the_program_alone() -> None:
    ours, theirs = pty.openpty()
    script = "trap 'echo heard; exit 5' INT; echo ready; while :; do sleep 0.05; done"
    argv = (sys.executable, "-c", WAITS, script)
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = _read(ours, b"ready")
        os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C is: a signal to all in the foreground
        shown += _read(ours, b"code 5")
        assert process.wait(timeout=30) == 0
    os.close(ours)
    assert b"heard" in shown
    assert b"Traceback" not in shown


def test_it_ends_with_who_waits_for_it(tmp_path: Path) -> None:
    script = f"echo $$ > {tmp_path}/pid; echo ready; exec sleep 1000"
    with subprocess.Popen((sys.executable, "-c", WAITS, script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.read() == f"ended by {signal.SIGTERM.value}\n"
        process.wait(timeout=30)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def _read(terminal: int, until: bytes) -> bytes:
    shown = b""
    while until not in shown:
        shown += os.read(terminal, 1000)
    return shown
