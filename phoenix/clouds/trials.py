"""How tests are run on a machine that proves an image, where clouds do it alike: over SSH; what must not be there.

A test is one small script whose last line reports how it ended, in the words of `clouds.rules`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from phoenix.clouds import rules
from phoenix.clouds.api import Between
from phoenix.clouds.rules import Trial
from phoenix.tools.process import Command, require, run
from phoenix.wait import Look, Verdict

SHOWN = 3000
"""Bytes of a test's output that are kept, from its end."""
SSH = 22
_PATIENCE = 60.0
"""Seconds beside the test's own."""
_TRY = """\
cd /root
output=$(timeout {patience} sh -c {script} 2>&1)
code=$?
told=$(printf %s "$output" | tail -c {shown} | base64 -w 0)
echo "trial {index} $code $told"
"""
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=5",
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
    "ServerAliveInterval=15",
    "StrictHostKeyChecking=no",  # nobody knows its key before it has made one
    "UserKnownHostsFile=/dev/null",
)
_MADE_HERE = """
    started=$(systemctl show --timestamp=unix --property=UserspaceTimestamp --value | tr -d @)
    for file in {files}; do
        [ -s "$file" ] || continue
        if [ "$(stat -L -c %Y "$file")" -lt "${{started:-0}}" ]; then echo "in the image: $file"; found=yes; fi
    done
    [ -z "$found" ]"""
HYGIENE = (
    Trial(name="no SSH host keys", script=_MADE_HERE.format(files="/etc/ssh/ssh_host_*")),
    Trial(name="no machine id", script=_MADE_HERE.format(files="/etc/machine-id /var/lib/dbus/machine-id")),
    Trial(
        name="nothing of the bake left",
        script="""
    for file in /usr/sbin/policy-rc.d /etc/*/*.d/*phoenix-bake*; do
        if [ -e "$file" ]; then echo "in the image: $file"; found=yes; fi
    done
    [ -z "$found" ]""",
    ),
)
"""What an image must not carry: what every machine makes for itself, and bake litter."""


class Shell(Protocol):
    """Runs scripts as root on one machine."""

    def look(self) -> Look:
        """Whether it lets us in by now."""
        ...

    def run(self, script: str, patience: float, between: Between) -> str:
        """What the script printed; `patience` in seconds. What went wrong on the way there is said instead."""
        ...


def wanted(tests: tuple[str, ...], *more: Trial) -> tuple[Trial, ...]:
    """All tests of an image: those of every boot, those of what it must not carry and `more` of these, the recipe's."""
    built_in = len(rules.trials(()))
    of_boot = rules.trials(tests)
    return (*of_boot[:built_in], *HYGIENE, *more, *of_boot[built_in:])


def report(shell: Shell, index: int, trial: Trial, between: Between) -> str:
    """How the trial ended on the machine, as `rules.results` reads it; else what the way there said."""
    script = _TRY.format(patience=trial.patience, script=shlex.quote(trial.script), shown=SHOWN, index=index)
    said = shell.run(script, trial.patience + _PATIENCE, between)
    reports = [line for line in said.splitlines() if line.startswith(f"trial {index} ")]
    return reports[-1] if reports else said.strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class SshShell:
    """Over SSH, as root or as somebody who may become it. No configuration of whoever runs phoenix is read."""

    host: str
    port: int
    key: Path
    user: str = "root"
    through: str = ""
    """The command line of a program that speaks to the machine's port; empty: its port is reached."""

    def look(self) -> Look:
        """Whether it lets us in by now."""
        done = run(self._command("true"), timeout=20, check=False)
        return Look(verdict=Verdict.UNKNOWN if done.code else Verdict.PASS, seen=done.tail or "it lets us in")

    def run(self, script: str, patience: float, between: Between) -> str:
        """What the script printed."""
        done = run(self._command("sh -s", script.encode()), timeout=patience, between=between, check=False)
        return done.stdout or done.stderr

    def _command(self, words: str, stdin: bytes = b"") -> Command:
        proxy = (f"ProxyCommand={self.through}",) if self.through else ()
        options = [word for option in (*_OPTIONS, *proxy) for word in ("-o", option)]
        where = ("-F", "none", "-T", "-i", str(self.key), "-p", str(self.port), f"{self.user}@{self.host}")
        become = "" if self.user == "root" else "sudo -n "
        return Command(argv=(require("ssh", "openssh-client"), *options, *where, become + words), stdin=stdin)
