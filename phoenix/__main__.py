"""The program `phoenix`, which is also `python -m phoenix`."""

from __future__ import annotations

import gc
import signal

GARBAGE = 200_000
"""Objects between two looks for garbage. What a command makes as it starts it keeps; Python would look 200 times."""


def main() -> None:
    """Carry out the command line of this process, and end it.

    A signal that comes while the program is still read is kept for the command line, which tells of it in its form.
    """
    noted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda which, _frame: noted.append(which))
    gc.set_threshold(GARBAGE)
    from phoenix.cli.app import main as command_line

    command_line(noted)


if __name__ == "__main__":
    main()
