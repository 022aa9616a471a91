"""Several groups behind one backend service, at the wire: who gets traffic, what is written, what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import born_with
from phoenix.clouds.gcp.links import full
from phoenix.errors import CloudError, RefusedError, StaleRouteError, UnreachableError
from phoenix.manner import DrainedBy, PreviewBy
from tests.emulators.gcp import Emulator
from tests.support.fakes.gcp_route import LEGACY, NEW, OLD, SHARED, Routes, as_wanted, attached, shares, shift

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=[False, True], ids=["global", "regional"])
def routes(gcp: Emulator, request: pytest.FixtureRequest) -> Routes:
    return shared(Routes(gcp, regional=request.param))


@pytest.fixture
def one(gcp: Emulator) -> Routes:
    """A global backend service, where it makes no difference."""
    return shared(Routes(gcp))


def shared(routes: Routes) -> Routes:
    """The URL map sends to a backend service that has no backend yet."""
    routes.serve(routes.backend_service(SHARED, connectionDraining={"drainingTimeoutSec": 30}))
    routes.asked()
    return routes


def test_how_it_behaves_is_told(one: Routes) -> None:
    manner = one.shared().manner
    assert (manner.exact_shares, manner.drain, manner.preview) == (False, DrainedBy.MANAGER, PreviewBy.NONE)
    assert manner.first_serves
    assert one.shared().preview(OLD) is None


def test_the_first_group_serves_at_once_and_the_next_is_checked_and_gets_nothing(routes: Routes) -> None:
    traffic = routes.shared()
    traffic.check()
    assert traffic.prepare(as_wanted(OLD)) == ("named-port/http:8080",)
    attached(routes, traffic, OLD)
    assert shares(traffic) == {OLD: 100}
    for _time in range(2):
        attached(routes, traffic, NEW)
    backend = traffic.read().backend(NEW)
    assert backend is not None
    assert (backend.share, backend.healthy, backend.total) == (0, 2, 2)
    assert backend.seen == "capacityScaler 0, meant: 0 %"
    assert routes.backends() == {OLD: 1, NEW: 0}


def test_a_shift_is_one_write_of_the_whole_backend_service(routes: Routes) -> None:
    traffic = routes.shared()
    attached(routes, traffic, OLD, NEW)
    routes.asked()
    shift(traffic, old=67, new=33)
    assert [each.replace("region", "").lower() for each in routes.written()] == ["backendservices.update"]
    assert routes.backends() == {OLD: 1, NEW: 1}
    meant = [json.loads(each["description"])["phoenix-share"] for each in routes.service(SHARED)["backends"]]
    assert meant == ["67", "33"]
    assert shares(traffic) == {OLD: 50, NEW: 50}, "two machines each: the meant shares are no promise"
    shift(traffic, new=100)
    assert routes.backends() == {OLD: 0, NEW: 1}
    routes.asked()
    shift(traffic, new=100)
    assert routes.written() == []


def test_a_look_asks_once_for_each_group_and_for_the_backend_service(one: Routes) -> None:
    traffic = one.shared(address="http://www.acme.example")
    attached(one, traffic, OLD, NEW)
    one.asked()
    assert traffic.read().address == "http://www.acme.example"
    assert one.asked() == ["backendServices.get", "backendServices.getHealth", "backendServices.getHealth"]


def test_the_address_is_that_of_a_url_map_that_sends_there(routes: Routes) -> None:
    assert routes.shared().read().address == ("http://10.0.0.9" if routes.region else "http://203.0.113.1")


def test_the_last_backend_is_taken_out_though_a_patch_without_backends_does_nothing(one: Routes) -> None:
    """A list that is empty is left out of what the SDK sends: a PATCH of it changes nothing, and says it is done."""
    traffic = one.shared()
    attached(one, traffic, OLD)
    body: dict[str, Any] = {"fingerprint": one.service(SHARED)["fingerprint"], "backends": []}
    with pytest.raises(CloudError, match="cannot make backends empty"):
        one.calls.change("backendServices", "patch", backendService=SHARED, body=body)
    assert one.backends() == {OLD: 1}, "the trap"
    shift(traffic)
    assert one.backends() == {}
    assert traffic.read().backends == ()
    one.burn(OLD)


def test_what_phoenix_did_not_make_comes_back_as_it_was(routes: Routes) -> None:
    routes.make(LEGACY, 2, ("named-port/http:8080",))
    told = routes.service(SHARED)
    backend = {"group": routes.link_of_group(LEGACY), "capacityScaler": 0.8, "description": "the old shop"}
    _update(routes, {**told, "backends": [{**backend, "balancingMode": "RATE", "maxRatePerInstance": 40}]})
    before = routes.service(SHARED)["backends"]
    traffic = routes.shared()
    traffic.check()
    assert shares(traffic) == {LEGACY: 100}
    attached(routes, traffic, NEW)
    new = next(each for each in routes.service(SHARED)["backends"] if each["group"].endswith(NEW))
    assert (new["balancingMode"], new["maxRatePerInstance"]) == ("RATE", 40), "as what serves is balanced"
    shift(traffic, new=100)
    assert routes.backends() == {LEGACY: 0, NEW: 0.8}
    shift(traffic)
    assert routes.service(SHARED)["backends"][0] == before[0]
    assert routes.backends() == {LEGACY: 0.8, NEW: 0}
    shift(traffic)
    assert routes.backends() == {LEGACY: 0.8, NEW: 0}


def test_a_group_leaves_only_after_its_machines_were_drained(routes: Routes) -> None:
    traffic = routes.shared()
    attached(routes, traffic, OLD, NEW)
    with pytest.raises(CloudError, match="100 %"):
        traffic.detach(OLD)
    shift(traffic, new=100)
    for _time in range(2):
        traffic.detach(OLD)
    assert [each.group for each in traffic.read().backends] == [NEW]
    assert routes.backends() == {OLD: 0, NEW: 1}, "its manager drains machines by it"
    born_with.remove(routes.calls, routes.world.region, "test", OLD)
    assert routes.backends() == {NEW: 1}
    routes.burn(OLD)
    born_with.remove(routes.calls, routes.world.region, "test", OLD)
    assert routes.backends() == {NEW: 1}


def test_a_group_that_left_is_taken_up_again_without_traffic(one: Routes) -> None:
    traffic = one.shared()
    attached(one, traffic, OLD, NEW)
    shift(traffic, new=100)
    traffic.detach(OLD)
    attached(one, traffic, OLD)
    assert shares(traffic) == {NEW: 100}
    assert traffic.read().backend(OLD)


def test_who_moves_traffic_by_hand_is_noticed(one: Routes) -> None:
    traffic = one.shared()
    attached(one, traffic, OLD, NEW)
    seen = traffic.read()
    told = one.service(SHARED)
    _update(one, {**told, "backends": [{**each, "capacityScaler": 0.5} for each in told["backends"]]})
    with pytest.raises(StaleRouteError):
        traffic.shift({NEW: 100}, seen)
    assert one.backends() == {OLD: 0.5, NEW: 0.5}
    shift(traffic, new=100)
    assert one.backends() == {OLD: 0, NEW: 0.5}, "a scaler of somebody else is kept"


@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_answer_is_lost_is_looked_at(one: Routes, times: int) -> None:
    traffic = one.shared()
    attached(one, traffic, OLD, NEW)
    one.emulator.lose_answer("backendServices.update", times=times)
    shift(traffic, new=100)
    assert shares(traffic) == {NEW: 100}


def test_a_fingerprint_that_is_stale_is_read_again_and_decided_again(one: Routes) -> None:
    traffic = one.shared()
    attached(one, traffic, OLD, NEW)
    one.emulator.fail("backendServices.update", reason="conditionNotMet", status=412, times=3)
    shift(traffic, new=100)
    assert shares(traffic) == {NEW: 100}
    one.emulator.fail("backendServices.update", reason="conditionNotMet", status=412, times=9)
    with pytest.raises(UnreachableError):
        shift(traffic, old=100)


def test_what_phoenix_does_not_move_is_refused_by_name(one: Routes) -> None:
    one.backend_service("classic", loadBalancingScheme="EXTERNAL")
    with pytest.raises(RefusedError, match="a classic Application Load Balancer"):
        one.shared(backend_service="classic").check()
    with pytest.raises(RefusedError, match="there is no backend service nowhere"):
        one.shared(backend_service="nowhere").check(back=True)
    region = f"projects/{one.world.project}/regions/{one.world.region}"
    check = full(f"{region}/healthChecks/lines")
    one.emulator.seed(f"{region}/healthChecks/lines", type="TCP", tcpHealthCheck={"port": 80})
    lines = {"loadBalancingScheme": "INTERNAL", "protocol": "TCP", "healthChecks": [check], "backends": []}
    one.emulator.seed(f"{region}/backendServices/lines", **lines)
    one.region = one.world.region
    with pytest.raises(RefusedError, match="an internal passthrough Network Load Balancer"):
        one.shared(backend_service="lines").check()


def test_a_group_that_another_backend_service_has_too_is_refused(one: Routes) -> None:
    one.make(LEGACY)
    told = one.service(SHARED)
    _update(one, {**told, "backends": [{"group": one.link_of_group(LEGACY), "balancingMode": "UTILIZATION"}]})
    one.shared().check()
    one.backend_service("second", LEGACY)
    with pytest.raises(RefusedError) as refused:
        one.shared().check()
    assert "its group legacy is behind second as well" in refused.value.details


def test_a_shift_to_who_is_no_backend_changes_nothing(one: Routes) -> None:
    traffic = one.shared()
    attached(one, traffic, OLD)
    with pytest.raises(CloudError, match="cannot get traffic"):
        shift(traffic, new=100)
    with pytest.raises(CloudError, match="0 managed groups are called"):
        traffic.attach(as_wanted(NEW))
    assert one.backends() == {OLD: 1}


def _update(routes: Routes, told: dict[str, Any]) -> None:
    told_only = ("kind", "id", "selfLink", "creationTimestamp", "usedBy", "region")
    body = {key: value for key, value in told.items() if key not in told_only}
    where: dict[str, Any] = {"region": routes.region} if routes.region else {}
    collection = "regionBackendServices" if routes.region else "backendServices"
    routes.calls.change(collection, "update", **where, backendService=SHARED, body=body)
