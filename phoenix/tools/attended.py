"""A program that a person uses: it has this process's own terminal, and this process waits until it ends."""

from __future__ import annotations

import os
import signal
from typing import Any

from phoenix.errors import Terminated

ITS_OWN = (signal.SIGINT, signal.SIGQUIT)
"""What is typed at the terminal is meant for the program; who waits for it stays."""
ASKS = (signal.SIGTERM, signal.SIGHUP)


def run(argv: tuple[str, ...]) -> int:
    """Run the program to its end; its exit code, or 128 and the number of the signal that ended it.

    Where this process is asked to end meanwhile (SIGTERM, SIGHUP) the program is, too, and `Terminated` goes on.
    """
    before: dict[signal.Signals, Any] = {number: signal.signal(number, signal.SIG_IGN) for number in ITS_OWN}
    try:
        status = _waited_for(argv)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _waited_for(argv: tuple[str, ...]) -> int:
    """What the kernel says of how the program ended. Nobody is asked to end before it is known what else is to end."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ASKS)
    defaults = (*ITS_OWN, signal.SIGPIPE)  # Python ignores SIGPIPE: the program is not to
    try:
        pid = os.posix_spawnp(argv[0], argv, os.environ, setsigdef=defaults, setsigmask=mask)
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return os.waitpid(pid, 0)[1]
    except Terminated as ended:
        os.kill(pid, ended.signal_number)
        os.kill(pid, signal.SIGHUP)  # a shell at which somebody types passes over SIGTERM
        os.waitpid(pid, 0)
        raise
