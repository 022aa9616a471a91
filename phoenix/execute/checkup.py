"""What `phoenix doctor` looks at on every computer: the programs that are needed. Each cloud adds its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

from phoenix.manner import Finding, State
from phoenix.tools import toolbox


def tools(*, local: bool) -> Iterator[Finding]:
    """Every program that is needed, with its version; with `local` also those for machines of this computer."""
    for tool in toolbox.TOOLBOX:
        if tool.local and not local:
            continue
        path = toolbox.find(tool)
        if path is not None:
            found = toolbox.version(tool, path) or path
            yield Finding(state=State.FINE, subject=tool.program, found=found)
            continue
        needed = not tool.instead and not (tool.program == "newuidmap" and os.geteuid() == 0)
        remedy = f"apt-get install {tool.package}" + (f", or {tool.instead}" if tool.instead else "")
        state = State.LACK if needed else State.NOTE
        yield Finding(state=state, subject=tool.program, found=f"missing: {tool.purpose}", remedy=remedy)
