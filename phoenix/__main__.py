"""The program `phoenix`, which is also `python -m phoenix`."""

from __future__ import annotations

import gc

GARBAGE = 200_000
"""Objects between two looks for garbage. What a command makes as it starts it keeps; Python would look 200 times."""


def main() -> None:
    """Carry out the command line of this process, and end it."""
    gc.set_threshold(GARBAGE)
    from phoenix.cli.app import main as command_line

    command_line()


if __name__ == "__main__":
    main()
