"""How the small world is made: its things are put there, without any call."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulators.gcp.api.references import link
from tests.emulators.gcp.compute.fixed import PLACES, VENDOR
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.world import PROBERS, PROJECT, REGION, World

IMAGE = "hello-1"
BALANCED = {"loadBalancingScheme": "EXTERNAL_MANAGED", "protocol": "HTTP", "portName": "http", "timeoutSec": 30}


def made(emulated: Emulated, labels: Mapping[str, str]) -> World:
    """Make it where it is not there yet. `labels` are those of its image."""
    base = f"projects/{PROJECT}/global"
    world = World(
        project=PROJECT,
        region=REGION,
        zones=tuple(f"{REGION}-{zone}" for zone in PLACES[REGION]),
        network="default",
        subnetwork="default",
        firewall="allow-health-checks",
        health_check="web-check",
        autohealing_check="web-autohealing",
        url_map="web",
        fallback="fallback",
        proxy="web",
        forwarding_rule="web",
        image=link(f"{base}/images/{IMAGE}"),
        base_image=link(f"projects/debian-cloud/global/images/{VENDOR['debian-cloud'][-1][0]}"),
        service_account=f"web@{PROJECT}.iam.gserviceaccount.com",
    )
    if f"{base}/urlMaps/{world.url_map}" not in emulated.store:
        _make(emulated, base, world, labels)
    return world


def _make(emulated: Emulated, base: str, world: World, labels: Mapping[str, str]) -> None:
    put = emulated.store.put
    put(
        f"{base}/firewalls/{world.firewall}",
        network=link(f"{base}/networks/{world.network}"),
        direction="INGRESS",
        priority=1000,
        sourceRanges=list(PROBERS),
        allowed=[{"IPProtocol": "tcp", "ports": ["8080"]}],
        targetTags=["web"],
        disabled=False,
    )
    for name, threshold in ((world.health_check, 1), (world.autohealing_check, 3)):
        put(
            f"{base}/healthChecks/{name}",
            type="HTTP",
            checkIntervalSec=1,
            timeoutSec=1,
            healthyThreshold=1,
            unhealthyThreshold=threshold,
            httpHealthCheck={"port": 8080, "requestPath": "/healthz"},
        )
    check = link(f"{base}/healthChecks/{world.health_check}")
    put(f"{base}/backendServices/{world.fallback}", healthChecks=[check], backends=[], **BALANCED)
    put(f"{base}/urlMaps/{world.url_map}", defaultService=link(f"{base}/backendServices/{world.fallback}"))
    put(f"{base}/targetHttpProxies/{world.proxy}", urlMap=link(f"{base}/urlMaps/{world.url_map}"))
    put(
        f"{base}/forwardingRules/{world.forwarding_rule}",
        target=link(f"{base}/targetHttpProxies/{world.proxy}"),
        IPAddress="203.0.113.1",
        IPProtocol="TCP",
        portRange="80-80",
        loadBalancingScheme="EXTERNAL_MANAGED",
    )
    put(
        f"{base}/images/{IMAGE}",
        status="READY",
        diskSizeGb="10",
        family="hello",
        sourceType="RAW",
        labels=dict(labels) or None,
    )
