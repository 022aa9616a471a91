"""The choice of the emulated load balancer: by the URL map's weights, what machines can bear, and a client's cookie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.emulators.gcp.balancing.picture import Drawn, Served
from tests.emulators.gcp.load_balancer import Chooser
from tests.emulators.machines.proxy import Choice, Place, Request

OLD, NEW = "global/backendServices/old", "global/backendServices/new"


def places(*names: str) -> tuple[Place, ...]:
    return tuple(Place(id=name, address="127.64.1.1", port=8080) for name in names)


def served(**groups: tuple[float, int]) -> Served:
    """A backend service: of each group what it bears, and how many machines are healthy."""
    return Served(
        backends={name: bears for name, (bears, _count) in groups.items()},
        places={name: places(*(f"{name}-{number}" for number in range(count))) for name, (_b, count) in groups.items()},
    )


@dataclass
class Front:
    """A chooser whose picture a test draws."""

    drawn: Drawn
    now: float = 0.0

    def __post_init__(self) -> None:
        self._chooser = Chooser("web", lambda: self.drawn, lambda: self.now)

    def ask(self, target: str = "/", **headers: str) -> Choice:
        sent = {"host": "shop.example.com:8080", **headers}
        return self._chooser.choose(Request(method="GET", target=target, headers=sent))

    def machines(self, count: int, **headers: str) -> Counter[str]:
        chosen = (self.ask(**headers).place for _each in range(count))
        return Counter(place.id if place else "" for place in chosen)


def front(url_map: Mapping[str, Any], **services: Served) -> Front:
    return Front(
        Drawn(maps={"web": dict(url_map)}, services={"global/backendServices/" + k: v for k, v in services.items()})
    )


def weighted(old: int, new: int) -> dict[str, Any]:
    weights = [{"backendService": OLD, "weight": old}, {"backendService": NEW, "weight": new}]
    return {"defaultRouteAction": {"weightedBackendServices": weights}}


def test_the_weights_of_the_url_map_are_kept_exactly() -> None:
    one = front(weighted(90, 10), old=served(old=(1, 1)), new=served(new=(1, 1)))
    assert one.machines(20) == {"old-0": 18, "new-0": 2}
    one.drawn = replace(one.drawn, maps={"web": weighted(0, 100)})
    assert one.machines(20) == {"new-0": 20}


def test_a_host_of_its_own_goes_before_the_default() -> None:
    url_map = {
        **weighted(100, 0),
        "hostRules": [{"hosts": ["new.t0ken"], "pathMatcher": "preview"}],
        "pathMatchers": [{"name": "preview", "defaultService": NEW}],
    }
    one = front(url_map, old=served(old=(1, 1)), new=served(new=(1, 1)))
    assert one.machines(5, host="new.t0ken") == {"new-0": 5}
    assert one.machines(5, host="new.t0ken:8080") == {"new-0": 5}
    assert one.machines(5, host="new.guess") == {"old-0": 5}


def test_the_groups_of_a_backend_service_get_what_they_bear() -> None:
    one = front({"defaultService": OLD}, old=served(a=(3.0, 3), b=(1.0, 1)))
    assert one.machines(40) == {"a-0": 10, "a-1": 10, "a-2": 10, "b-0": 10}
    one = front({"defaultService": OLD}, old=served(a=(2.0, 2), b=(0.0, 2)))
    assert set(one.machines(40)) == {"a-0", "a-1"}


def test_who_has_no_healthy_machine_answers_for_itself() -> None:
    one = front(weighted(50, 50), old=served(old=(0.0, 0)), new=served(new=(1, 1)))
    assert sorted(one.ask().status for _each in range(4)) == [200, 200, 503, 503]
    assert front({"defaultService": OLD}).ask().status == 503
    assert Front(Drawn()).ask().status == 404


def test_a_client_stays_with_its_machine_while_that_is_healthy_and_its_group_gets_traffic() -> None:
    sticky = replace(served(a=(2.0, 2), b=(1.0, 1)), cookie="GCLB", lasts=60)
    one = front({"defaultService": OLD}, old=sticky)
    first = one.ask()
    assert first.place is not None
    (_name, cookie), kept = first.headers[0], first.place.id
    assert cookie.startswith("GCLB=")
    assert cookie.endswith("Max-Age=60")
    sent = cookie.partition(";")[0]
    assert one.machines(6, cookie=sent) == {kept: 6}
    assert len(one.machines(6)) == 3
    assert len(one.machines(6, cookie="GCLB=nonsense")) == 3
    drained = replace(sticky, backends={**sticky.backends, kept[0]: 0.0})
    one.drawn = replace(one.drawn, services={OLD: drained})
    assert kept not in one.machines(6, cookie=sent)
    one.drawn, one.now = replace(one.drawn, services={OLD: sticky}), 61.0
    assert len(one.machines(6, cookie=sent)) == 3


def test_the_time_that_a_machine_has_is_the_services() -> None:
    one = front({"defaultService": OLD}, old=replace(served(a=(1, 1)), patience=7.0))
    assert one.ask().patience == 7.0
