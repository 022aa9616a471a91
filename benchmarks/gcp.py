"""The figures of Google Cloud, on an emulated project: a roll beside a script, a bake that is a hit, a rollback.

What the emulator takes is in both sides of a ratio. Calls are counted, so they are the same on every machine.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import gcp_account
from benchmarks.gcp_account import BY_HAND, DRAIN, INTERVAL, Account
from benchmarks.measure import FailedError, Side, run, say, take_turns
from benchmarks.report import Figure, Limit
from tests.emulators.gcp.calls import Call

ROLLS, ROLLBACKS, BAKES = 2, 3, 3
"""Rounds of each figure. A roll takes minutes, most of which Google asks to be waited for."""
WRITE = "compute.urlMaps.update"
ROLL_NOTE = (
    "the emulated project, machines that are up at once, the whole command beside a straight google-cloud-compute "
    "script (`benchmarks/gcp_by_hand.py`) that makes the same change: health checks, a backend service, an instance "
    "template, a group in the region, a host rule; three good looks in a row, five seconds apart; one write of the URL "
    "map, read back; sixty seconds to settle; the former group drained and removed with all that belongs to it. The "
    "script keeps no record, refuses nothing and cannot go back."
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


def rolls(account: Account) -> list[Figure]:
    """A roll of two machines, both sides from a group that serves: in seconds, and in calls."""
    script = ByHand(account=account, address=gcp_account.frontend_by_hand(account))
    script.roll(1)
    account.phoenix("roll", "web-tier")
    seconds: dict[str, list[float]] = {"phoenix": [], "script": []}
    calls: dict[str, list[float]] = {"phoenix": [], "script": []}

    def rolled(side: str, number: int) -> None:
        if side == "script":
            script.roll(number)
        else:
            account.phoenix("roll", "web-tier")

    for number in range(2, ROLLS + 2):
        account.next_release()
        for side in seconds:
            account.calls()
            seconds[side] += take_turns(1, {side: partial(rolled, side, number)})[side].seconds
            asked = account.calls()
            calls[side].append(len(asked))
            say(f"{side}: {seconds[side][-1]:.1f} s, {len(asked)} calls: {told(asked)}")
    return [
        Figure(
            name="roll of 2 machines (emulated Google Cloud)",
            phoenix=Side(seconds=tuple(seconds["phoenix"])),
            beside="a straight google-cloud-compute script",
            other=Side(seconds=tuple(seconds["script"])),
            must=1.1,
            aim=1.05,
            note=ROLL_NOTE,
        ),
        Figure(
            name="the same in calls of Google Cloud",
            phoenix=Side(seconds=tuple(calls["phoenix"])),
            beside="the same script",
            other=Side(seconds=tuple(calls["script"])),
            must=1.2,
            aim=1.1,
            unit="calls",
            note="each decision is taken on a fresh look, each write is read back, and each removal is by name and "
            "what was written on the thing; before the first effect network, firewall, quotas and what a successor "
            "would lack are read.",
        ),
    ]


def bake(account: Account) -> Limit:
    """A bake of two layers that are there: which calls that takes."""
    counted: list[float] = []
    for _round in range(BAKES):
        account.calls()
        done = account.phoenix("bake", "foundation", "nodejs")
        asked = account.calls()
        if done["baked"]:
            raise FailedError(f"the bake was no hit: {told(asked)}")
        counted.append(sum(1 for call in asked if call.method.startswith("compute.images.")))
        say(f"bake that is a hit: {told(asked)}")
    return Limit(
        name="bake whose keys exist (Google Cloud), two layers",
        seen=tuple(counted),
        unit="calls about images",
        must=2,
        aim=2,
        note="one for the images of the project, however many, and one for what the family of the vendor's image means "
        "today, which is part of the key.",
    )


def rollback(account: Account) -> Limit:
    """From the start of `phoenix rollback` until the write that moves the traffic has come to Google."""
    account.edit("keep: 0s", "keep: 30m")
    account.next_release()
    account.phoenix("roll", "web-tier")
    taken: list[float] = []
    for _round in range(ROLLBACKS):
        former = next(group["name"] for group in account.phoenix("group", "list")["groups"] if not group["share"])
        account.calls()
        began = account.emulator.advance(0)
        account.phoenix("rollback", "web-tier", "--to", former)
        write = next(call for call in account.calls() if call.method == WRITE)
        taken.append(write.at - began)
        say(f"rollback: the write came after {taken[-1]:.2f} s")
    return Limit(
        name="rollback within keep (Google Cloud), until the write",
        seen=tuple(taken),
        unit="s",
        must=5,
        aim=3,
        note="from the start of the process until the emulator has the call that moves the traffic; the SDK's import "
        "is most of it. These are seconds of one machine, which must hold on a slow one, too.",
    )


def told(calls: Iterable[Call]) -> str:
    """Which calls they were, the most frequent first."""
    counted = Counter(call.method.removeprefix("compute.") for call in calls)
    return ", ".join(f"{count} x {method}" for method, count in counted.most_common())


def figures(scratch: Path) -> tuple[list[Figure], list[Limit]]:
    """All of them, measured on a project of their own; files in the directory `scratch`."""
    with gcp_account.opened(scratch) as account:
        hit = bake(account)
        compared = rolls(account)
        back = rollback(account)
    return compared, [hit, back]
