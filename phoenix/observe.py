"""What is there now: a cloud's and a balancer's fresh answers and the record's memory as one frozen value."""

from __future__ import annotations

from phoenix.clouds.api import Groups, Traffic
from phoenix.model import Observed
from phoenix.record.history import History


def service(groups: Groups, traffic: Traffic, history: History, *, service: str, environment: str) -> Observed:
    """One service in one environment. Raises CloudError where the cloud or the balancer gives no answer."""
    mine = tuple(g for g in groups.list() if (g.service, g.environment) == (service, environment))
    route = traffic.read()
    return Observed(
        groups=tuple(sorted(mine, key=lambda g: g.name)),
        route=route,
        last_number=history.last_number(service, environment),
        served=history.served(service, environment),
    )
