"""A real process, ended by real signals: every `finally` runs, once, and the exit code says why."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.real.machines import until

CHILD = """
import signal, sys
from types import ModuleType
from phoenix.cli import app, contents
from phoenix.cli.command import command, command_app

module = ModuleType("phoenix.cli.waiting")
module.app = command_app()

@command(module.app, "phoenix waiting")
def waiting():
    "Wait."
    try:
        print("waiting", flush=True)
        signal.pause()
    finally:
        print("putting back", flush=True)
        sys.stdin.readline()
        print("put back", flush=True)

sys.modules["phoenix.cli.waiting"] = module
app.TABLE = (*contents.TABLE, contents.Entry(name="waiting", help="Wait.", panel="Start"))
sys.exit(app.run(["waiting"]))
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_unwinds_and_a_second_one_does_not_break_that_off(
    child: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    child.send_signal(number)
    assert child.stdout.readline() == "putting back\n"
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    child.stdin.write("go on\n")
    out, err = child.communicate(timeout=30)
    assert out == "put back\n"
    assert child.returncode == code
    assert err.startswith(f"error: ended by {number.name}\n")


def caught(process: int) -> int:
    """The signals that the process catches, as the kernel has them."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_signal_while_the_program_is_still_read_is_told_in_json(number: signal.Signals) -> None:
    words = [sys.executable, "-m", "phoenix", "status", "--json", "-C", "/nonexistent"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until("its handler", lambda: caught(process.pid) >> (number - 1) & 1)  # the first that it does
        process.send_signal(number)
        out, _said = process.communicate()
    result = json.loads(out)
    assert (process.returncode, result["ok"], result["error"]["code"]) == (128 + number, False, 128 + number)
