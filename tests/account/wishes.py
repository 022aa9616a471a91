"""What a run is asked for, by variables. Without them it does nothing: it spends somebody's money."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.errors import RefusedError
from tests.account import costs

REGION, SUBNETS, SPEND = "PHOENIX_AWS_REGION", "PHOENIX_AWS_SUBNETS", "PHOENIX_AWS_SPEND"
MINUTES, CLIENTS = "PHOENIX_AWS_MINUTES", "PHOENIX_AWS_CLIENTS"
LONGEST = 480.0
"""Minutes: whatever takes longer hangs."""
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Where a run happens, and how long it may take."""

    region: str
    subnets: tuple[str, ...]
    """Public ones, in two zones of one VPC: a load balancer asks for that."""
    minutes: float = costs.LIMIT
    clients: str = "0.0.0.0/0"
    """Addresses that may ask the balancer."""


def read(environment: Mapping[str, str]) -> Wishes:
    """What the variables ask for. RefusedError where one is missing or makes no sense."""
    minutes = number(environment, MINUTES, costs.LIMIT)
    if not 1 <= minutes <= LONGEST:
        raise _refused(f"{MINUTES} is {minutes:g}", f"It can be 1 to {LONGEST:g}.")
    region = environment.get(REGION, "").strip()
    if not region:
        raise _refused(f"{REGION} is not set", f"Say `{REGION}=eu-west-1` before `make test-aws`.")
    subnets = tuple(re.split(r"[\s,]+", environment.get(SUBNETS, "").strip()))
    if len(set(subnets)) < 2:
        raise _refused(
            f"{SUBNETS} names fewer than two subnets",
            f"Say `{SUBNETS}=subnet-a,subnet-b`: public subnets in two zones of one VPC.",
        )
    _agreed(environment, costs.ceiling(minutes))
    clients = environment.get(CLIENTS, "").strip() or Wishes.clients
    return Wishes(region=region, subnets=subnets, minutes=minutes, clients=clients)


def _agreed(environment: Mapping[str, str], ceiling: float) -> None:
    spend = number(environment, SPEND, 0.0)
    if spend < ceiling:
        said = f"is ${spend:.2f}" if spend else "is not set"
        raise _refused(f"{SPEND} {said}", f"Say `{SPEND}={ceiling:.2f}` where that is yours to spend.", ceiling)


def number(environment: Mapping[str, str], name: str, otherwise: float) -> float:
    """The number of a variable. RefusedError where it is none."""
    text = environment.get(name, "").strip()
    if text and not _NUMBER.fullmatch(text):
        raise _refused(f"{name} is {text!r}", "Say a number, such as 90 or 1.50.")
    return float(text) if text else otherwise


def _refused(what: str, resolution: str, ceiling: float | None = None) -> RefusedError:
    """`ceiling`: dollars."""
    cost = f"; such a run costs at most ${ceiling:.2f}" if ceiling else ""
    return RefusedError(
        "the run on a real account was not begun", details=f"{what}{cost}; nothing was made", resolution=resolution
    )
