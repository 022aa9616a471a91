"""The figures of AWS, on an emulated account: a roll beside a script, a large group, a bake that is a hit, a rollback.

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
from typing import Any

import boto3

from benchmarks.aws_account import DRAIN, INTERVAL, Account
from benchmarks.measure import FailedError, Side, run, say, take_turns
from benchmarks.report import Figure, Limit
from tests.emulators.aws.calls import Call

ROLLS, ROLLBACKS, BAKES = 3, 3, 3
"""Rounds of each figure."""
WRITES = ("ModifyListener", "ModifyRule")
ROLL_NOTE = (
    "the emulated account, machines that are up after two seconds, the whole command beside a straight boto3 script "
    "(`benchmarks/aws_by_hand.py`) that makes the same change: a target group with the attributes of the one that "
    "serves, its rule, a launch template, a group; three good looks in a row, five seconds apart; one write, read "
    "back; ten seconds to settle; the former group drained and removed with all that belongs to it. The script keeps "
    "no record, refuses nothing and cannot go back."
)


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """The script's own listener on the same load balancer, and how often it has rolled."""

    account: Account
    listener: str
    address: str

    def roll(self, number: int) -> None:
        """From the group of the former number to this one; number 1 is the first."""
        world = self.account.world
        change = {
            "name": f"hand-{number}",
            "former": f"hand-{number - 1}" if number > 1 else None,
            "listener": self.listener,
            "address": self.address,
            "image": "hello-foundation-nodejs-",
            "vpc": world.vpc,
            "subnets": world.subnets,
            "security_group": world.security_group,
            "interval": INTERVAL,
            "healthy": 2,
            "drain": DRAIN,
            "size": 2,
        }
        run(sys.executable, "-m", "benchmarks.aws_by_hand", json.dumps(change))


def by_hand(account: Account) -> ByHand:
    """The script's side, with nothing that serves yet."""
    nobody: Any = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    made = boto3.client("elbv2").create_listener(
        LoadBalancerArn=account.world.balancer, Protocol="HTTP", Port=81, DefaultActions=[nobody]
    )
    arn = made["Listeners"][0]["ListenerArn"]
    return ByHand(account=account, listener=arn, address=account.emulator.serve(arn))


def rolls(account: Account) -> list[Figure]:
    """A roll of two machines, both sides from a group that serves: in seconds, and in calls."""
    script = by_hand(account)
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
            say(f"{side}: {len(asked)} calls: {told(asked)}")
    return [
        Figure(
            name="roll of 2 machines (emulated AWS)",
            phoenix=Side(seconds=tuple(seconds["phoenix"])),
            beside="a straight boto3 script",
            other=Side(seconds=tuple(seconds["script"])),
            must=1.1,
            aim=1.05,
            note=ROLL_NOTE,
        ),
        Figure(
            name="the same in calls of AWS",
            phoenix=Side(seconds=tuple(calls["phoenix"])),
            beside="the same script",
            other=Side(seconds=tuple(calls["script"])),
            must=1.2,
            aim=1.1,
            unit="calls",
            note="each decision is taken on a fresh look, each write is read back, and each removal is by name and "
            "label; before the first effect limits, quotas and what a successor would lack are read.",
        ),
    ]


def bake(account: Account) -> Limit:
    """A bake of two layers that are there: which calls that takes."""
    counted: list[float] = []
    for _round in range(BAKES):
        account.calls()
        done = account.phoenix("bake", "foundation", "nodejs")
        asked = account.calls()
        if done["baked"] or {call.action for call in asked} - {"DescribeImages", "DescribeTags"}:
            raise FailedError(f"the bake was no hit: {told(asked)}")
        counted.append(sum(1 for call in asked if call.action == "DescribeImages"))
        say(f"bake that is a hit: {told(asked)}")
    return Limit(
        name="bake whose keys exist (AWS), two layers",
        seen=tuple(counted),
        unit="DescribeImages",
        must=1,
        aim=1,
        note="one for the images of the project, however many, and one for what the name pattern of the vendor's "
        "image means today, which is part of the key. One DescribeTags beside them finds what dead bakes have left.",
    )


def rollback(account: Account) -> Limit:
    """From the start of `phoenix rollback` until the write that moves the traffic has come to AWS."""
    account.edit("keep: 0s", "keep: 30m")
    account.next_release()
    account.phoenix("roll", "web-tier")
    taken: list[float] = []
    for _round in range(ROLLBACKS):
        former = next(group["name"] for group in account.phoenix("group", "list")["groups"] if not group["share"])
        account.calls()
        began = account.emulator.advance(0)
        account.phoenix("rollback", "web-tier", "--to", former)
        write = next(call for call in account.calls() if call.action in WRITES)
        taken.append(write.at - began)
        say(f"rollback: the write came after {taken[-1]:.2f} s")
    return Limit(
        name="rollback within keep (AWS), until the write",
        seen=tuple(taken),
        unit="s",
        must=5,
        aim=3,
        note="from the start of the process until the emulator has the call that moves the traffic. These are "
        "seconds of one machine, which must hold on a slow one, too.",
    )


def told(calls: Iterable[Call]) -> str:
    """Which calls they were, the most frequent first."""
    counted = Counter(call.action for call in calls)
    return ", ".join(f"{count} x {action}" for action, count in counted.most_common())


def figures(scratch: Path) -> tuple[list[Figure], list[Limit]]:
    """All of them, measured on accounts of their own; files in the directory `scratch`."""
    from benchmarks import aws_account, aws_large

    with aws_account.opened(scratch) as account:
        hit = bake(account)
        compared = rolls(account)
        back = rollback(account)
    return compared, [hit, back, *aws_large.limits(scratch)]
