"""One run: say what it costs, lay the ground, tell the story, and remove everything, whatever happened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.account import costs
from tests.account.gcp import project
from tests.account.gcp.ground import Account, account, laid
from tests.account.gcp.prices import OF, PRICES
from tests.account.gcp.removal import removed
from tests.account.gcp.wishes import Wishes
from tests.account.limits import limited
from tests.support.real import story
from tests.support.real.shell import Shell

PATIENCE = 900.0
"""Seconds until a candidate's group stands."""
MADE = """\
two firewall rules, a health check, a global Application Load Balancer (address, proxy, URL map, backend service); three
images (Debian 12, node.js, an app), each built and proven on a machine of its own; managed groups of two machines each:
a release, another under requests, one that is broken and undone, one that is killed and resumed"""

Tell = Callable[[str], None]
AddressOf = Callable[[str, str], str]
"""Where requests are taken, from the forwarding rule's path and its address."""


def real(_rule: str, address: str) -> str:
    """Where a real balancer takes requests."""
    return address


def announced(run: str, wishes: Wishes) -> str:
    """What will be made, where, and what it costs at most."""
    return "\n".join(
        [
            f"{run} in the project {wishes.project}, {wishes.region}, network {wishes.network}, will make:",
            MADE,
            f"Everything bears the label {project.TAG}={run}, or names the run in its description.",
            f"The balancer takes requests of anybody; machines that build images take SSH of {wishes.clients}.",
            costs.told(wishes.minutes, PRICES, OF),
        ]
    )


def played(
    run: str,
    wishes: Wishes,
    tell: Tell,
    *,
    address_of: AddressOf = real,
    interval: float = 10.0,
    program: str = "phoenix",
) -> int:
    """The exit code: 0 where the story went as it must and nothing is left, else 1. `interval` is the removal's."""
    there = account(run, wishes.project, wishes.region)
    there.ask("GET", f"regions/{wishes.region}")  # whoever may not ask makes nothing
    tell(announced(run, wishes))
    went = False
    try:
        with limited(wishes.minutes * 60):
            _story(there, wishes, tell, address_of, program)
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
    again = f"python -m tests.account.gcp --remove {there.run}"
    tell(
        f"something of {there.run} is left and costs money; again: {again}"
        if left
        else f"nothing of {there.run} is left"
    )
    return left


def _story(there: Account, wishes: Wishes, tell: Tell, address_of: AddressOf, program: str) -> None:
    site = laid(there, wishes, address_of)
    tell(f"requests are taken at {site.address}")
    with tempfile.TemporaryDirectory(prefix=f"{there.run}-") as directory:
        # a process for each command, which ends with the time
        shell = Shell(directory=Path(directory) / "project", environment={"PYTHONUNBUFFERED": "1"}, program=program)
        asked = story.play(project.made(shell, site), Path(directory), PATIENCE)
    tell(f"{asked.answered} of {asked.sent} requests were answered")
    assert asked.failures == (), asked.failures
    assert asked.sent > 100
