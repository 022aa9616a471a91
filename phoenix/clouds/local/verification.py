"""What proves an image: looks at its tree, then one boot in which its tests run, told over the report channel.

The tests wait until systemd has started everything, so they run beside the boot work, not in it. Their output
travels as base64, because a report is one line. The machine is not shut down but ended: its disk was an overlay.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from dataclasses import dataclass
from pathlib import Path

from phoenix.model import TestResult
from phoenix.tools import disk

OVER = "trial over"
"""The machine's last report."""
BOOT_PATIENCE = 300
"""Seconds that systemd may take to start everything."""
TEST_PATIENCE = 120
"""Seconds that one test may take; an emulated processor is slow."""
SHOWN = 3000
"""Bytes of a test's output that are kept, from its end."""

BOOT_FINISHED = "boot finished"
NO_FAILED_UNITS = "no failed units"
_BUILT_IN = {
    BOOT_FINISHED: f"""
        state=$(timeout {BOOT_PATIENCE} systemctl is-system-running --wait)
        case $state in running | degraded) exit 0 ;; esac
        echo "the system is $state; still to do:"
        systemctl list-jobs --no-pager
        exit 1""",
    NO_FAILED_UNITS: """
        failed=$(systemctl list-units --failed --plain --no-legend --no-pager | cut -d " " -f 1)
        [ -z "$failed" ] && exit 0
        systemctl status --no-pager --lines 20 $failed
        exit 1""",
}
HOST_KEYS = "no SSH host keys"
MACHINE_ID = "no machine id"
LEFT_OVER = "nothing of the bake left"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One test of the boot: its name, and the shell commands that decide it."""

    name: str
    script: str
    patience: int = TEST_PATIENCE


def trials(tests: tuple[str, ...]) -> tuple[Trial, ...]:
    """The built-in tests of a boot, then the recipe's own."""
    built_in = (Trial(name=name, script=script, patience=BOOT_PATIENCE + 10) for name, script in _BUILT_IN.items())
    return (*built_in, *(Trial(name=test, script=test) for test in tests))


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
        f"/usr/lib/phoenix/report {OVER}",
    ]
    return "\n".join(lines) + "\n"


def shown(report: str, wanted: tuple[Trial, ...]) -> str:
    """A report as a person wants to hear it."""
    told = _told(report, wanted)
    return f"{'ok' if told[1] == '0' else 'FAILED'}: {wanted[told[0]].name}" if told else report


def results(wanted: tuple[Trial, ...], reports: tuple[str, ...]) -> tuple[TestResult, ...]:
    """How each test ended, by what the machine reported last; one that was not reported has failed."""
    ends: dict[int, TestResult] = {}
    for index, code, output in filter(None, (_told(report, wanted) for report in reports)):
        late = "" if code != "124" else f"\n(ended after {wanted[index].patience} s)"
        ends[index] = TestResult(name=wanted[index].name, ok=code == "0", output=_decoded(output) + late)
    unheard = "the machine told nothing of it"
    return tuple(
        ends.get(index, TestResult(name=trial.name, ok=False, output=unheard)) for index, trial in enumerate(wanted)
    )


def _told(report: str, wanted: tuple[Trial, ...]) -> tuple[int, str, str] | None:
    """The index of the test that is reported, its exit code and its output; None where the report tells of no test."""
    words = report.split(" ")
    numbers = {str(index): index for index in range(len(wanted))}
    if len(words) != 4 or words[0] != "trial" or words[1] not in numbers:
        return None
    return numbers[words[1]], words[2], words[3]


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


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
