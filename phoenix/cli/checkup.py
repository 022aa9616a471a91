"""What `phoenix doctor` looks at: the programs that are needed, and what each kind of cloud says of itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from phoenix.cli import toolbox
from phoenix.clouds.local import check
from phoenix.manner import Finding, State
from phoenix.model import CloudKind
from phoenix.spec.clouds import CloudSpec, LocalCloud


def tools(kinds: frozenset[CloudKind]) -> Iterator[Finding]:
    """Every program that clouds of these kinds need, with the version it tells."""
    for tool in toolbox.TOOLBOX:
        if not kinds.intersection(tool.kinds):
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


def local_clouds(
    clouds: tuple[CloudSpec, ...], kinds: frozenset[CloudKind], suites: frozenset[str], say: Callable[[str], None]
) -> Iterator[Finding]:
    """What this machine has for the local clouds (`clouds.local.check`).

    `suites` are the distribution's suites that images start from.
    """
    if CloudKind.LOCAL in kinds:
        yield from check.local_clouds(tuple(c for c in clouds if isinstance(c, LocalCloud)), suites, say)
