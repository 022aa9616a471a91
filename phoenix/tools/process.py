"""The only door to other programs: run one and wait, keep one running beside, or start one that outlives this process.

A program that is waited for runs in a session of its own and ends with this process, however that ends:
Ctrl-C and SIGTERM end the whole session, `kill -9` of phoenix is passed on by the kernel (parent-death
signal). With `contained=True` it runs in a process and mount namespace of its own too, so that everything
it started, and every mount it made, is gone when it is.
"""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import IO

from phoenix.clock import SystemClock
from phoenix.errors import RefusedError, ToolError
from phoenix.tools.process_output import Output, scrub
from phoenix.tools.process_pipes import Input, streams
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""
_MEANS = {
    signal.SIGXFSZ: ": a file grew larger than this user's limit allows (ulimit -f)",
    signal.SIGXCPU: ": it used more processor time than this user's limit allows (ulimit -t)",
    signal.SIGKILL: ": by somebody, or by the kernel where memory ran out (see dmesg)",
}
NOT_DECODED = "\ufffd"
"""What stands for bytes that a program printed and that are no UTF-8."""
ROUND = 1.0
"""Seconds of silence after which a program that is waited for is looked at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A program with its arguments. Secrets never stand in `argv`: they travel in `environment` or `stdin`."""

    argv: tuple[str, ...]
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's own environment."""
    stdin: bytes = b""
    secrets: tuple[str, ...] = ()
    """Values that are replaced by `***` wherever the program prints them."""
    contained: bool = False
    kept: bool = False
    """Nothing that it starts outlives it, whatever sessions that begins; it sees the computer as it is (`keeper`)."""
    ends_on: signal.Signals = signal.SIGTERM
    """What its session is sent where it is to end before it has done its work."""
    finishes: bool = False
    """Where this process dies, it is sent `ends_on` alone, and comes to its own end, though nobody listens any more."""

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a program ended and what it printed."""

    command: Command
    code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines it printed, for an error's details."""
        lines = [line for line in (self.stderr.strip() or self.stdout.strip()).splitlines() if line.strip()]
        return "\n".join(lines[-15:])


def require(program: str, package: str) -> str:
    """The path of `program`; RefusedError naming the Debian package that has it."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise RefusedError(
            f"the program '{program}' is missing",
            details=f"it is in Debian's package {package}",
            resolution=f"Install it (apt-get install {package}, or `make setup`), then try again.",
        )
    return path


def run(
    command: Command,
    *,
    timeout: float,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    between: Callable[[], None] | None = None,
    check: bool = True,
    grace: float = GRACE,
) -> Completed:
    """Run `command` to its end. Both streams go line by line to `log` and `on_line`, secrets replaced.

    `between` is called every second or so (a lease is renewed there); where it raises, the program is ended.
    A program that is ended has `grace` seconds between SIGTERM (or what ends it) and SIGKILL.
    Raises ToolError after `timeout` seconds, and where `check` on an exit code other than 0.
    """
    process = _popen(wrapped(command), command)
    try:
        output = Output(command.secrets, log, on_line)
        try:
            _collect(process, command, output, time.monotonic() + timeout, between)
        finally:
            output.close()
    except BaseException:
        end_session(process.pid, grace=grace, first=command.ends_on, meanwhile=between)
        process.wait()
        raise
    finally:
        _close(process)
    done = Completed(command=command, code=process.returncode, stdout=output.text(0), stderr=output.text(1))
    if check and done.code != 0:
        raise failed(done, log)
    return done


def failed(done: Completed, log: Path | None = None) -> ToolError:
    """The error of a program that ended so: by its exit code, or by the signal that ended it and what that means."""
    number = signal.Signals(-done.code) if done.code < 0 else None
    how = f"was ended by {number.name}{_MEANS.get(number, '')}" if number else f"failed (exit {done.code})"
    return ToolError(
        f"{Path(done.command.argv[0]).name} {how}",
        details=f"{scrub(str(done.command), done.command.secrets)}\n{done.tail}".rstrip(),
        resolution=f"The whole output is in {log}." if log else "",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A program that runs beside this process."""

    pid: int
    code: Callable[[], int | None]
    """Its exit code, or None while it runs."""
    ask_to_end: Callable[[], None]
    """Sends SIGTERM to its session, and waits for nothing."""


@contextmanager
def running(command: Command, *, log: Path, grace: float = GRACE) -> Iterator[Running]:
    """Keep `command` running while this holds; its output is appended to `log`. It has no input.

    At the end its whole session ends, within `grace` seconds, and at once whenever this process dies.
    """
    with log.open("ab") as out:
        process = _popen(wrapped(command), command, output=out)
    try:
        yield Running(pid=process.pid, code=process.poll, ask_to_end=partial(_terminate, process.pid))
    finally:
        if process.poll() is None:
            end_session(process.pid, grace=grace)
        process.wait()


def _terminate(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGTERM)


def spawn(command: Command, *, log: Path, keep: tuple[int, ...] = ()) -> int:
    """Start a program that outlives this process; its output is appended to `log`. Gives its process id.

    It inherits the file descriptors `keep`, under their numbers.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep,
        )
    process.returncode = 0  # it is meant to live on: no ResourceWarning when this object goes
    return process.pid


def end_session(
    leader: int,
    *,
    grace: float = GRACE,
    first: signal.Signals = signal.SIGTERM,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """End every process of the session that `leader` leads: `first`, then after `grace` seconds SIGKILL.

    `meanwhile` is called in the meantime; what it raises changes nothing any more.
    """
    for number in (first, signal.SIGKILL):
        try:
            os.killpg(leader, number)
        except ProcessLookupError:
            return
        if _ends(lambda: not _group_lives(leader), within=grace, meanwhile=meanwhile):
            return


def _ends(ended: Callable[[], bool], *, within: float, meanwhile: Callable[[], None] | None = None) -> bool:
    """Whether `ended` becomes true within so many seconds."""

    def look() -> Look:
        if meanwhile:
            with suppress(Exception):
                meanwhile()
        return Look(verdict=Verdict.PASS if ended() else Verdict.UNKNOWN, seen="it still runs")

    try:
        wait_for("the end of a process", look, clock=SystemClock(), deadline=within, interval=0.02)
    except DeadlineError:
        return False
    return True


def _group_lives(leader: int) -> bool:
    """Whether anything of the group runs, its leader or what that has started."""
    with suppress(ChildProcessError):
        os.waitpid(leader, os.WNOHANG)  # a dead one that nobody has waited for would count as alive
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def wrapped(command: Command) -> tuple[str, ...]:
    """The words that run `command` so that it ends with this process."""
    ends = "TERM" if command.kept else command.ends_on.name.removeprefix("SIG") if command.finishes else "KILL"
    program: tuple[str, ...] = (require("setpriv", "util-linux"), "--pdeathsig", ends, "--")
    if command.kept:
        program += (sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py")))
    if command.contained:
        user = () if os.geteuid() == 0 else ("--user", "--map-auto", "--map-root-user")
        program += ("unshare", *user, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
    return (*program, *command.argv)


def _popen(argv: tuple[str, ...], command: Command, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start `argv` as `command` says. Both streams go to `output`, or to pipes where there is none."""
    if shutil.which(command.argv[0]) is None:
        raise RefusedError(
            f"the program '{command.argv[0]}' is missing",
            details="it is not on PATH",
            resolution="Run `phoenix doctor` to see which package has it.",
        )
    if command.finishes and not output:
        with streams() as pipes:
            process = _start(argv, command, pipes.writes, keep=pipes.reads)
        process.stdout, process.stderr = pipes.files()
        return process
    return _start(argv, command, (output or subprocess.PIPE,) * 2)


def _start(
    argv: tuple[str, ...], command: Command, out: tuple[int | IO[bytes], int | IO[bytes]], keep: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        cwd=command.cwd,
        env={**os.environ, **command.environment},
        stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
        stdout=out[0],
        stderr=out[1],
        start_new_session=True,
        pass_fds=keep,
    )


def _collect(
    process: subprocess.Popen[bytes],
    command: Command,
    output: Output,
    deadline: float,
    between: Callable[[], None] | None,
) -> None:
    """Write its input and read both streams until they end; then wait for the process."""
    with selectors.DefaultSelector() as selector:
        for stream, pipe in enumerate((process.stdout, process.stderr)):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ, stream)
        Input(process.stdin, command.stdin).register(selector)
        while selector.get_map():
            if between:
                between()
            for key, _events in selector.select(timeout=max(0.0, min(ROUND, deadline - time.monotonic()))):
                if isinstance(key.data, Input):
                    key.data.write(selector)
                    continue
                chunk = os.read(key.fd, 65536)
                output.take(key.data, chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if time.monotonic() >= deadline:
                raise _too_long(command, output)
    try:
        process.wait(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise _too_long(command, output) from error


def _too_long(command: Command, output: Output) -> ToolError:
    return ToolError(
        f"{Path(command.argv[0]).name} did not end in time and was ended",
        details=f"{scrub(str(command), command.secrets)}\nlast line: {output.last_line}",
        resolution="See why it hangs; try again where the machine was only slow.",
    )


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessId:
    """A process told from every other that ever was: its number, its start and the boot it belongs to."""

    pid: int
    started: int
    """Clock ticks after boot, /proc/PID/stat field 22."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The identity of the process that has number `pid` now; None where there is none (or a dead one unreaped)."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid=pid, started=int(fields[19]), boot=boot_id())

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return ProcessId.of(self.pid) == self

    def end(self, *, grace: float = GRACE) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds, to exactly this process; gone is done."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.alive:
                try:
                    os.kill(self.pid, number)
                except ProcessLookupError:
                    return
            if _ends(lambda: not self.alive, within=grace):
                return


@cache
def boot_id() -> str:
    """The kernel's own name for the time since this computer was started."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
