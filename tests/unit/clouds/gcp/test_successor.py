"""What a new group's backend service and its check are made of, and what cannot be carried over."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.balancer import health_checks, kinds, successor
from phoenix.clouds.gcp.balancer.group_health import NOTHING_YET
from phoenix.clouds.gcp.balancer.group_health import backend as seen
from phoenix.errors import RefusedError
from phoenix.model import Health

FORMER: dict[str, Any] = {
    "kind": "compute#backendService",
    "id": "1",
    "name": "legacy",
    "fingerprint": "abc=",
    "description": "the shop",
    "protocol": "HTTP",
    "portName": "web",
    "loadBalancingScheme": "EXTERNAL_MANAGED",
    "timeoutSec": 77,
    "sessionAffinity": "GENERATED_COOKIE",
    "affinityCookieTtlSec": 600,
    "enableCDN": True,
    "cdnPolicy": {"cacheMode": "CACHE_ALL_STATIC", "defaultTtl": 60},
    "logConfig": {"enable": True, "sampleRate": 0.5},
    "securityPolicy": "projects/p/global/securityPolicies/armor",
    "connectionDraining": {"drainingTimeoutSec": 300},
    "healthChecks": ["projects/p/global/healthChecks/legacy"],
    "backends": [{"group": "g", "balancingMode": "RATE", "maxRatePerInstance": 50, "capacityScaler": 0.9}],
    "newerThanUs": {"x": 1},
}


def made(former: dict[str, Any] | None, drain: float = 30.0) -> dict[str, Any]:
    return successor.wanted(
        former, name="web-prod-v002", description="d", health_check="hc", drain=drain, scheme="EXTERNAL_MANAGED"
    )


def test_what_serves_is_carried_over_whole() -> None:
    assert made(FORMER) == {
        "name": "web-prod-v002",
        "description": "d",
        "healthChecks": ["hc"],
        "connectionDraining": {"drainingTimeoutSec": 30},
        **{
            key: FORMER[key]
            for key in (
                "protocol",
                "portName",
                "loadBalancingScheme",
                "timeoutSec",
                "sessionAffinity",
                "affinityCookieTtlSec",
                "enableCDN",
                "cdnPolicy",
                "logConfig",
                "newerThanUs",
            )
        },
    }
    assert successor.backend(FORMER, "h") == {
        "group": "h",
        "balancingMode": "RATE",
        "maxRatePerInstance": 50,
        "capacityScaler": 0.9,
    }


def test_where_nothing_serves_the_balancers_scheme_and_googles_own_defaults_do() -> None:
    assert made(None, drain=9999.2) == {
        "name": "web-prod-v002",
        "description": "d",
        "protocol": "HTTP",
        "portName": "http",
        "loadBalancingScheme": "EXTERNAL_MANAGED",
        "healthChecks": ["hc"],
        "connectionDraining": {"drainingTimeoutSec": 3600},
    }
    assert successor.backend(None, "h") == {"group": "h", "balancingMode": "UTILIZATION", "capacityScaler": 1}


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({}, ""),
        ({"iap": {"enabled": False, "oauth2ClientId": "me"}}, ""),
        ({"iap": {"enabled": True}}, "who may pass"),
        ({"iap": {"enabled": True, "oauth2ClientId": "me"}}, "OAuth client"),
        ({"cdnPolicy": {"signedUrlKeyNames": ["k"]}}, "signed URLs"),
        ({"externalManagedMigrationState": "PREPARE"}, "migration"),
        ({"metadatas": {"cluster": "c"}}, "another controller"),
    ],
)
def test_what_nobody_can_read_is_named(more: dict[str, Any], lacks: str) -> None:
    named = ", ".join(successor.not_carried({**FORMER, **more}))
    assert (lacks in named) if lacks else not named


def test_a_service_behind_iap_is_never_left_open() -> None:
    assert made({**FORMER, "iap": {"enabled": True, "oauth2ClientId": "me"}})["iap"] == {"enabled": True}
    assert "iap" not in made({**FORMER, "iap": {"enabled": False}})


def check(health: Health, former: dict[str, Any] | None = None, protocol: str = "HTTP") -> dict[str, Any]:
    return health_checks.wanted(health, name="n", description="d", protocol=protocol, former=former)


def test_a_check_is_as_the_service_asks_for_it() -> None:
    assert check(Health(path="/up", interval=5.0, healthy_after=12.0)) == {
        "name": "n",
        "description": "d",
        "type": "HTTP",
        "checkIntervalSec": 5,
        "timeoutSec": 5,
        "healthyThreshold": 4,
        "unhealthyThreshold": 2,
        "httpHealthCheck": {"requestPath": "/up", "portSpecification": "USE_SERVING_PORT"},
    }
    with pytest.raises(RefusedError, match="cannot ask for an answer of 204"):
        check(Health(status=204))


def test_a_check_keeps_what_the_former_one_has_besides() -> None:
    former = {
        "type": "HTTPS",
        "httpsHealthCheck": {"requestPath": "/", "port": 443, "host": "shop.example", "proxyHeader": "PROXY_V1"},
        "logConfig": {"enable": True},
    }
    made_of = check(Health(), former)
    assert made_of["httpsHealthCheck"] == {
        "requestPath": "/healthz",
        "portSpecification": "USE_SERVING_PORT",
        "host": "shop.example",
        "proxyHeader": "PROXY_V1",
    }
    assert made_of["logConfig"] == {"enable": True}
    assert check(Health(), {"type": "TCP", "tcpHealthCheck": {"port": 80}}, "HTTPS")["type"] == "HTTPS"


def status(name: str, state: str) -> dict[str, Any]:
    return {"instance": f"https://x/projects/p/zones/z/instances/{name}", "healthState": state, "port": 80}


def test_an_empty_health_list_is_not_healthy() -> None:
    nothing = seen("web-prod-v001", 0, [])
    assert (nothing.healthy, nothing.total, nothing.seen) == (0, 0, NOTHING_YET)


def test_a_machine_is_well_where_every_port_of_it_is() -> None:
    told = [status("a", "HEALTHY"), status("b", "HEALTHY"), status("b", "UNHEALTHY"), status("c", "UNHEALTHY")]
    backend = seen("web-prod-v001", 40, told)
    assert (backend.healthy, backend.total, backend.share) == (1, 3, 40)
    assert backend.well == {"a"}
    assert backend.requests is None
    assert backend.seen == "2 x UNHEALTHY (b, c)"
    assert backend.checks == (("b", "UNHEALTHY"), ("c", "UNHEALTHY"))


@pytest.mark.parametrize(
    ("scheme", "protocol", "region", "named"),
    [
        ("EXTERNAL", "HTTPS", None, "a classic Application Load Balancer"),
        ("EXTERNAL", "SSL", None, "a classic proxy Network Load Balancer"),
        ("EXTERNAL", "TCP", "europe-west1", "an external passthrough Network Load Balancer"),
        ("INTERNAL", "TCP", "europe-west1", "an internal passthrough Network Load Balancer"),
        ("INTERNAL_SELF_MANAGED", "HTTP", None, "a service mesh"),
    ],
)
def test_what_phoenix_does_not_move_is_refused_by_name(
    scheme: str, protocol: str, region: str | None, named: str
) -> None:
    with pytest.raises(RefusedError, match=named):
        kinds.refuse_scheme("the backend service web", scheme, protocol, region)


@pytest.mark.parametrize("scheme", ["EXTERNAL_MANAGED", "INTERNAL_MANAGED"])
def test_what_phoenix_moves_is_not_refused(scheme: str) -> None:
    kinds.refuse_scheme("the backend service web", scheme, "HTTP", None)
    kinds.refuse_endpoints("the backend service web", ())
    with pytest.raises(RefusedError, match="sends to the network endpoint group pods"):
        kinds.refuse_endpoints("the backend service web", ["projects/p/zones/z/networkEndpointGroups/pods"])
