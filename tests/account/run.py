"""One run: say what it costs, lay the ground, tell the story, and remove everything, whatever happened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.account import costs, project
from tests.account.ground import Account, account, laid, whose
from tests.account.limits import limited
from tests.account.removal import removed
from tests.account.wishes import Wishes
from tests.support.real import story
from tests.support.real.shell import Shell

PATIENCE = 600.0
"""Seconds until a candidate's group stands."""
MADE = """\
two security groups, an Application Load Balancer and its listener; three images (Debian 12, node.js, an app), each
built and proven on a machine of its own; groups of two machines each: a release, another under requests, one that is
broken and undone, one that is killed and resumed"""

Tell = Callable[[str], None]
AddressOf = Callable[[str, str], str]
"""Where requests are taken, from the listener's ARN and the balancer's DNS name."""


def dns(_listener: str, name: str) -> str:
    """Where a real balancer takes requests."""
    return name


def announced(run: str, wishes: Wishes, who: str) -> str:
    """What will be made, where, whose it is, and what it costs at most."""
    return "\n".join(
        [
            f"{run} in {wishes.region} ({', '.join(wishes.subnets)}), as {who}, will make:",
            MADE,
            f"Everything bears the tag {project.TAG}={run}; the balancer takes requests of {wishes.clients}.",
            costs.told(wishes.minutes),
        ]
    )


def played(run: str, wishes: Wishes, tell: Tell, *, address_of: AddressOf = dns, interval: float = 10.0) -> int:
    """The exit code: 0 where the story went as it must and nothing is left, else 1. `interval` is the removal's."""
    there = account(wishes.region, run)
    tell(announced(run, wishes, whose(there)))
    went = False
    try:
        with limited(wishes.minutes * 60):
            _story(there, wishes, tell, address_of)
        went = True
    except (Exception, KeyboardInterrupt) as error:
        tell(f"failed: {type(error).__name__}: {error}")
    finally:
        left = cleared(there, tell, interval=interval)
    return 0 if went and not left else 1


def cleared(there: Account, tell: Tell, *, interval: float = 10.0) -> tuple[str, ...]:
    """Remove everything of the run, and say what is left of it."""
    left = removed(there, tell, interval=interval)
    for each in left:
        tell(f"LEFT: {each}")
    tell(
        f"something of {there.run} is left and costs money; again: python -m tests.account --remove {there.run}"
        if left
        else f"nothing of {there.run} is left"
    )
    return left


def _story(there: Account, wishes: Wishes, tell: Tell, address_of: AddressOf) -> None:
    site = laid(there, wishes, address_of)
    tell(f"requests are taken at {site.address}")
    with tempfile.TemporaryDirectory(prefix=f"{there.run}-") as directory:
        # a process for each command, which ends with the time
        shell = Shell(directory=Path(directory) / "project", environment={"PYTHONUNBUFFERED": "1"})
        asked = story.play(project.made(shell, site), Path(directory), PATIENCE)
    tell(f"{asked.answered} of {asked.sent} requests were answered")
    assert asked.failures == (), asked.failures
    assert asked.sent > 100
