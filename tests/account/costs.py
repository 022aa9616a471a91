"""What a run costs at most: everything that it may have at once, for all of its time, at twice the list price."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

AS_OF = "January 2025"
"""When the prices were the list's. They were written down by hand; nothing looks whether they have changed."""
REGIONS = 2.0
"""No region was known to ask twice as much as those of which the tables are."""
TEARDOWN = 20.0
"""Minutes that the removal may take after the time of the story is over."""
MONTH = 730.0
"""Hours, as AWS and Google count them."""
LIMIT = 90.0
"""Minutes that the story may take, where nobody says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of one thing for an hour, in US dollars, and how many of it there may be at once."""

    what: str
    dollars: float
    most: int
    source: str


PRICES = (
    Price(
        what="machines t3.small (two groups of two, a builder, one that an answer was lost of)",
        dollars=0.0208,
        most=6,
        source="https://aws.amazon.com/ec2/pricing/on-demand/",
    ),
    Price(
        what="public addresses (of each machine, and two of the balancer)",
        dollars=0.005,
        most=8,
        source="https://aws.amazon.com/vpc/pricing/",
    ),
    Price(
        what="GiB of gp3 disks (8 of each machine)",
        dollars=0.08 / MONTH,
        most=48,
        source="https://aws.amazon.com/ebs/pricing/",
    ),
    Price(
        what="GiB of snapshots (8 of each of three images)",
        dollars=0.05 / MONTH,
        most=24,
        source="https://aws.amazon.com/ebs/pricing/",
    ),
    Price(
        what="Application Load Balancer",
        dollars=0.0225,
        most=1,
        source="https://aws.amazon.com/elasticloadbalancing/pricing/",
    ),
    Price(
        what="capacity unit of it (the requests of the story are a fifth of one)",
        dollars=0.008,
        most=1,
        source="https://aws.amazon.com/elasticloadbalancing/pricing/",
    ),
)


def ceiling(minutes: float, prices: Sequence[Price] = PRICES) -> float:
    """Dollars, in whole cents, that a run of so many minutes costs at most: its removal included, in begun hours."""
    hours = math.ceil((minutes + TEARDOWN) / 60)
    an_hour = REGIONS * sum(price.dollars * price.most for price in prices)
    return math.ceil(an_hour * hours * 100) / 100


def told(minutes: float, prices: Sequence[Price] = PRICES, of: str = f"us-east-1, {AS_OF}") -> str:
    """The table and its sum, as a person reads it before it costs anything."""
    rows = [f"  {price.most:3} x ${price.dollars:.5f} an hour: {price.what}" for price in prices]
    sources = sorted({price.source for price in prices})
    return "\n".join(
        [
            *rows,
            f"  list prices of {of}: {', '.join(sources)}",
            f"  {minutes:.0f} minutes and {TEARDOWN:.0f} for the removal, in whole hours, at {REGIONS:.0f} times these "
            f"prices: at most ${ceiling(minutes, prices):.2f}",
        ]
    )
