"""Bakes in a light machine: `python -m phoenix.clouds.local.bake.light_program BAKE -- PROGRAM ...`.

It starts the machine, runs the program (ansible-playbook behind a fence, see `tools.fence`), lets it in through a door,
starts the machine anew where a task reboots it, and at the end stops it in good order and seals what its end has left.
It is the first process of process and mount namespaces of its own, so whatever it starts ends with it.

    scratch/stood    is there once the machine stood      scratch/sealed   once all is done
    scratch/lost     what went wrong beside the program: {"brief": ..., "details": ...}
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from phoenix.clock import SystemClock
from phoenix.clouds.local.bake import door
from phoenix.clouds.local.bake.light_machine import CHANGED, MARK, BakedMachine
from phoenix.clouds.local.machines import guest
from phoenix.errors import PhoenixError, ToolError
from phoenix.tools import ansible, mounts
from phoenix.tools.process import Command, ProcessId, wrapped
from phoenix.wait import DeadlineError, Look, Verdict, wait_for

STOOD, SEALED, LOST, DOOR = "stood", "sealed", "lost", "door"
POWER_OFF = signal.SIGRTMIN + 4
"""What systemd takes for `systemctl poweroff`."""
STOP_DEADLINE = 150.0
"""Seconds; systemd itself kills a service that does not end within 90."""
REBOOTS = 50
"""As often a recipe may start its machine anew."""
REBOOT = "systemctl --no-block reboot"
STANDS = 'test "$(systemctl is-system-running)" != stopping'
SHOWN = 40
"""Names of settings that are told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bake:
    """What is baked on, where, and how it is sealed. Paths are absolute."""

    below: str
    scratch: str
    seal: str
    """The script that takes out what belongs to one machine; it has run as a role before, and runs again."""
    reach: tuple[int, ...] = ()

    def words(self) -> str:
        """For the command line of this program."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Children:
    """What this process has started and how it ended: as the first process it takes up all the dead."""

    ended: dict[int, int] = field(default_factory=dict)

    def status(self, pid: int) -> int | None:
        """How a child ended, as os.waitpid tells it; None while it runs."""
        while pid not in self.ended:
            try:
                found, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 0
            if not found:
                return None
            self.ended[found] = status
        return self.ended[pid]

    def wait(self, pid: int, what: str, deadline: float) -> int:
        """Wait for a child's end. DeadlineError."""

        def look() -> Look:
            ended = self.status(pid) is not None
            return Look(verdict=Verdict.PASS if ended else Verdict.UNKNOWN, seen="" if ended else "it runs")

        wait_for(what, look, clock=SystemClock(), deadline=deadline, interval=0.01)
        return self.ended.get(pid, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A bake under way."""

    machine: BakedMachine
    listener: socket.socket
    children: Children = field(default_factory=Children)
    changed: set[str] = field(default_factory=set)
    """The kernel's settings that the recipe has written so far."""

    def play(self, program: int) -> int:
        """Let the program into the machine until it ends; its exit code. ToolError where the machine is lost."""
        first = self.boot()
        (self.machine.scratch / STOOD).touch()
        for _boot in range(REBOOTS):
            code = self._attend(first, program)
            if code is not None:
                return code
            first = self._boot_again(first)
        raise _lost(f"it was started {REBOOTS} times")

    def boot(self) -> ProcessId:
        """Start the machine; its first process, once it stands."""
        first = self.machine.start()
        self.machine.wait_until_it_stands(first)
        self.machine.inside(MARK)
        return first

    def note_changed(self) -> None:
        """Remember what of the kernel's settings was written since the machine stood."""
        self.changed.update(self.machine.inside(CHANGED).stdout.split())

    def finish(self, first: int, script: Path) -> None:
        """Stop the machine, then run the sealing script in it alone. ToolError where one of them fails."""
        self.machine.tell_systemd()
        os.kill(first, POWER_OFF)
        try:
            self.children.wait(first, "the end of the machine", STOP_DEADLINE)
        except DeadlineError as error:
            raise ToolError("the machine that was baked does not stop", details=error.details) from error
        self.machine.end()
        last = self.machine.start_seal(script)
        status = self.children.wait(last.pid, "the sealing of the image", STOP_DEADLINE)
        self.machine.end()
        if status != 0:
            said = guest.tail(self.machine.files.directory / "runc.log", 15)
            raise ToolError("what the machine left at its end could not be sealed", details=said)

    def _attend(self, first: ProcessId, program: int) -> int | None:
        """Serve the door while the machine runs; the program's exit code, None where the machine has ended first."""
        watched = (os.pidfd_open(program), os.pidfd_open(first.pid), self.listener.fileno())
        poll = select.poll()
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                ready = {descriptor for descriptor, _event in poll.poll()}
                if watched[0] in ready:
                    return os.waitstatus_to_exitcode(self.children.wait(program, "the playbook's end", STOP_DEADLINE))
                if watched[1] in ready or self._serve(first):
                    return None
        finally:
            os.close(watched[0])
            os.close(watched[1])

    def _serve(self, first: ProcessId) -> bool:
        """Answer who knocks; whether it was asked that the machine starts anew."""
        asked = door.hear(self.listener)
        if asked is None:
            return False
        if asked.reboot:
            self.note_changed()
            done = self.machine.inside(REBOOT, check=False)
            asked.answer(done.code, gone=False)
            asked.close()
            return done.code == 0
        door.serve(asked, self.machine.command(asked.command), lambda: self._stands(first))
        asked.close()
        self.children.status(-1)
        return False

    def _stands(self, first: ProcessId) -> bool:
        """Whether the machine is there and not on its way down: then it ends what runs in it."""
        return first.alive and self.machine.inside(STANDS, check=False).code == 0

    def _boot_again(self, first: ProcessId) -> ProcessId:
        """The machine ends, or has ended, by a task: start it again on what it has written."""
        status = self.children.wait(first.pid, "the machine's restart", STOP_DEADLINE)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGHUP:  # reboot(2), in a process namespace
            off = os.WTERMSIG(status) == signal.SIGINT
            raise _lost("a task switched it off" if off else f"its first process ended by {os.WTERMSIG(status)}")
        self.machine.end()
        tell("the machine starts anew")
        return self.boot()


def main(bake: Bake, argv: list[str]) -> int:
    """Bake; the exit code of the program. PhoenixError, OSError where anything else fails."""
    os.umask(0o022)
    scratch = Path(bake.scratch)
    machine = BakedMachine(below=Path(bake.below), scratch=scratch, reach=tuple(bake.reach))
    root = machine.container().root
    mounts.mount("scaffold", str(root.parent), "tmpfs", "mode=755")  # runc exec wants to stand where the root is
    root.mkdir()
    with door.opened(scratch / DOOR) as listener:
        words = wrapped(Command(argv=tuple(argv), contained=True))
        program = os.posix_spawn(words[0], words, os.environ)
        session = Session(machine=machine, listener=listener)
        code = session.play(program)
        if code != 0:
            return code
        session.note_changed()
        if session.changed:
            named = " ".join(sorted(session.changed)[:SHOWN])
            tell(f"takes effect at boot, where a file of the image says so: {named}")
        session.finish(int(machine.container().pid_file.read_text()), Path(bake.seal))
    (scratch / SEALED).touch()
    return 0


def tell(line: str) -> None:
    """Say a line among those of the playbook."""
    os.write(sys.stdout.fileno(), f"{ansible.TOLD}{line}\n".encode())


def _lost(why: str) -> ToolError:
    return ToolError("the machine that bakes is lost", details=why)


def fail(scratch: str, brief: str, details: str) -> NoReturn:
    """End, and leave the reason beside: what the program printed is no reason for it."""
    (Path(scratch) / LOST).write_text(json.dumps({"brief": brief, "details": details}))
    sys.exit(f"{brief}: {details}")


if __name__ == "__main__":
    given, _mark, *command_line = sys.argv[1:]
    asked_for = Bake(**json.loads(given))
    try:
        sys.exit(main(asked_for, command_line))
    except OSError as error:
        fail(asked_for.scratch, "the machine that bakes failed", str(error))
    except PhoenixError as error:
        fail(asked_for.scratch, error.brief, error.details)
