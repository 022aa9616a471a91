"""The figures of AWS, on an emulated account: a roll beside a script, a large group, a bake that hits, a way back."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from benchmarks import emulated
from benchmarks.aws_account import Account
from benchmarks.emulated import DRAIN, INTERVAL, Words
from benchmarks.measure import FailedError, run, say
from benchmarks.report import Figure, Limit

ROLLS, BAKES = 3, 3
"""Rounds of each figure."""
WRITES = ("ModifyListener", "ModifyRule")
WORDS = Words(
    cloud="AWS",
    script="a straight boto3 script",
    roll="the emulated account, machines that are up after two seconds, the whole command beside a straight script "
    "(`benchmarks/aws_by_hand.py`) that makes the same change: a target group with the attributes of the one that "
    "serves, its rule, a launch template, a group; three good looks in a row, five seconds apart; one write, read "
    "back; ten seconds to settle; the former group drained and removed with all that belongs to it. The script keeps "
    "no record, refuses nothing and cannot go back.",
    calls="each decision is taken on a fresh look, which asks nothing twice, each write is read back, and each removal "
    "is by name and label; before the first effect limits, quotas and what a successor would lack are read.",
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


def bake(account: Account) -> Limit:
    """A bake of two layers that are there: which calls that takes."""
    counted: list[float] = []
    for _round in range(BAKES):
        account.asked()
        done = account.phoenix("bake", "foundation", "nodejs")
        asked = account.asked()
        if done["baked"] or {call.what for call in asked} - {"DescribeImages", "DescribeTags"}:
            raise FailedError(f"the bake was no hit: {emulated.told(asked)}")
        counted.append(sum(1 for call in asked if call.what == "DescribeImages"))
        say(f"bake that is a hit: {emulated.told(asked)}")
    return Limit(
        name="bake whose keys exist (AWS), two layers",
        seen=tuple(counted),
        unit="DescribeImages",
        must=1,
        aim=1,
        note="one for the images of the project, however many, and one for what the name pattern of the vendor's "
        "image means today, which is part of the key: a call joins its filters by AND, and the former are known by "
        "their tag alone. One DescribeTags beside them finds what dead bakes have left.",
    )


def figures(scratch: Path) -> tuple[list[Figure], list[Limit]]:
    """All of them, measured on accounts of their own; files in the directory `scratch`."""
    from benchmarks import aws_account, aws_large

    note = (
        "from the start of the process until the emulator has the call that moves the traffic. These are seconds of "
        "one machine, which must hold on a slow one, too."
    )
    with aws_account.opened(scratch) as account:
        hit = bake(account)
        compared = emulated.rolls(account, by_hand(account).roll, WORDS, rounds=ROLLS)
        back = emulated.rollback(account, WORDS.cloud, WRITES, note)
    return compared, [hit, back, *aws_large.limits(scratch)]
