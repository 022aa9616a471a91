"""A route of a URL map as a balancer, at the wire: the real SDK against an emulated Compute Engine."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import born_with, whole
from phoenix.clouds.gcp.links import full
from phoenix.errors import CloudError, RefusedError
from phoenix.manner import DrainedBy, PreviewBy
from tests.emulators.gcp import Emulator
from tests.support.fakes.gcp_route import (
    LEGACY,
    NEW,
    OLD,
    Routes,
    as_wanted,
    attached,
    shares,
    shift,
    weights,
)

pytestmark = pytest.mark.timeout(120)

_POLICIES = ("SecurityPolicy", "EdgeSecurityPolicy")
REWRITE = {"timeout": {"seconds": "30"}, "retryPolicy": {"numRetries": 2, "retryConditions": ["5xx"]}}


@pytest.fixture(params=[False, True], ids=["global", "regional"])
def routes(gcp: Emulator, request: pytest.FixtureRequest) -> Routes:
    return Routes(gcp, regional=request.param)


@pytest.fixture
def one(gcp: Emulator) -> Routes:
    """A global URL map, where it makes no difference."""
    return Routes(gcp)


def test_how_it_behaves_is_told(one: Routes) -> None:
    manner = one.traffic().manner
    assert (manner.exact_shares, manner.drain, manner.preview) == (True, DrainedBy.MANAGER, PreviewBy.HOST)


def test_a_group_gets_a_backend_service_that_is_checked_and_gets_nothing(routes: Routes) -> None:
    traffic = routes.traffic()
    for _time in range(2):
        assert traffic.prepare(as_wanted(NEW)) == ("named-port/http:8080",)
    made = routes.service(NEW)
    assert made["loadBalancingScheme"] == routes.service(routes.world.fallback)["loadBalancingScheme"]
    assert made["connectionDraining"] == {"drainingTimeoutSec": 30}
    assert made["healthChecks"] == [full(f"{routes.parent}/healthChecks/{NEW}")]
    assert made["usedBy"] == [{"reference": full(f"{routes.parent}/urlMaps/{routes.url_map}")}], (
        "else it is not checked"
    )
    assert made["description"] == (
        f'{{"phoenix-environment": "local", "phoenix-group": "{NEW}", "phoenix-map": "{routes.parent}/urlMaps/'
        f'{routes.url_map}", "phoenix-project": "test", "phoenix-service": "web"}}'
    )
    assert weights(routes.told()) == [(routes.world.fallback, 100)]
    assert len(routes.told()["hostRules"]) == 1
    attached(routes, traffic, NEW)
    backend = traffic.read().backend(NEW)
    assert backend is not None
    assert (backend.healthy, backend.total, backend.share) == (2, 2, 0)
    assert backend.well == set(routes.machines(NEW))


def test_a_shift_is_one_write_that_says_nothing_of_groups_without_a_share(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    routes.asked()
    shift(traffic, old=95, new=5)
    assert [each.replace("region", "").lower() for each in routes.written()] == ["urlmaps.update"]
    assert weights(routes.told()) == [(OLD, 95), (NEW, 5)]
    assert "defaultService" not in routes.told()
    shift(traffic, new=100)
    assert weights(routes.told()) == [(NEW, 100)]
    routes.asked()
    shift(traffic, new=100)
    assert routes.written() == []


def test_a_look_asks_once_for_each_group_and_for_the_map(one: Routes) -> None:
    traffic = one.traffic()
    attached(one, traffic, OLD, NEW)
    shift(traffic, old=100)
    traffic.read()
    one.asked()
    traffic.read()
    assert one.asked() == ["urlMaps.get", "backendServices.getHealth", "backendServices.getHealth"]


def test_everything_else_of_a_url_map_is_kept(routes: Routes) -> None:
    legacy = routes.foreign()
    fallback = full(f"{routes.parent}/backendServices/{routes.world.fallback}")
    matcher: dict[str, Any] = {
        "name": "shop",
        "defaultService": full(legacy),
        "defaultRouteAction": REWRITE,
        "pathRules": [{"paths": ["/static/*"], "service": fallback}],
    }
    routes.write(
        hostRules=[{"hosts": ["*.acme.example"], "pathMatcher": "shop", "description": "the shop"}],
        pathMatchers=[matcher],
        tests=[{"host": "www.acme.example", "path": "/static/a", "service": fallback}],
        description="the shop's map",
    )
    before = routes.told()
    traffic = routes.traffic(route="shop")
    attached(routes, traffic, NEW)
    shift(traffic, legacy=95, new=5)
    now = routes.told()
    assert now["pathMatchers"][0]["pathRules"] == matcher["pathRules"]
    assert now["pathMatchers"][0]["defaultRouteAction"]["retryPolicy"] == REWRITE["retryPolicy"]
    assert weights(now["pathMatchers"][0]) == [("legacy-backend", 95), (NEW, 5)]
    for key in ("description", "tests", "defaultService"):
        assert now[key] == before[key]
    assert now["hostRules"][0] == before["hostRules"][0]
    assert [each["defaultRouteAction"] for each in now["pathMatchers"][1:]] == [REWRITE, REWRITE], "previews do so, too"
    shift(traffic, new=100)
    shift(traffic)
    traffic.detach(NEW)
    back = routes.told()
    assert back["pathMatchers"][0] == before["pathMatchers"][0]


def test_what_the_serving_backend_service_has_a_new_one_has_too(one: Routes) -> None:
    policies = {name: f"projects/{one.world.project}/global/securityPolicies/{name}" for name in _POLICIES}
    one.foreign(
        timeoutSec=77,
        sessionAffinity="GENERATED_COOKIE",
        affinityCookieTtlSec=600,
        enableCDN=True,
        cdnPolicy={"cacheMode": "CACHE_ALL_STATIC", "defaultTtl": 60},
        logConfig={"enable": True, "sampleRate": 0.5},
        customResponseHeaders=["x-by: phoenix"],
    )
    for name, policy in policies.items():
        one.emulator.seed(policy)
        body = {"securityPolicy": full(policy)}
        one.calls.change("backendServices", f"set{name}", backendService="legacy-backend", body=body)
    one.serve(f"{one.parent}/backendServices/legacy-backend")
    traffic = one.traffic()
    traffic.check()
    attached(one, traffic, NEW)
    legacy, made = one.service("legacy-backend"), one.service(NEW)
    own = {"name", "id", "selfLink", "description", "fingerprint", "creationTimestamp", "usedBy", "backends"}
    differ = {key for key in {*legacy, *made} - own if legacy.get(key) != made.get(key)}
    assert differ == {"healthChecks", "connectionDraining"}
    assert made["securityPolicy"] == full(policies["SecurityPolicy"])
    assert made["edgeSecurityPolicy"] == full(policies["EdgeSecurityPolicy"])


def test_what_a_new_backend_service_would_lack_refuses_the_roll(one: Routes) -> None:
    one.foreign(iap={"enabled": True})
    one.serve(f"{one.parent}/backendServices/legacy-backend")
    with pytest.raises(RefusedError) as refused:
        one.traffic().check()
    assert "Identity-Aware Proxy" in refused.value.details
    with pytest.raises(RefusedError):
        one.traffic().prepare(as_wanted(NEW))
    assert NEW not in one.names("backendServices")
    one.traffic().check(back=True)
    accepting = one.traffic(accepts=True)
    accepting.check()
    accepting.prepare(as_wanted(NEW))
    assert one.service(NEW)["iap"] == {"enabled": True}, "it is never left open"


def test_a_group_that_phoenix_did_not_make_serves_and_is_checked_on_without_a_share(routes: Routes) -> None:
    routes.serve(routes.foreign())
    before = routes.told()
    traffic = routes.traffic()
    traffic.check()
    assert shares(traffic) == {LEGACY: 100}
    attached(routes, traffic, NEW)
    shift(traffic, new=100)
    left = traffic.read().backend(LEGACY)
    assert left is not None
    assert (left.share, left.healthy) == (0, 2)
    assert traffic.preview(LEGACY)
    for back in ({"legacy": 100}, {}):
        shift(traffic, new=100)
        shift(traffic, **back)
        assert shares(traffic) == {LEGACY: 100}
    traffic.detach(NEW)
    assert traffic.preview(NEW) is None
    assert traffic.read().backend(NEW) is None
    born_with.remove(routes.calls, routes.world.region, "test", NEW)
    attached(routes, traffic, NEW)
    shift(traffic, new=100)
    for _time in range(2):
        traffic.detach(LEGACY)
    assert traffic.read().backend(LEGACY) is None
    assert "legacy-backend" in routes.names("backendServices"), "it is none of ours"
    traffic.attach(as_wanted(LEGACY, made=False))
    assert traffic.read().backend(LEGACY) == left
    shift(traffic)
    assert routes.told()["defaultService"] == before["defaultService"]


def test_a_route_that_sent_elsewhere_does_so_again_to_whichever_process(one: Routes) -> None:
    away = {"hostRedirect": "www.acme.example", "httpsRedirect": True, "redirectResponseCode": "FOUND"}
    one.write(without=("defaultService",), defaultUrlRedirect=away)
    before = one.told()["defaultUrlRedirect"]
    traffic = one.traffic()
    traffic.check()
    attached(one, traffic, OLD)
    shift(traffic, old=100)
    assert "defaultUrlRedirect" not in one.told()
    shift(one.traffic())
    assert one.told()["defaultUrlRedirect"] == before
    assert "defaultService" not in one.told()


def test_where_what_was_before_is_gone_the_route_stays_and_says_so(one: Routes) -> None:
    one.serve(one.foreign())
    traffic = one.traffic()
    attached(one, traffic, OLD)
    shift(traffic, old=100)
    traffic.detach(LEGACY)
    one.calls.change("backendServices", "delete", backendService="legacy-backend")
    with pytest.raises(RefusedError, match="cannot do again what it did before phoenix"):
        shift(traffic)
    assert shares(traffic) == {OLD: 100}


def test_a_group_leaves_its_place_and_its_machines_are_drained_through_what_is_left(routes: Routes) -> None:
    traffic = routes.traffic()
    attached(routes, traffic, OLD, NEW)
    shift(traffic, old=100)
    shift(traffic, new=100)
    host = traffic.preview(OLD)
    for _time in range(2):
        traffic.detach(OLD)
    assert traffic.preview(OLD) is None
    assert [each.group for each in traffic.read().backends] == [NEW]
    assert routes.service(OLD)["backends"], "its manager drains machines by it"
    assert host is not None
    assert host.headers[0][1] not in str(routes.told()), "nobody is let in any more"
    born_with.remove(routes.calls, routes.world.region, "test", OLD)
    assert routes.names("backendServices") == sorted([routes.world.fallback, NEW])
    assert OLD not in routes.names("healthChecks")
    assert OLD not in str(routes.told())
    routes.burn(OLD)
    born_with.remove(routes.calls, routes.world.region, "test", OLD)


def test_what_was_born_with_a_group_of_another_project_stays(one: Routes) -> None:
    attached(one, one.traffic(), OLD)
    with pytest.raises(CloudError, match="by somebody else"):
        born_with.remove(one.calls, one.world.region, "another", OLD)
    assert OLD in one.names("backendServices")


def test_a_preview_needs_a_word_that_ends_with_it(one: Routes) -> None:
    traffic = one.traffic()
    attached(one, traffic, OLD)
    first = traffic.preview(OLD)
    assert first is not None
    assert first == one.traffic().preview(OLD)
    assert first.url == traffic.read().address == "http://203.0.113.1"
    ((name, value),) = first.headers
    assert name == "Host"
    assert value.endswith(f".{OLD}.phoenix.invalid")
    traffic.detach(OLD)
    assert traffic.preview(OLD) is None
    attached(one, traffic, OLD)
    assert traffic.preview(OLD) not in (None, first)


def test_the_address_is_as_the_file_says_or_as_forwarding_rules_tell(routes: Routes) -> None:
    assert routes.traffic(address="https://www.acme.example").read().address == "https://www.acme.example"
    assert routes.traffic().read().address == ("http://10.0.0.9" if routes.region else "http://203.0.113.1")
    proxy = f"{routes.parent}/targetHttpsProxies/tls"
    routes.emulator.seed(proxy, urlMap=full(f"{routes.parent}/urlMaps/{routes.url_map}"), sslCertificates=[])
    rule: dict[str, Any] = {"target": full(proxy), "IPAddress": "203.0.113.9", "portRange": "8443-8443"}
    routes.emulator.seed(f"{routes.parent}/forwardingRules/tls", **rule, loadBalancingScheme="EXTERNAL_MANAGED")
    assert routes.traffic().read().address == "https://203.0.113.9:8443", "the better one"


def test_two_services_of_one_url_map_do_not_touch_each_other(one: Routes) -> None:
    nobody = full(f"{one.parent}/backendServices/{one.world.fallback}")
    one.write(
        hostRules=[{"hosts": ["api.acme.example"], "pathMatcher": "api"}],
        pathMatchers=[{"name": "api", "defaultService": nobody}],
    )
    web, api = one.traffic(), one.traffic(service="api", route="api")
    attached(one, web, OLD)
    attached(one, api, "api-local-v001")
    shift(web, old=100)
    api.shift({"api-local-v001": 100}, api.read())
    assert shares(web) == {OLD: 100}
    assert [each.group for each in web.read().backends] == [OLD]
    assert [each.group for each in api.read().backends] == ["api-local-v001"]
    with pytest.raises(CloudError, match="not attached"):
        web.shift({"api-local-v001": 100}, web.read())


def test_groups_of_one_zone_are_found_as_those_of_a_region_are(one: Routes) -> None:
    traffic = one.traffic()
    traffic.prepare(as_wanted(NEW))
    zone = one.world.zones[0]
    template = full(f"projects/{one.world.project}/global/instanceTemplates/machines")
    body = {"name": NEW, "baseInstanceName": NEW, "instanceTemplate": template, "targetSize": 2}
    one.calls.change("instanceGroupManagers", "insert", zone=zone, body=body)
    ports = {"namedPorts": [{"name": "http", "port": 8080}]}
    one.calls.change("instanceGroups", "setNamedPorts", zone=zone, instanceGroup=NEW, body=ports)
    traffic.attach(as_wanted(NEW))
    backend = traffic.read().backend(NEW)
    assert backend is not None
    assert (backend.healthy, backend.total) == (2, 2)


def test_who_is_behind_somebody_elses_backend_service_is_read_for_each_look(one: Routes) -> None:
    link = one.foreign()
    one.serve(link)
    traffic = one.traffic()
    assert shares(traffic) == {LEGACY: 100}
    one.make("other", 2, ("named-port/http:8080",))
    backends = [{"group": one.link_of_group("other"), "balancingMode": "UTILIZATION"}]
    whole.change(one.calls, link, lambda told: {**told, "backends": backends})
    assert shares(traffic) == {"other": 100}
