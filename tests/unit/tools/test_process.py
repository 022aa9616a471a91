"""A program that is ended is ended with everything that it has started, whatever that thinks of signals."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import ToolError
from phoenix.tools.process import Command, ProcessId, run


def test_children_that_ignore_the_signal_end_with_their_leader(tmp_path: Path) -> None:
    """The leader dies of SIGTERM at once; its child does not even listen."""
    child = tmp_path / "child"
    script = f"(trap '' TERM INT; echo $BASHPID > {child}; exec sleep 500) & wait"
    with pytest.raises(ToolError):
        run(Command(argv=("/bin/bash", "-c", script)), timeout=0.7, grace=0.3)
    process = ProcessId.of(int(child.read_text()))
    assert process is None or not process.alive
