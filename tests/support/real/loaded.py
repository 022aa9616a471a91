"""A command in a process of its own that tells, at its end, what it has loaded and which programs it has started."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from tests.support.real.shell import Shell

_PROGRAM = """\
import sys

STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system")
started = []
sys.addaudithook(lambda event, args: started.append(str(args[0])) if event in STARTS else None)
from phoenix.cli.app import run

code = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
print(*started, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What one command needed."""

    modules: frozenset[str]
    programs: tuple[str, ...]

    def of(self, *names: str) -> list[str]:
        """Those of the modules, or of the packages, that it has loaded."""
        return [name for name in names if name in self.modules]


def loaded_by(shell: Shell, *arguments: str) -> Loaded:
    """Carry the command out; it must end well."""
    argv = [sys.executable, "-c", _PROGRAM, *shell.words(*arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    *_told, modules, programs = done.stderr.split("\n")[:-1]
    return Loaded(modules=frozenset(modules.split()), programs=tuple(programs.split()))
