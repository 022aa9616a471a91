"""A route of a URL map when things go wrong: answers lost, others faster, changed by hand, another kind, another's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import born_with
from phoenix.clouds.gcp.calls import Calls
from phoenix.errors import CloudError, RefusedError, StaleRouteError, UnreachableError
from tests.emulators.gcp import Emulator
from tests.support.fakes.gcp_route import (
    NEW,
    OLD,
    Routes,
    as_wanted,
    attached,
    settable,
    shares,
    shift,
)

pytestmark = pytest.mark.timeout(120)


class Raced(Calls):
    """Calls of a process that is always a moment late: before it writes a thing whole, somebody else does."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls._spec)
        self.others: list[Callable[[], object]] = []

    def web(self, verb: str, url: str, /, *, body: Any = None) -> Any:
        if verb == "PUT" and self.others:
            self.others.pop(0)()
        return super().web(verb, url, body=body)


@pytest.fixture
def routes(gcp: Emulator) -> Routes:
    return Routes(gcp)


@pytest.fixture
def raced(routes: Routes) -> tuple[Routes, Raced]:
    """The routes, and what is said of them a moment late."""
    own, late = routes.calls, Raced(routes.calls)
    routes.calls = late
    others = Routes.__new__(Routes)
    others.__dict__ |= {**routes.__dict__, "calls": own}
    return others, late


def test_a_strangers_backend_service_of_that_name_is_left_alone(routes: Routes) -> None:
    routes.backend_service(NEW)
    with pytest.raises(RefusedError, match=NEW):
        routes.traffic().prepare(as_wanted(NEW))
    routes.traffic().detach(NEW)
    assert NEW in routes.names("backendServices")


def test_a_strangers_health_check_of_that_name_is_left_alone(routes: Routes) -> None:
    check = {"name": OLD, "type": "TCP", "tcpHealthCheck": {"port": 22}}
    routes.calls.change("healthChecks", "insert", body=check)
    with pytest.raises(RefusedError, match="the health check"):
        routes.traffic().prepare(as_wanted(OLD))
    routes.traffic().detach(OLD)
    assert OLD in routes.names("healthChecks")


def test_a_route_that_somebody_changes_by_hand_is_not_written(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    seen = traffic.read()
    routes.write(defaultRouteAction={"timeout": {"seconds": "9"}})
    with pytest.raises(StaleRouteError):
        traffic.shift({NEW: 100}, seen)
    shift(traffic, new=100)
    assert routes.told()["defaultRouteAction"] == {"timeout": {"seconds": "9"}}


def test_412_where_others_write_the_same_map_it_is_read_and_decided_again(raced: tuple[Routes, Raced]) -> None:
    routes, late = raced
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    slow = Routes.traffic(_with(routes, late))
    late.others = [partial(routes.write, description=f"by hand, {n}") for n in range(3)]
    slow.shift({OLD: 95, NEW: 5}, slow.read())
    assert routes.told()["description"] == "by hand, 2", "what others wrote meanwhile is not undone"
    assert shares(traffic) == {OLD: 95, NEW: 5}


def test_412_where_others_move_the_same_route_nothing_is_written(raced: tuple[Routes, Raced]) -> None:
    routes, late = raced
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    slow = Routes.traffic(_with(routes, late))
    seen = slow.read()
    late.others = [lambda: shift(traffic, old=50, new=50)]
    with pytest.raises(StaleRouteError):
        slow.shift({NEW: 100}, seen)
    assert shares(traffic) == {OLD: 50, NEW: 50}


def test_412_again_and_again_is_unknown_in_the_end(raced: tuple[Routes, Raced]) -> None:
    routes, late = raced
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    slow = Routes.traffic(_with(routes, late))
    late.others = [partial(routes.write, description=str(n)) for n in range(9)]
    with pytest.raises(UnreachableError, match="by somebody else each time"):
        slow.shift({OLD: 100}, slow.read())
    late.others = []
    slow.shift({OLD: 100}, slow.read())
    assert shares(traffic) == {OLD: 100}


def _with(routes: Routes, calls: Calls) -> Routes:
    found = Routes.__new__(Routes)
    found.__dict__ |= {**routes.__dict__, "calls": calls}
    return found


@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_answer_is_lost_is_looked_at(routes: Routes, times: int) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    routes.emulator.lose_answer("urlMaps.update", times=times)
    shift(traffic, old=95, new=5)
    assert shares(traffic) == {OLD: 95, NEW: 5}


@pytest.mark.parametrize(("reason", "status"), [("backendError", 503), ("rateLimitExceeded", 403)])
def test_a_write_that_is_not_taken_is_unknown_and_may_be_said_again(routes: Routes, reason: str, status: int) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    routes.emulator.fail("urlMaps.update", reason=reason, status=status)
    shift(traffic, old=95, new=5)
    routes.emulator.fail("urlMaps.update", reason=reason, status=status, times=2)
    with pytest.raises(UnreachableError):
        shift(traffic, new=100)
    assert shares(traffic) == {OLD: 95, NEW: 5}
    shift(traffic, new=100)
    assert shares(traffic) == {NEW: 100}


def test_a_write_that_is_accepted_and_fails_is_no_write(routes: Routes) -> None:
    """An operation that is DONE can hold an error."""
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    routes.emulator.fail("urlMaps.update", code="INTERNAL_ERROR", message="Internal error.")
    with pytest.raises(CloudError):
        shift(traffic, new=100)
    assert shares(traffic) == {OLD: 100}


def test_a_write_while_another_is_under_way_is_said_again(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    routes.emulator.fail("urlMaps.update", reason="resourceNotReady", status=400, times=2)
    with pytest.raises(UnreachableError, match="being changed by somebody else"):
        shift(traffic, old=100)
    shift(traffic, old=100)
    assert shares(traffic) == {OLD: 100}


@pytest.mark.parametrize("method", ["healthChecks.insert", "backendServices.insert", "backendServices.update"])
def test_what_is_not_ready_is_unknown_and_may_be_said_again(routes: Routes, method: str) -> None:
    traffic = routes.traffic()
    routes.emulator.fail(method, reason="resourceNotReady", status=400, times=2)
    with pytest.raises(UnreachableError, match="being changed by somebody else"):
        attached(routes, traffic, OLD)
    attached(routes, traffic, OLD)
    assert [each.group for each in traffic.read().backends] == [OLD]


@pytest.mark.parametrize("method", ["healthChecks.insert", "backendServices.insert", "backendServices.update"])
def test_what_is_made_by_a_call_whose_answer_is_lost_is_made_once(routes: Routes, method: str) -> None:
    traffic = routes.traffic()
    routes.emulator.lose_answer(method)
    attached(routes, traffic, OLD)
    assert OLD in routes.names("backendServices")
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert backend.healthy == 2


@pytest.mark.parametrize("method", ["urlMaps.get", "backendServices.getHealth"])
def test_a_look_without_an_answer_is_unknown(routes: Routes, method: str) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    routes.emulator.fail(method, reason="backendError", times=2)
    with pytest.raises(UnreachableError):
        traffic.read()
    assert traffic.read().backend(OLD)


def test_a_health_list_that_is_empty_is_not_healthy(routes: Routes) -> None:
    routes.emulator.configure(health_lag=60)
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert (backend.healthy, backend.total) == (0, 0)
    assert backend.seen == "its balancer tells of no machine yet"
    routes.emulator.advance(60)
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert (backend.healthy, backend.total) == (2, 2)


def test_what_checks_say_is_seen_in_their_own_words(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    routes.emulator.sick(OLD)
    backend = traffic.read().backend(OLD)
    assert backend is not None
    assert (backend.healthy, backend.total) == (0, 2)
    assert backend.seen.startswith("2 x UNHEALTHY (")
    assert [words for _machine, words in backend.checks] == ["UNHEALTHY", "UNHEALTHY"]


def test_what_is_half_made_by_a_run_that_died_is_finished(routes: Routes) -> None:
    traffic = routes.traffic()
    for method in ("backendServices.insert", "urlMaps.update", "backendServices.update"):
        routes.emulator.fail(method, reason="backendError", times=2)
        with pytest.raises(UnreachableError):
            attached(routes, traffic, NEW)
    attached(routes, traffic, NEW)
    assert [each.group for each in traffic.read().backends] == [NEW]


def test_what_is_left_of_a_run_that_died_while_it_prepared_is_removed(routes: Routes) -> None:
    routes.emulator.fail("urlMaps.update", reason="backendError", times=2)
    traffic = routes.traffic()
    with pytest.raises(UnreachableError):
        traffic.prepare(as_wanted(NEW))
    assert traffic.read().backends == ()
    traffic.detach(NEW)
    assert routes.names("backendServices") == [routes.world.fallback]
    assert NEW not in routes.names("healthChecks")
    traffic.prepare(as_wanted(NEW))
    traffic.detach(NEW)
    assert routes.names("backendServices") == [routes.world.fallback]
    assert routes.told().get("pathMatchers", []) == []


@pytest.mark.parametrize("method", ["backendServices.delete", "healthChecks.delete", "urlMaps.update"])
def test_what_a_run_left_that_died_while_it_removed_is_removed(routes: Routes, method: str) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    traffic.detach(OLD)
    routes.emulator.fail(method, reason="backendError", times=2)
    with pytest.raises(UnreachableError):
        born_with.remove(routes.calls, routes.world.region, "test", OLD)
    born_with.remove(routes.calls, routes.world.region, "test", OLD)
    assert OLD not in routes.names("healthChecks")
    assert routes.names("backendServices") == [routes.world.fallback]
    assert OLD not in str(routes.told())


def test_a_group_that_was_burnt_by_hand_while_it_left_is_swept(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, new=100)
    traffic.detach(OLD)
    told = routes.service(OLD)
    routes.calls.change("backendServices", "update", backendService=OLD, body={**settable(told), "backends": []})
    routes.burn(OLD)
    traffic.prepare(as_wanted(NEW))
    assert routes.names("backendServices") == sorted([routes.world.fallback, NEW])
    assert OLD not in str(routes.told())
