"""What proves an image: looks at its tree, then one boot in which its tests run, told over the report channel.

The tests wait until systemd has started everything, so they run beside the boot work, not in it. Their output
travels as base64, because a report is one line. The machine is not shut down but ended: its disk was an overlay.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from phoenix.clouds.rules import Trial
from phoenix.model import TestResult
from phoenix.tools import disk

OVER = "trial over"
"""The machine's last report."""
SHOWN = 3000
"""Bytes of a test's output that are kept, from its end."""

HOST_KEYS = "no SSH host keys"
MACHINE_ID = "no machine id"
LEFT_OVER = "nothing of the bake left"


def user_data(wanted: tuple[Trial, ...]) -> str:
    """The boot work of a machine on trial: starts itself again beside the boot, and there runs the tests."""
    lines = [
        "#!/bin/sh",
        'if [ "$1" != beside ]; then',
        '    sh "$0" beside </dev/null >/dev/null 2>&1 &',
        "    exit 0",
        "fi",
        "try() {",
        '    output=$(timeout "$2" sh -c "$3" 2>&1)',
        "    code=$?",
        f'    told=$(printf %s "$output" | tail -c {SHOWN} | base64 -w 0)',
        '    /usr/lib/phoenix/report trial "$1" "$code" "$told"',
        "}",
        "cd /root",
        *(f"try {index} {trial.patience} {shlex.quote(trial.script)}" for index, trial in enumerate(wanted)),
        f"echo {OVER} | systemd-cat --identifier=phoenix-trial",  # by it the end of the console is known
        f"/usr/lib/phoenix/report {OVER}",
    ]
    return "\n".join(lines) + "\n"


def look_at_tree(tree: Path) -> tuple[TestResult, ...]:
    """What an image must not carry, looked for in its files: what every machine makes for itself, and bake litter.

    ToolError where a link in it leads to this computer's own files.
    """
    for directory in ("etc/ssh", "var/lib/dbus", "usr/sbin"):
        disk.within(tree, tree / directory)
    keys = sorted((tree / "etc/ssh").glob("ssh_host_*key*"))
    ids = [path for path in (tree / "etc/machine-id", tree / "var/lib/dbus/machine-id") if _names_a_machine(path)]
    litter = [tree / "usr/sbin/policy-rc.d", *(tree / "etc").glob("*/*.d/*phoenix-bake*")]
    return (
        _absent(HOST_KEYS, keys, tree),
        _absent(MACHINE_ID, ids, tree),
        _absent(LEFT_OVER, [path for path in litter if path.exists()], tree),
    )


def _names_a_machine(path: Path) -> bool:
    """Whether the file holds an id of its own; a link leads to the one that is looked at anyway."""
    return path.is_file() and not path.is_symlink() and path.read_text().strip() not in ("", "uninitialized")


def _absent(name: str, found: list[Path], tree: Path) -> TestResult:
    shown = ", ".join(f"/{path.relative_to(tree)}" for path in found)
    return TestResult(name=name, ok=not found, output=f"in the image: {shown}" if found else "")
