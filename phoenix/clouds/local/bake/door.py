"""The door of a machine that is baked: the only way from the playbook, which is nobody on this computer, into it.

A request is one message on a unix socket, `{"command": TEXT, "reboot": BOOL}`, with the three pipes that the command
reads and prints to. The answer is `{"code": N, "gone": BOOL}` at its end, or nothing where the request is none. What is
asked happens in the machine, as its root. `playbooks/connection_plugins/light.py` asks.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from phoenix.tools.process import Command

NAME = "door"
MOST = 1 << 17
"""Bytes of a request: the kernel takes no longer word of a command line."""
BY_A_SIGNAL = 128
"""From here on an exit code says by which signal a command ended; with runc itself it is 255."""
PATIENCE = 10.0
"""Seconds that whoever knocks has to say what for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request: what to run, on which pipes, and the line that the answer goes to."""

    command: str
    reboot: bool
    line: socket.socket
    streams: tuple[int, ...]

    def answer(self, code: int, *, gone: bool) -> None:
        """Tell how it ended; nobody may be there any more to hear it."""
        with suppress(OSError):
            self.line.send(json.dumps({"code": code, "gone": gone}).encode())

    def close(self) -> None:
        """Let go of line and pipes."""
        self.line.close()
        for descriptor in self.streams:
            os.close(descriptor)


@contextmanager
def opened(directory: Path) -> Iterator[socket.socket]:
    """The listening socket `door` in a new directory."""
    directory.mkdir()
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            listener.bind(f"/proc/self/fd/{held}/{NAME}")  # a socket's own path has at most 107 characters
        finally:
            os.close(held)
        listener.listen(64)
        yield listener


def hear(listener: socket.socket) -> Asked | None:
    """The next request; None where it is none: then it is not answered."""
    line, _address = listener.accept()
    descriptors: tuple[int, ...] = ()
    try:
        line.settimeout(PATIENCE)
        message, received, _flags, _from = socket.recv_fds(line, MOST, 3)
        descriptors = tuple(received)
        asked = json.loads(message)
        good = isinstance(asked, dict) and isinstance(asked.get("command"), str) and len(descriptors) == 3
        if good and all(stat.S_ISFIFO(os.fstat(each).st_mode) for each in descriptors):
            return Asked(command=asked["command"], reboot=asked.get("reboot") is True, line=line, streams=descriptors)
    except (OSError, ValueError):
        pass
    line.close()
    for each in descriptors:
        os.close(each)
    return None


def serve(asked: Asked, command: Command, stands: Callable[[], bool]) -> int:
    """Run `command` on the request's pipes, by a process that answers at its end; that process's number.

    `stands` tells whether the machine is still there: what failed with it did not fail by itself.
    """
    child = os.fork()
    if child:
        return child
    try:
        code = _run(asked, command)
        asked.answer(code, gone=code >= BY_A_SIGNAL and not stands())
    finally:
        os._exit(0)


def _run(asked: Asked, command: Command) -> int:
    """Run it; whoever asked and is gone wants no more of it."""
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(asked.streams)]
    environment = {**os.environ, **command.environment}
    process = os.posix_spawn(command.argv[0], command.argv, environment, file_actions=actions)
    for descriptor in asked.streams:
        os.close(descriptor)
    ended = os.pidfd_open(process)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(asked.line, select.POLLHUP)
    if not any(descriptor == ended for descriptor, _event in poll.poll()):
        os.kill(process, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
