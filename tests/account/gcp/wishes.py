"""What a run is asked for, by variables. Without them it does nothing: it spends somebody's money."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from phoenix.errors import RefusedError
from tests.account import costs
from tests.account.gcp.prices import PRICES
from tests.account.wishes import LONGEST, number

PROJECT, REGION, NETWORK = "PHOENIX_GCP_PROJECT", "PHOENIX_GCP_REGION", "PHOENIX_GCP_NETWORK"
SPEND, MINUTES, CLIENTS = "PHOENIX_GCP_SPEND", "PHOENIX_GCP_MINUTES", "PHOENIX_GCP_CLIENTS"
NAMES = {PROJECT: r"[a-z][a-z0-9-]{4,28}[a-z0-9]", REGION: r"[a-z]+(-[a-z]+)+[0-9]+"}
"""What the names that must be given look like."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """Where a run happens, and how long it may take."""

    project: str
    region: str
    network: str = "default"
    """One whose subnetworks Google makes (auto mode)."""
    minutes: float = costs.LIMIT
    clients: str = "0.0.0.0/0"
    """Addresses that may open the machines that images are built on by SSH: this computer's."""


def read(environment: Mapping[str, str]) -> Wishes:
    """What the variables ask for. RefusedError where one is missing or makes no sense."""
    minutes = number(environment, MINUTES, costs.LIMIT)
    if not 1 <= minutes <= LONGEST:
        raise refused(f"{MINUTES} is {minutes:g}", f"It can be 1 to {LONGEST:g}.")
    project, region = place(environment)
    ceiling = costs.ceiling(minutes, PRICES)
    spend = number(environment, SPEND, 0.0)
    if spend < ceiling:
        said = f"is ${spend:.2f}" if spend else "is not set"
        cost = f"{SPEND} {said}; such a run costs at most ${ceiling:.2f}"
        raise refused(cost, f"Say `{SPEND}={ceiling:.2f}` where that is yours to spend.")
    return Wishes(
        project=project,
        region=region,
        network=environment.get(NETWORK, "").strip() or Wishes.network,
        minutes=minutes,
        clients=environment.get(CLIENTS, "").strip() or Wishes.clients,
    )


def place(environment: Mapping[str, str]) -> tuple[str, str]:
    """Project and region. RefusedError where one is missing."""
    given = {name: environment.get(name, "").strip() for name in NAMES}
    for name, form in NAMES.items():
        if not re.fullmatch(form, given[name]):
            said = f"is {given[name]!r}" if given[name] else "is not set"
            raise refused(f"{name} {said}", f"Say `{PROJECT}=shop-test {REGION}=europe-west1` before `make test-gcp`.")
    return given[PROJECT], given[REGION]


def refused(what: str, resolution: str) -> RefusedError:
    """Nothing is begun, because of this."""
    return RefusedError(
        "the run on a real project was not begun", details=f"{what}; nothing was made", resolution=resolution
    )
