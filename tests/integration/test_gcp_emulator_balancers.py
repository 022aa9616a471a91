"""The emulated load balancers: what may be written, and what they see of their backends.

https://cloud.google.com/load-balancing/docs/backend-service, https://cloud.google.com/load-balancing/docs/url-map-concepts
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench, Json, refused

A, B = "global/backendServices/a", "global/backendServices/b"


@pytest.fixture
def bench(gcp: Emulator) -> Bench:
    gcp.configure(speed=0)
    return Bench(gcp)


@pytest.fixture
def two(bench: Bench) -> Bench:
    """With two backend services, `a` and `b`."""
    bench.backend_service("a")
    bench.backend_service("b")
    return bench


def weights(**services: int) -> Json:
    named = [{"backendService": f"global/backendServices/{name}", "weight": n} for name, n in services.items()]
    return {"weightedBackendServices": named}


def put(bench: Bench, **fields: Any) -> None:
    mark = bench.url_map()["fingerprint"]
    bench.do("urlMaps.update", {"name": "web", "fingerprint": mark, **fields}, urlMap="web")


def test_weights_are_read_as_they_were_written(two: Bench) -> None:
    """https://cloud.google.com/load-balancing/docs/l7-internal/traffic-management"""
    put(two, defaultRouteAction=weights(a=950, b=50))
    written = two.url_map()
    assert "defaultService" not in written
    shares = {
        one["backendService"].rpartition("/")[2]: one["weight"]
        for one in written["defaultRouteAction"]["weightedBackendServices"]
    }
    assert shares == {"a": 950, "b": 50}


def test_default_service_excludes_weights_so_that_only_put_can_change_between_them(two: Bench) -> None:
    """ "Only one of defaultUrlRedirect, defaultService or defaultRouteAction.weightedBackendService can be set."."""
    patch = {"fingerprint": two.url_map()["fingerprint"], "defaultRouteAction": weights(a=1)}
    with refused(400, "invalid", "Exactly one of"):
        two.call("urlMaps.patch", patch, urlMap="web")
    two.do("urlMaps.patch", {**patch, "defaultService": None}, urlMap="web")
    with refused(400, "invalid", "Exactly one of"):
        put(two, description="leads nowhere")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"defaultRouteAction": weights(a=1001)}, "0 to 1000"),
        ({"defaultRouteAction": weights(a=0, b=0)}, "must not be 0"),
        ({"defaultRouteAction": {"weightedBackendServices": [{"weight": 1}]}}, "backendService"),
        ({"defaultRouteAction": weights(none=1)}, "not found"),
        ({"defaultService": "global/healthChecks/web-check"}, "no backend service"),
        ({"defaultService": A, "hostRules": [{"hosts": ["a"], "pathMatcher": "m"}]}, "no such path matcher"),
        ({"defaultService": A, "pathMatchers": [{"name": "m", "defaultService": A}]}, "No host rule uses it"),
        ({"defaultService": A, "hostRules": [{"hosts": [], "pathMatcher": "m"}]}, "hosts"),
    ],
)
def test_what_a_url_map_cannot_be(two: Bench, wrong: Any, words: str) -> None:
    with pytest.raises(Exception, match=words):
        put(two, **wrong)


def matched(*hosts: str, **matcher: Any) -> Json:
    return {
        "defaultService": A,
        "hostRules": [{"hosts": list(hosts), "pathMatcher": "m"}],
        "pathMatchers": [{"name": "m", **matcher}],
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (matched("a.example.com", "a.example.com", defaultService=A), "twice"),
        (matched("*a.example.com", defaultService=A), "host pattern"),
        (matched("exa mple", defaultService=A), "host pattern"),
        (matched("a.example.com"), "Exactly one of"),
        (matched("a.example.com", defaultService=A, pathRules=[{"paths": ["x"], "service": A}]), "begins with /"),
        (matched("a.example.com", defaultService=A, pathRules=[{"paths": ["/*x"], "service": A}]), "begins with /"),
        (matched("a.example.com", defaultService=A, pathRules=[{"paths": ["/x", "/x"], "service": A}]), "twice"),
        (matched("a.example.com", defaultService=A, pathRules=[{"paths": ["/x"]}]), "Exactly one of"),
    ],
)
def test_what_a_path_matcher_cannot_be(two: Bench, wrong: Any, words: str) -> None:
    with pytest.raises(Exception, match=words):
        put(two, **wrong)


def test_classic_load_balancers_take_no_weights(two: Bench) -> None:
    """ "[...] classic Application Load Balancers only support the urlRewrite action within defaultRouteAction."."""
    two.backend_service("classic", loadBalancingScheme="EXTERNAL")
    with refused(400, "invalid", "not supported for the scheme EXTERNAL"):
        put(two, defaultRouteAction=weights(classic=1))
    put(two, defaultService="global/backendServices/classic")


def test_a_url_map_with_tests_is_changed_only_where_they_pass(two: Bench) -> None:
    """ "Request to update the UrlMap succeeds only if all test cases pass." """
    tests = [{"host": "example.com", "path": "/x", "service": A}]
    put(two, defaultService=A, tests=tests)
    with refused(400, "invalid", "Test failure: Expect URL 'example.com/x' to map to service 'a'"):
        put(two, defaultService=B, tests=tests)
    with refused(400, "invalid", "actually mapped to 'a, b'"):
        put(two, defaultRouteAction=weights(a=1, b=1), tests=tests)
    put(two, defaultRouteAction=weights(a=1, b=0), tests=tests)
    said = two.call(
        "urlMaps.validate", {"resource": {"name": "web", "defaultService": B, "tests": tests}}, urlMap="web"
    )
    assert (said["result"]["loadSucceeded"], said["result"]["testPassed"]) == (True, False)
    said = two.call("urlMaps.validate", {"resource": {"name": "web"}}, urlMap="web")
    assert said["result"]["loadSucceeded"] is False


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        ("www.example.com", "/", "a"),
        ("other.org", "/shop/x", "a"),
        ("shop.example.com", "/", "b"),
        ("shop.example.com", "/cart/pay", "a"),
        ("shop.example.com", "/cart", "a"),
        ("shop.example.com", "/carts", "b"),
        ("shop.example.com", "/cart/new", "b"),
        ("x.example.com", "/", "a"),
    ],
)
def test_hosts_and_paths(two: Bench, host: str, path: str, service: str) -> None:
    """The longest path wins, a whole host over a pattern."""
    put(
        two,
        defaultService=A,
        hostRules=[
            {"hosts": ["shop.example.com"], "pathMatcher": "shop"},
            {"hosts": ["*.example.com"], "pathMatcher": "others"},
        ],
        pathMatchers=[
            {
                "name": "shop",
                "defaultService": B,
                "pathRules": [{"paths": ["/cart", "/cart/*"], "service": A}, {"paths": ["/cart/new"], "service": B}],
            },
            {"name": "others", "defaultService": A},
        ],
        tests=[{"host": host, "path": path, "service": f"global/backendServices/{service}"}],
    )


def test_backends_are_whole_urls_of_groups(bench: Bench) -> None:
    """ "Partial URLs are not supported." """
    bench.group(size=1)
    whole = bench.manager()["instanceGroup"]
    with refused(400, "invalid", "partial URLs"):
        bench.backend_service("web", backends=[{"group": "regions/europe-west1/instanceGroups/web"}])
    with refused(400, "invalid", "neither an instance group nor"):
        bench.backend_service("web", backends=[{"group": bench.manager()["selfLink"]}])
    with refused(400, "invalid", "Duplicate"):
        bench.backend_service("web", backends=[{"group": whole}, {"group": whole}])
    bench.backend_service("web", backends=[{"group": whole, "description": "share 100"}])
    assert bench.service()["backends"] == [
        {
            "group": whole,
            "description": "share 100",
            "balancingMode": "UTILIZATION",
            "maxUtilization": 0.8,
            "capacityScaler": 1.0,
        }
    ]


def test_an_only_backend_cannot_have_capacity_0(bench: Bench) -> None:
    """ "You cannot configure a setting of 0 when there is only one backend attached to the backend service." """
    bench.group("a", size=1)
    bench.group("b", size=1)
    a, b = bench.backend("a"), bench.backend("b")
    with refused(400, "invalid", "only one backend"):
        bench.backend_service("web", backends=[{**a, "capacityScaler": 0}])
    bench.backend_service("web", backends=[{**a, "capacityScaler": 1}, {**b, "capacityScaler": 0}])
    for scaler, fits in ((0.05, False), (1.5, False), (-1, False), (0.1, True)):
        mark = bench.service()["fingerprint"]
        body = {"fingerprint": mark, "backends": [a, {**b, "capacityScaler": scaler}]}
        if fits:
            bench.do("backendServices.patch", body, backendService="web")
        else:
            with refused(400, "invalid", "valid ranges"):
                bench.call("backendServices.patch", body, backendService="web")


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ({"balancingMode": "RATE"}, "maxRatePerInstance"),
        ({"balancingMode": "CONNECTION", "maxConnections": 5}, "Not for this protocol"),
    ],
)
def test_balancing_modes(bench: Bench, backend: Any, words: str) -> None:
    """https://cloud.google.com/load-balancing/docs/backend-service#balancing-mode"""
    bench.group(size=1)
    with pytest.raises(Exception, match=words):
        bench.backend_service("web", backends=[bench.backend(**backend)])


def test_a_backend_service_has_one_health_check_and_needs_it(bench: Bench) -> None:
    bench.group(size=1)
    with refused(400, "invalid", "must have a health check"):
        bench.backend_service("web", "web", healthChecks=[])
    both = [f"global/healthChecks/{name}" for name in ("web-check", "web-autohealing")]
    with refused(400, "invalid", "At most one"):
        bench.backend_service("web", healthChecks=both)


def test_the_scheme_stays(bench: Bench) -> None:
    """ "A backend service created for one type of load balancer cannot be used with another." """
    bench.backend_service()
    with refused(400, "invalid", "cannot be changed"):
        bench.call(
            "backendServices.update", {**bench.service(), "loadBalancingScheme": "EXTERNAL"}, backendService="web"
        )


def test_a_patch_without_backends_changes_nothing_and_a_put_takes_the_last_one_out(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses#patch"""
    bench.group(size=1)
    bench.backend_service("web", "web")
    bench.do("backendServices.patch", {"fingerprint": bench.service()["fingerprint"]}, backendService="web")
    assert len(bench.service()["backends"]) == 1
    bench.do("backendServices.update", {**bench.service(), "backends": []}, backendService="web")
    assert bench.service()["backends"] == []
    bench.do("regionInstanceGroupManagers.delete", instanceGroupManager="web")


def test_health_is_that_of_the_machines(bench: Bench) -> None:
    """https://cloud.google.com/compute/docs/reference/rest/v1/backendServices/getHealth"""
    bench.served(size=2)
    assert bench.health() == ["HEALTHY", "HEALTHY"]
    (name,) = (member["name"] for member in bench.members()[:1])
    bench.emulator.sick(name)
    assert bench.health() == ["HEALTHY", "UNHEALTHY"]
    bench.emulator.well(name)
    bench.emulator.kill(name)
    assert bench.health() == ["HEALTHY", "UNHEALTHY"]
    url = bench.manager()["instanceGroup"]
    said = bench.call("backendServices.getHealth", {"group": url}, backendService="web")
    assert {status["port"] for status in said["healthStatus"]} == {8080}


def test_health_comes_after_a_while(bench: Bench) -> None:
    bench.emulator.configure(initial=20, health_lag=5, unhealthy=7)
    bench.served(size=1)
    assert bench.health() == []
    bench.emulator.advance(6)
    assert bench.health() == ["UNHEALTHY"]
    bench.emulator.advance(15)
    assert bench.health() == ["HEALTHY"]
    bench.emulator.sick("web")
    bench.emulator.advance(6)
    assert bench.health() == ["HEALTHY"]
    bench.emulator.advance(2)
    assert bench.health() == ["UNHEALTHY"]


def test_nothing_is_said_of_what_no_forwarding_rule_leads_to(bench: Bench) -> None:
    bench.group(size=1)
    bench.backend_service("web", "web")
    assert bench.health() == []
    put(
        bench,
        defaultService="global/backendServices/fallback",
        hostRules=[{"hosts": ["token.preview.invalid"], "pathMatcher": "preview"}],
        pathMatchers=[{"name": "preview", "defaultService": "global/backendServices/web"}],
    )
    assert bench.health() == ["HEALTHY"]


def test_nothing_is_said_of_a_group_without_the_named_port(bench: Bench) -> None:
    bench.served(size=1)
    bench.do("regionInstanceGroups.setNamedPorts", {"namedPorts": []}, instanceGroup="web")
    assert bench.health() == []


def test_health_of_a_group_that_is_no_backend(bench: Bench) -> None:
    bench.group(size=1)
    bench.backend_service("web")
    with refused(400, "invalid", "no backend"):
        bench.health()


def test_who_uses_a_backend_service(bench: Bench) -> None:
    bench.served(size=1)
    assert [user["reference"].rpartition("/")[2] for user in bench.service()["usedBy"]] == ["web"]


def test_the_secret_of_iap_is_never_shown(bench: Bench) -> None:
    """ "For security reasons, this value cannot be retrieved via the API." """
    secret = {"enabled": True, "oauth2ClientId": "a", "oauth2ClientSecret": "hunter2"}
    bench.backend_service(iap=secret)
    shown = bench.service()["iap"]
    assert (set(shown), len(shown["oauth2ClientSecretSha256"])) == (
        {"enabled", "oauth2ClientId", "oauth2ClientSecretSha256"},
        64,
    )
    bench.do("backendServices.update", {**bench.service(), "timeoutSec": 5}, backendService="web")
    assert bench.service()["iap"] == shown
    assert "hunter2" not in str(bench.service())


def test_regional_balancers_stay_in_their_region(bench: Bench) -> None:
    """https://cloud.google.com/load-balancing/docs/https/setting-up-reg-ext-https-lb"""
    bench.group(size=1)
    check: Json = {"name": "near", "type": "HTTP", "httpHealthCheck": {"port": 8080}}
    bench.do("regionHealthChecks.insert", check)
    bench.do("regionHealthChecks.insert", check, region="us-central1")
    near = "regions/europe-west1"
    service: Json = {
        "name": "near",
        "loadBalancingScheme": "EXTERNAL_MANAGED",
        "healthChecks": [f"{near}/healthChecks/near"],
        "backends": [bench.backend()],
    }
    with refused(400, "invalid", "of another region"):
        bench.call(
            "regionBackendServices.insert", {**service, "healthChecks": ["regions/us-central1/healthChecks/near"]}
        )
    bench.do("regionBackendServices.insert", service)
    with refused(400, "invalid", "of another region"):
        body = {"name": "far", "defaultService": f"{near}/backendServices/near"}
        bench.call("urlMaps.insert", body)
    weighted = {"weightedBackendServices": [{"backendService": f"{near}/backendServices/near", "weight": 1}]}
    bench.do("regionUrlMaps.insert", {"name": "near", "defaultRouteAction": weighted})
    bench.do("regionTargetHttpProxies.insert", {"name": "near", "urlMap": f"{near}/urlMaps/near"})
    rule = {
        "name": "near",
        "target": f"{near}/targetHttpProxies/near",
        "loadBalancingScheme": "EXTERNAL_MANAGED",
        "portRange": "80",
    }
    bench.do("forwardingRules.insert", rule)
    url = bench.manager()["instanceGroup"]
    said = bench.call("regionBackendServices.getHealth", {"group": url}, backendService="near")
    assert [status["healthState"] for status in said["healthStatus"]] == ["HEALTHY"]


def test_a_proxy_takes_another_map(two: Bench) -> None:
    two.do("urlMaps.insert", {"name": "other", "defaultService": A})
    two.do("targetHttpProxies.setUrlMap", {"urlMap": "global/urlMaps/other"}, targetHttpProxy="web")
    assert two.call("targetHttpProxies.get", targetHttpProxy="web")["urlMap"].endswith("/urlMaps/other")
    two.do("urlMaps.delete", urlMap="web")


def test_quotas_of_the_project(bench: Bench) -> None:
    """https://cloud.google.com/load-balancing/docs/quotas"""
    bench.emulator.configure(quotas={"BACKEND_SERVICES": 2})
    bench.backend_service("a")
    with refused(403, "quotaExceeded", "BACKEND_SERVICES"):
        bench.backend_service("b")
    quotas = {one["metric"]: (one["usage"], one["limit"]) for one in bench.call("projects.get")["quotas"]}
    assert quotas["BACKEND_SERVICES"] == (2, 2)
