"""What a route of a URL map refuses before a roll, and in it: not one route's to move, not of a kind that is moved."""

from __future__ import annotations

import pytest

from phoenix.clouds.gcp.links import full
from phoenix.errors import RefusedError
from phoenix.model import Health
from tests.emulators.gcp import Emulator
from tests.support.fakes.gcp_route import (
    LEGACY,
    NEW,
    OLD,
    Routes,
    as_wanted,
    attached,
    settable,
    shares,
    shift,
    weights,
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def routes(gcp: Emulator) -> Routes:
    return Routes(gcp)


def test_the_users_own_tests_of_a_url_map_are_told_before_a_roll(routes: Routes) -> None:
    legacy = routes.foreign()
    routes.serve(legacy)
    routes.write(tests=[{"host": "www.acme.example", "path": "/", "service": full(legacy)}])
    with pytest.raises(RefusedError) as refused:
        routes.traffic().check()
    assert "a test that wants legacy-backend to serve" in refused.value.brief
    assert "www.acme.example/" in refused.value.details


def test_the_users_own_tests_may_refuse_a_write_and_that_is_told(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    fallback = full(f"{routes.parent}/backendServices/{routes.world.fallback}")
    routes.write(tests=[{"host": "www.acme.example", "path": "/", "service": fallback}])
    with pytest.raises(RefusedError, match="the URL map's own tests refuse it") as refused:
        shift(traffic, old=100)
    assert "but actually mapped to" in refused.value.details
    assert weights(routes.told()) == [(routes.world.fallback, 100)]


def test_a_backend_service_that_other_routes_use_too_is_refused_naming_them(routes: Routes) -> None:
    legacy = routes.foreign()
    routes.serve(legacy)
    traffic = routes.traffic()
    attached(routes, traffic, NEW)
    routes.emulator.seed(f"{routes.parent}/urlMaps/another", defaultService=full(legacy))
    with pytest.raises(RefusedError) as refused:
        traffic.check()
    assert "the URL map another also sends to it" in refused.value.details
    traffic.check(back=True)
    host_rules, matchers = routes.told()["hostRules"], routes.told()["pathMatchers"]
    routes.write(
        hostRules=[*host_rules, {"hosts": ["b.example"], "pathMatcher": "b"}],
        pathMatchers=[*matchers, {"name": "b", "defaultService": full(legacy)}],
    )
    with pytest.raises(RefusedError) as refused:
        shift(traffic, new=100)
    assert "the path matcher b also sends to it" in refused.value.details
    assert shares(traffic) == {LEGACY: 100}
    routes.write(hostRules=host_rules, pathMatchers=matchers)
    shift(traffic, new=100)
    routes.write(
        hostRules=[*routes.told()["hostRules"], {"hosts": ["b.example"], "pathMatcher": "b"}],
        pathMatchers=[*routes.told()["pathMatchers"], {"name": "b", "defaultService": full(legacy)}],
    )
    shift(traffic, legacy=100)
    assert shares(traffic) == {LEGACY: 100}, "the way back is not refused"


def test_groups_that_are_not_one_backend_services_alone_are_refused(routes: Routes) -> None:
    first = routes.foreign()
    routes.serve(first)
    second = routes.backend_service("second", LEGACY)
    with pytest.raises(RefusedError) as refused:
        routes.traffic().check()
    assert "its group legacy is behind second as well" in refused.value.details
    routes.calls.change("backendServices", "delete", backendService="second")
    routes.make("twin")
    both = routes.backend_service("both", "twin")
    routes.make("other")
    _add(routes, "both", "other")
    routes.serve(both)
    with pytest.raises(RefusedError) as refused:
        routes.traffic().check()
    assert "the groups other and twin share it" in refused.value.details
    assert second


def _add(routes: Routes, service: str, group: str) -> None:
    told = routes.service(service)
    backends = [*told["backends"], {"group": routes.link_of_group(group), "balancingMode": "UTILIZATION"}]
    body = {**settable(told), "backends": backends}
    routes.calls.change("backendServices", "update", backendService=service, body=body)


def test_an_instance_group_that_nobody_manages_is_refused(routes: Routes) -> None:
    zone, name = routes.world.zones[0], "by-hand"
    routes.calls.change("instanceGroups", "insert", zone=zone, body={"name": name})
    group = full(f"projects/{routes.world.project}/zones/{zone}/instanceGroups/{name}")
    service = routes.backend_service("web-by-hand")
    told = settable(routes.service("web-by-hand"))
    body = {**told, "backends": [{"group": group, "balancingMode": "UTILIZATION"}]}
    routes.calls.change("backendServices", "update", backendService="web-by-hand", body=body)
    routes.serve(service)
    with pytest.raises(RefusedError) as refused:
        routes.traffic().check()
    assert "by-hand is an instance group that nobody manages" in refused.value.details


@pytest.mark.parametrize(
    ("scheme", "named"),
    [("EXTERNAL", "a classic Application Load Balancer"), ("INTERNAL_SELF_MANAGED", "a service mesh")],
)
def test_load_balancers_that_phoenix_does_not_move_are_refused_by_name(routes: Routes, scheme: str, named: str) -> None:
    routes.serve(routes.foreign(loadBalancingScheme=scheme))
    with pytest.raises(RefusedError, match=named):
        routes.traffic().check()
    routes.traffic().check(back=True)


def test_a_network_endpoint_group_is_refused_by_name(routes: Routes) -> None:
    zone = routes.world.zones[0]
    group = f"projects/{routes.world.project}/zones/{zone}/networkEndpointGroups/pods"
    routes.emulator.seed(group, networkEndpointType="GCE_VM_IP_PORT")
    service = routes.backend_service("pods")
    told = settable(routes.service("pods"))
    backends = [{"group": full(group), "balancingMode": "RATE", "maxRatePerEndpoint": 10}]
    routes.calls.change("backendServices", "update", backendService="pods", body={**told, "backends": backends})
    routes.serve(service)
    with pytest.raises(RefusedError, match="sends to the network endpoint group pods"):
        routes.traffic().check()


def test_a_url_map_that_no_forwarding_rule_leads_to_is_refused(routes: Routes) -> None:
    routes.emulator.seed(f"{routes.parent}/urlMaps/lonely", defaultService=routes.told()["defaultService"])
    routes.emulator.seed(f"{routes.parent}/urlMaps/away", defaultUrlRedirect={"hostRedirect": "www.acme.example"})
    for name in ("lonely", "away"):
        with pytest.raises(RefusedError, match=f"no forwarding rule leads to the URL map {name}"):
            routes.traffic(url_map=name).check()
        routes.traffic(url_map=name).check(back=True)


def test_what_is_missing_is_told_by_name(routes: Routes) -> None:
    with pytest.raises(RefusedError, match="there is no URL map wbe"):
        routes.traffic(url_map="wbe").check()
    with pytest.raises(RefusedError, match="has no route shop") as refused:
        routes.traffic(route="shop").check(back=True)
    assert refused.value.details == "it has default"


def test_an_answer_that_googles_checks_cannot_ask_for_is_refused(routes: Routes) -> None:
    traffic = routes.traffic(health=Health(status=204))
    with pytest.raises(RefusedError, match="cannot ask for an answer of 204"):
        traffic.prepare(as_wanted(NEW))
    assert NEW not in routes.names("backendServices")


def test_where_somebody_took_phoenixs_word_off_a_backend_service_it_stays(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD)
    body = {"description": "mine now", "fingerprint": routes.service(OLD)["fingerprint"]}
    routes.calls.change("backendServices", "patch", backendService=OLD, body=body)
    traffic.detach(OLD)
    assert OLD in routes.names("backendServices")
    with pytest.raises(RefusedError, match="did not make the backend service"):
        traffic.prepare(as_wanted(OLD))
