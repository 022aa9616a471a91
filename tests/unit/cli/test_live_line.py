"""What a terminal shows of a long step: for how long it goes on, and the item under way."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from phoenix.cli.progress import LiveLine, Progress


def shown(line: LiveLine, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(line)
    return capture.get().rstrip()


def test_it_counts_the_seconds_of_what_goes_on_and_shows_the_item() -> None:
    moment = [100.0]
    line = LiveLine(now=lambda: moment[0])
    assert shown(line) == "0 s"
    moment[0] = 142.4
    line.item = "TASK [nodejs : install packages]"
    assert shown(line) == "42 s  TASK [nodejs : install packages]"
    line.begin()
    assert shown(line) == "0 s", "something else goes on now"


def test_a_step_counts_from_its_beginning_beside_the_last_time() -> None:
    moment = [100.0]
    line = LiveLine(now=lambda: moment[0])
    line.begin("build", "; last time 31s")
    moment[0] = 112.0
    line.begin("build")
    line.item = "TASK [os : packages]"
    assert shown(line) == "12 s; last time 31s  TASK [os : packages]", "what is said within it is no other step"
    line.begin("verify")
    assert shown(line) == "0 s"


def test_it_is_one_line_however_narrow_the_terminal() -> None:
    line = LiveLine(now=lambda: 7.0)
    line.item = "word " * 40
    assert len(shown(line, width=40).splitlines()) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_tools_own_line_is_no_other_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `-v` each is shown as it comes; the step goes on counting."""
    progress, begun = Progress(verbosity=1, stderr=Terminal()), list[str]()
    progress.say("build ...", step="build", last_time=31)
    monkeypatch.setattr(LiveLine, "begin", lambda _line, step="", _last="": begun.append(step))
    progress.detail("TASK [os : packages]")
    assert begun == []
    progress.say("build: 3 of 7", step="build")
    assert begun == ["build"]
    progress.quiet_down()
