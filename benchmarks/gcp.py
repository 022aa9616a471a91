"""The figures of Google Cloud, on an emulated project: a roll beside a script, a bake that is a hit, a rollback."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import emulated, gcp_account
from benchmarks.emulated import DRAIN, INTERVAL, Words
from benchmarks.gcp_account import BY_HAND, Account
from benchmarks.measure import FailedError, run, say
from benchmarks.report import Figure, Limit

ROLLS, BAKES = 2, 3
"""Rounds of each figure. A roll takes minutes, most of which Google asks to be waited for."""
WRITES = ("urlMaps.update",)
WORDS = Words(
    cloud="Google Cloud",
    script="a straight google-cloud-compute script",
    roll="the emulated project, machines that are up at once, the whole command beside a straight google-cloud-compute "
    "script (`benchmarks/gcp_by_hand.py`) that makes the same change: health checks, a backend service, an instance "
    "template, a group in the region, a host rule; three good looks in a row, five seconds apart; one write of the URL "
    "map, read back; sixty seconds to settle; the former group drained and removed with all that belongs to it. The "
    "script keeps no record, refuses nothing and cannot go back.",
    calls="each decision is taken on a fresh look, which asks nothing twice, each write is read back, and each removal "
    "is by name and what was written on the thing; before the first effect network, firewall, quotas and what a "
    "successor would lack are read.",
)


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """The script's own URL map on the same project."""

    account: Account
    address: str

    def roll(self, number: int) -> None:
        """From the group of the former number to this one; number 1 is the first."""
        world = self.account.world
        change = {
            "name": f"hand-{number}",
            "former": f"hand-{number - 1}" if number > 1 else None,
            "project": world.project,
            "region": world.region,
            "url_map": BY_HAND,
            "address": self.address,
            "image": "hello-foundation-nodejs-",
            "network": world.network,
            "interval": INTERVAL,
            "healthy": 2,
            "drain": DRAIN,
            "size": 2,
        }
        run(sys.executable, "-m", "benchmarks.gcp_by_hand", json.dumps(change))


def bake(account: Account) -> Limit:
    """A bake of two layers that are there: which calls that takes."""
    counted: list[float] = []
    for _round in range(BAKES):
        account.asked()
        done = account.phoenix("bake", "foundation", "nodejs")
        asked = account.asked()
        if done["baked"]:
            raise FailedError(f"the bake was no hit: {emulated.told(asked)}")
        counted.append(sum(1 for call in asked if call.what.startswith("images.")))
        say(f"bake that is a hit: {emulated.told(asked)}")
    return Limit(
        name="bake whose keys exist (Google Cloud), two layers",
        seen=tuple(counted),
        unit="calls about images",
        must=2,
        aim=2,
        note="one for the images of the project, however many, and one for what the family of the vendor's image means "
        "today, which is part of the key.",
    )


def figures(scratch: Path) -> tuple[list[Figure], list[Limit]]:
    """All of them, measured on a project of their own; files in the directory `scratch`."""
    note = (
        "from the start of the process until the emulator has the call that moves the traffic; the SDK's import is "
        "most of it. These are seconds of one machine, which must hold on a slow one, too."
    )
    with gcp_account.opened(scratch) as account:
        script = ByHand(account=account, address=gcp_account.frontend_by_hand(account))
        hit = bake(account)
        compared = emulated.rolls(account, script.roll, WORDS, rounds=ROLLS)
        back = emulated.rollback(account, WORDS.cloud, WRITES, note)
    return compared, [hit, back]
