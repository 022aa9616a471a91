"""The door to other programs: what comes back of one, what is never written down, and that its end is the end of all.

Nothing here is measured: a program that is to be ended would run for hours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.errors import RefusedError, ToolError
from phoenix.tools import process_output
from phoenix.tools.process import Command, ProcessId, require, run, running, spawn
from phoenix.tools.process_output import scrub
from tests.support.real.machines import until

FOREVER = "exec sleep 9000"


def shell(script: str, **more: object) -> Command:
    return Command(argv=("/bin/bash", "-c", script), **more)  # type: ignore[arg-type]


def process_of(file: Path) -> ProcessId | None:
    """The process whose number stands in the file, None where it has ended."""
    return ProcessId.of(int(file.read_text()))


def written(file: Path) -> bool:
    """Whether the whole line is there."""
    return file.exists() and file.read_text().endswith("\n")


# what comes back


def test_both_streams_come_line_by_line_and_stay_apart(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "log"
    log.write_text("before\n")
    done = run(shell("echo one; echo two >&2; printf three"), timeout=60, log=log, on_line=lines.append)
    assert (done.code, done.stdout, done.stderr) == (0, "one\nthree", "two")
    assert sorted(lines) == ["one", "three", "two"]
    assert sorted(log.read_text().splitlines()) == ["before", "one", "three", "two"], "appended"


def test_directory_environment_and_input_reach_it(tmp_path: Path) -> None:
    done = run(
        shell('pwd; echo "$WORD"; cat', cwd=tmp_path, environment={"WORD": "a b"}, stdin=b"in\n" * 50_000), timeout=60
    )
    assert done.stdout.splitlines()[:2] == [str(tmp_path), "a b"]
    assert done.stdout.count("in") == 50_000


def test_a_program_may_answer_before_it_has_read_all() -> None:
    assert len(run(shell("cat", stdin=b"0123456789abcde\n" * 100_000), timeout=60).stdout) == 1_600_000 - 1


def test_without_input_it_gets_none_and_whoever_does_not_read_it_is_no_error() -> None:
    assert run(shell("cat"), timeout=60).stdout == ""
    assert run(shell("exec true", stdin=b"x" * 1_000_000), timeout=60).code == 0


def test_what_is_no_text_is_text_all_the_same() -> None:
    assert run(shell(r"printf 'a\xff\xfeb\r\n'"), timeout=60).stdout == "a��b"


def test_a_failure_is_told_with_the_last_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ToolError, match=r"bash failed \(exit 7\)") as caught:
        run(shell("seq 100 >&2; exit 7"), timeout=60, log=log)
    shown = caught.value.details.splitlines()
    assert shown[1:] == [str(number) for number in range(86, 101)]
    assert str(log) in caught.value.resolution
    assert run(shell("exit 7"), timeout=60, check=False).code == 7


def test_of_a_program_that_never_stops_talking_the_beginning_and_the_end_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_output, "KEPT", 500)
    monkeypatch.setattr(process_output, "LAST", 3)
    log, heard = tmp_path / "log", list[str]()
    done = run(shell("seq 1000 1999; exit 3"), timeout=60, log=log, on_line=heard.append, check=False)
    first = [str(number) for number in range(1000, 1100)]
    gap = "(897 lines left out: it has printed more than 500 characters)"
    assert done.stdout.splitlines() == [*first, gap, "1997", "1998", "1999"]
    assert log.read_text() == f"{done.stdout}\n"
    assert len(heard) == 1000, "who listens hears all of it"


def test_a_program_that_is_missing_is_a_refusal() -> None:
    missing = Command(argv=("phoenix-no-such-program",))
    with pytest.raises(RefusedError, match="phoenix-no-such-program"):
        run(missing, timeout=60)
    with pytest.raises(RefusedError) as caught:
        require("phoenix-no-such-program", "nowhere")
    assert "nowhere" in caught.value.resolution


# secrets


def test_a_secret_is_in_nothing_that_is_written_or_told(tmp_path: Path) -> None:
    secret, log = "p@ss word", tmp_path / "log"
    lines: list[str] = []
    with pytest.raises(ToolError) as caught:
        run(
            shell(
                'echo "it is $SECRET"; echo "$SECRET$SECRET" >&2; exit 3',
                environment={"SECRET": secret},
                secrets=(secret, ""),
            ),
            timeout=60,
            log=log,
            on_line=lines.append,
        )
    assert sorted(lines) == ["******", "it is ***"]
    told = caught.value
    for text in (log.read_text(), told.brief, told.details, told.resolution):
        assert secret not in text
    assert "******" in told.details


def test_a_secret_is_in_no_error_of_a_program_that_hangs() -> None:
    with pytest.raises(ToolError) as caught:
        run(shell(f"echo hunter2; {FOREVER}", secrets=("hunter2",)), timeout=0.5, grace=0.2)
    assert caught.value.details.endswith("last line: ***")
    assert "hunter2" not in caught.value.details


def test_nothing_is_scrubbed_where_there_is_no_secret() -> None:
    assert scrub("abc", ("", "b", "x")) == "a***c"
    assert scrub("abc", ("",)) == "abc"


# its end


def test_whoever_is_silent_is_ended_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="did not end in time") as caught:
        run(shell(f"echo $$ > {tmp_path}/pid; {FOREVER}"), timeout=0.5, grace=0.2)
    assert "last line: nothing" in caught.value.details
    assert process_of(tmp_path / "pid") is None


def test_whoever_closes_its_streams_and_goes_on_is_ended_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="did not end in time"):
        run(shell(f"echo $$ > {tmp_path}/pid; exec >&- 2>&-; {FOREVER}"), timeout=0.5, grace=0.2)
    assert process_of(tmp_path / "pid") is None


def test_whoever_talks_without_an_end_is_ended_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="did not end in time"):
        run(shell(f"echo $$ > {tmp_path}/pid; exec yes"), timeout=0.5, grace=0.2)
    assert process_of(tmp_path / "pid") is None


def test_children_that_ignore_the_signal_end_with_their_leader(tmp_path: Path) -> None:
    """The leader dies of SIGTERM at once; its child does not even listen."""
    child = tmp_path / "child"
    script = f"(trap '' TERM INT; echo $BASHPID > {child}; {FOREVER}) & wait"
    with pytest.raises(ToolError):
        run(shell(script), timeout=0.7, grace=0.3)
    assert process_of(child) is None


def test_it_may_finish_what_it_does_before_it_is_killed(tmp_path: Path) -> None:
    script = f"trap 'echo saved > {tmp_path}/saved; exit' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"

    def between() -> None:
        if (tmp_path / "ready").exists():
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(shell(script), timeout=600, between=between)
    assert (tmp_path / "saved").read_text() == "saved\n"


def test_where_between_raises_the_program_is_ended(tmp_path: Path) -> None:
    """So a process that has lost its lease does not leave a bake behind."""
    rounds = []

    def between() -> None:
        rounds.append(written(tmp_path / "pid"))
        if rounds[-1]:
            raise LookupError("the lease is lost")

    with pytest.raises(LookupError, match="the lease is lost"):
        run(shell(f"echo $$ > {tmp_path}/pid; {FOREVER}"), timeout=600, between=between)
    assert process_of(tmp_path / "pid") is None


def test_between_is_called_while_nothing_is_said() -> None:
    rounds: list[int] = []
    run(shell("read -r -t 2.5 <> <(:) || true"), timeout=600, between=lambda: rounds.append(1))
    assert len(rounds) >= 3, "once at first, then at least every second of its 2.5"


def test_one_that_runs_beside_ends_with_the_block(tmp_path: Path) -> None:
    with running(shell(f"echo $$; {FOREVER}"), log=tmp_path / "log") as beside:
        until("its first line", lambda: written(tmp_path / "log"))
        assert beside.code() is None
        leader = process_of(tmp_path / "log")
    assert leader is not None
    assert not leader.alive
    with running(shell("exit 5"), log=tmp_path / "log") as beside:
        until("its end", lambda: beside.code() is not None)
        assert beside.code() == 5


def test_one_that_was_spawned_lives_on_with_the_descriptors_it_was_given(tmp_path: Path) -> None:
    ready, said = os.pipe()
    pid = spawn(shell(f"echo hello >&{said}; {FOREVER}"), log=tmp_path / "log", keep=(said,))
    os.close(said)
    with os.fdopen(ready) as stream:
        assert stream.readline() == "hello\n"
    process = ProcessId.of(pid)
    assert process is not None
    process.end()
    assert not process.alive
    process.end()


PHOENIX = """
import sys
from pathlib import Path
from phoenix.tools.process import Command, run
run(Command(argv=("/bin/bash", "-c", sys.argv[1]), contained=sys.argv[2] == "contained"), timeout=600)
"""


@pytest.mark.parametrize("how", ["contained", "plain"])
def test_a_program_ends_with_a_phoenix_that_is_killed(tmp_path: Path, how: str) -> None:
    """Contained, whatever it has started ends, too; else the program itself, by the kernel's hand."""
    script = f"sleep 9001 & echo $! > {tmp_path}/child.new; readlink /proc/self > {tmp_path}/seen; echo x; {FOREVER}"
    with subprocess.Popen([sys.executable, "-c", PHOENIX, script, how]) as phoenix:
        until("what it starts", lambda: written(tmp_path / "seen"))
        started = [ProcessId.of(pid) for pid in descendants(phoenix.pid)]
        phoenix.send_signal(signal.SIGKILL)
    assert len(started) >= 2
    if how == "contained":
        until("the end of all", lambda: not any(each and each.alive for each in started))
    else:
        leader = started[0]
        until("the end of the program", lambda: leader is not None and not leader.alive)
        for each in started:
            if each is not None:
                each.end()


def descendants(pid: int) -> list[int]:
    """Every process that this one, and what it has started, has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def test_a_contained_program_sees_its_own_processes_only_and_its_mounts_go(tmp_path: Path) -> None:
    script = f'mount -t tmpfs tmpfs {tmp_path}; touch {tmp_path}/inside; echo "$$ $(ls -d /proc/[0-9]* | wc -l)"'
    done = run(shell(script, contained=True), timeout=60)
    number, seen = map(int, done.stdout.split())
    assert number < 10, "its own numbers"
    assert seen < 10, "and no process of the computer"
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


# which process it is


def test_a_process_is_told_from_every_other() -> None:
    here = ProcessId.of(os.getpid())
    assert here is not None
    assert here.alive
    reused = ProcessId(pid=here.pid, started=here.started + 1, boot=here.boot)
    assert not reused.alive
    reused.end(grace=0.1)
    assert here.alive, "nobody was signalled"


def test_a_dead_process_that_nobody_has_waited_for_is_dead() -> None:
    with subprocess.Popen(["true"]) as child:
        until("its death", lambda: ProcessId.of(child.pid) is None)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("ulimit -f 1; exec head -c 5000 /dev/zero > {}", r"bash was ended by SIGXFSZ: .*\(ulimit -f\)"),
        ("kill -9 $$", "bash was ended by SIGKILL: by somebody, or by the kernel where memory ran out"),
        ("kill -SEGV $$", "bash was ended by SIGSEGV\n"),
    ],
)
def test_a_program_that_a_signal_ended_says_which_and_what_that_means(tmp_path: Path, script: str, told: str) -> None:
    with pytest.raises(ToolError, match=told):
        run(shell(script.format(tmp_path / "file")), timeout=60)


# what a kept program leaves


def test_a_kept_program_is_itself_and_its_exit_code_is_its_own(tmp_path: Path) -> None:
    done = run(shell("echo here; echo there >&2; cat; exit 7", kept=True, stdin=b"in"), timeout=60, check=False)
    assert (done.code, done.stdout, done.stderr) == (7, "here\nin", "there")
    assert run(shell("kill -9 $$", kept=True), timeout=60, check=False).code == 137
    assert run(shell("no-such-program", kept=True), timeout=60, check=False).code == 127


LEAVES = 'setsid bash -c "echo \\$\\$ > {own}; exec sleep 9000" & sleep 9000 & echo $! > {same}; '


def test_what_a_kept_program_left_ends_with_it_and_is_named(tmp_path: Path) -> None:
    own, same = tmp_path / "own", tmp_path / "same"
    script = LEAVES.format(own=own, same=same) + f"while [ ! -s {own} ]; do :; done; echo done"
    done = run(shell(script, kept=True), timeout=600)
    assert (process_of(own), process_of(same)) == (None, None)
    assert done.stdout == "done"
    assert "left running: " in done.stderr
    assert done.stderr.count("sleep 9000") == 2


def test_what_a_kept_program_started_ends_at_its_time_limit(tmp_path: Path) -> None:
    own, same = tmp_path / "own", tmp_path / "same"
    with pytest.raises(ToolError, match="did not end in time"):
        run(shell(LEAVES.format(own=own, same=same) + FOREVER, kept=True), timeout=2)
    assert (process_of(own), process_of(same)) == (None, None)


def test_what_a_kept_program_started_ends_with_a_phoenix_that_is_killed(tmp_path: Path) -> None:
    own, same = tmp_path / "own", tmp_path / "same"
    script = LEAVES.format(own=own, same=same) + FOREVER
    run_it = "run(Command(argv=('bash', '-c', sys.argv[1]), kept=True), timeout=900)"
    program = f"import sys; from phoenix.tools.process import Command, run; {run_it}"
    with subprocess.Popen([sys.executable, "-c", program, script]) as phoenix:
        until("its children", lambda: written(own) and written(same))
        there = (process_of(own), process_of(same))
        phoenix.kill()
    assert all(there)
    until("their end", lambda: not any(each and each.alive for each in there))


def test_a_lease_is_kept_while_a_program_finishes_what_it_does() -> None:
    calls = []

    def renew() -> None:
        calls.append(1)
        if len(calls) > 1:
            raise RefusedError("somebody asked to abort")

    slow = "trap 'sleep 1; exit 0' INT; while true; do sleep 0.1; done"
    with pytest.raises(RefusedError, match="asked to abort"):
        run(shell(slow, ends_on=signal.SIGINT), timeout=60, between=renew)
    assert len(calls) > 5


FINISHES = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
def asked(*_signal):
    for stream in (sys.stdout, sys.stderr):
        print("last words", file=stream, flush=True)
    Path(sys.argv[1]).write_text("saved\\n")
    sys.exit(0)
signal.signal(signal.SIGINT, asked)
Path(sys.argv[2]).write_text("started\\n")
time.sleep(9000)
"""


def test_a_program_that_finishes_says_its_last_words_though_phoenix_was_killed(tmp_path: Path) -> None:
    saved, started = tmp_path / "saved", tmp_path / "started"
    argv = (sys.executable, "-c", FINISHES, str(saved), str(started))
    run_it = f"run(Command(argv={argv!r}, finishes=True, ends_on=signal.SIGINT), timeout=900)"
    program = f"import signal; from phoenix.tools.process import Command, run; {run_it}"
    with subprocess.Popen([sys.executable, "-c", program]) as phoenix:
        until("its start", lambda: written(started))
        phoenix.kill()
    until("what it saves", lambda: written(saved))


def test_a_program_that_finishes_is_heard_to_its_end() -> None:
    done = run(shell("echo one; echo two >&2; exit 3", finishes=True), timeout=60, check=False)
    assert (done.code, done.stdout, done.stderr) == (3, "one", "two")
