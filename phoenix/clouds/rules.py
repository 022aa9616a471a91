"""What all clouds share: whose a group is, what shares may be, how weights are read, what proves an image."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.errors import CloudError, RefusedError
from phoenix.model import Group, Release, TestResult

WHOLE = 100
NAMED = 3
"""Machines that are named one by one where something is seen of many."""
BOOT_PATIENCE = 300
"""Seconds that systemd may take to start everything."""
TEST_PATIENCE = 120
"""Seconds that one test may take; an emulated processor is slow."""
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


def refuse_another(group: Group, project: str, where: str, *, adopt: bool = False) -> None:
    """RefusedError for a group that phoenix did not make for `project`. `where`: what several projects share.

    `adopt`: a group that phoenix made for nobody is let pass; another project's never.
    """
    if not group.made and adopt:
        return
    if not group.made:
        raise RefusedError(
            f"phoenix did not make the group {group.name}",
            details=f"it stands in {where} without the labels of a project; phoenix watches it and leaves it as it is",
            resolution="Change it with what made it.",
        )
    if group.project != project:
        raise RefusedError(
            f"the group {group.name} belongs to the project {group.project}",
            details=f"this is the project {project}; both keep their groups in {where}",
            resolution="Give one of them another place, or another service name.",
        )


def refuse_other_release(there: Group, wanted: Group) -> None:
    """CloudError where the group that stands is not the one that is wanted under its name."""
    if there.release != wanted.release and (
        there.release is None or wanted.release is None or there.release.id != wanted.release.id
    ):
        raise CloudError(
            f"the group {there.name} exists with another release",
            details=f"it runs {there.release.id if there.release else 'what nobody wrote down'}, "
            f"wanted was {wanted.release.id if wanted.release else 'none'}",
            resolution="See `phoenix status`; delete that group if nobody needs it.",
        )


def too_big(script: str, release: Release, *, cloud: str, details: str) -> RefusedError:
    """What is said where script and release are more than a cloud gives a machine. `details`: how much it takes."""
    parts = {
        "settings": sum(len(name) + len(value) for name, value in release.settings),
        "the keys of repositories": sum(len(repository.key) for repository in release.repositories),
        "the list of packages": sum(len(package.name) + len(package.version) for package in release.packages),
        "the boot script, with all these": len(script.encode()),
    }
    told = ", ".join(f"{what} {bytes_:,}" for what, bytes_ in sorted(parts.items(), key=lambda part: -part[1]))
    return RefusedError(
        f"the boot work of release {release.id} is too big for {cloud}",
        details=f"{details}: {told}",
        resolution="Move long settings into a file of a package, or bake the packages in (an image of type immutable).",
    )


def routed(shares: Mapping[str, int]) -> dict[str, int]:
    """The shares above 0. CloudError where they are no percents that make 100 together, or none."""
    wanted = {group: share for group, share in shares.items() if share}
    if sum(wanted.values()) not in (0, WHOLE) or any(share < 0 for share in wanted.values()):
        raise CloudError("shares are 0 to 100 and make 100 together", details=f"asked for: {dict(shares)}")
    return wanted


def told_of_checks(seen: Mapping[str, str]) -> str:
    """What a balancer's check saw of machines that are not healthy, what was seen most often first.

    `seen`: words by machine. Each is said once, with how many machines it was seen of, and the first of them.
    """
    by_words: dict[str, list[str]] = {}
    for machine in sorted(seen, key=lambda name: (len(name), name)):
        by_words.setdefault(seen[machine], []).append(machine)
    ordered = sorted(by_words.items(), key=lambda each: (-len(each[1]), each[0]))
    return "; ".join(f"{len(machines)} x {words} ({_some(machines)})" for words, machines in ordered)


def _some(machines: list[str]) -> str:
    more = [f"{len(machines) - NAMED} more"] if len(machines) > NAMED else []
    return ", ".join(machines[:NAMED] + more)


def percents(weights: Mapping[str, int]) -> dict[str, int]:
    """Weights as whole percents that make 100: the largest remainders are rounded up. Nothing where all are 0.

    Whoever has a weight gets 1 percent at least, for a share of 0 says that a group has no traffic.
    """
    whole = sum(weights.values())
    if not whole:
        return {}
    heavy = {name: weight for name, weight in weights.items() if weight}
    parts = {name: max(1, WHOLE * weight // whole) for name, weight in heavy.items()}
    by_remainder = sorted(heavy, key=lambda name: (-(WHOLE * heavy[name] % whole), -heavy[name], name))
    for name in by_remainder[: max(0, WHOLE - sum(parts.values()))]:
        parts[name] += 1
    while sum(parts.values()) > WHOLE:  # those of under 1 percent were rounded up: the largest gives it
        largest = max(parts, key=lambda name: (parts[name], name))
        parts[largest] -= 1
    return parts


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


def out_of_reach(url: str, cloud: str) -> RefusedError:
    """What is said of a repository on this computer, which no machine of that cloud reaches."""
    return RefusedError(
        f"machines of the cloud '{cloud}' cannot reach {url}",
        details="it is an address of this computer's loopback",
        resolution="Give the repository a url of its own for this cloud in phoenix.yaml, "
        f"such as `url: {{{cloud}: https://apt.example.com}}`.",
    )


def _told(report: str, wanted: tuple[Trial, ...]) -> tuple[int, str, str] | None:
    """The index of the test that is reported, its exit code and its output; None where the report tells of no test."""
    words = report.split(" ")
    numbers = {str(index): index for index in range(len(wanted))}
    if len(words) != 4 or words[0] != "trial" or words[1] not in numbers:
        return None
    return numbers[words[1]], words[2], words[3]


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return text
