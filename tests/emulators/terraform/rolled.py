"""What rolls leave at the things that Terraform made, as the real providers read it back.

The bodies are made by phoenix's own functions, by which it writes them, and are said in the providers' words here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phoenix.clouds.aws.balancer import rule
from phoenix.clouds.gcp.balancer import moves, shared, url_map
from phoenix.clouds.gcp.balancer.moves import Filled
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.model import Place
from phoenix.spec.services import GcpUrlMap
from tests.emulators.terraform import schema
from tests.emulators.terraform.made_at_aws import read_action
from tests.emulators.terraform.made_at_google import read_url_map, snaked
from tests.emulators.terraform.world import ACCOUNT, PROJECT, Values, World

PROJECT_OF_PHOENIX = "hello"
PLACE = Place(service="web-tier", environment="prod")
SHARES = {"web-tier-prod-v001": 90, "web-tier-prod-v002": 10}
_SERVICES = f"projects/{PROJECT}/global/backendServices"


_ANSWER = {
    "Type": "fixed-response",
    "Order": 1,
    "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nobody serves"},
}
_TARGETS = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup"


def rule_of_aws(world: World) -> None:
    """A rule that forwards to two groups: in the middle of a canary."""
    _write(world, "aws", "aws_lb_listener_rule", {"action": _forwarding()})


def listener_of_aws(world: World) -> None:
    """The same with `rule: default`: the listener's own."""
    there = world.one("aws_lb_listener")
    _write(world, "aws", "aws_lb_listener", {"default_action": _forwarding()}, arn=there["arn"])


def _forwarding() -> list[Values]:
    """What a rule that answers 503 does once phoenix forwards by it, as the provider has it."""
    told = rule.parsed({"RuleArn": "rule", "Priority": "100", "Actions": [_ANSWER]})
    actions = rule.forwarding(told, {f"{_TARGETS}/{group}/1": share for group, share in SHARES.items()})
    return [{**read_action(each), "order": each["Order"]} for each in actions]


def url_map_of_google(world: World) -> None:
    """A URL map with a weight and a preview of two groups."""
    there = world.one("google_compute_url_map")
    at = url_map.at_of(
        GcpUrlMap(url_map=there["name"], route="default", region=None, address=None), PROJECT, PROJECT_OF_PHOENIX, PLACE
    )
    told: Mapping[str, Any] = {"name": there["name"], "defaultService": there["default_service"]}
    filled = {f"{_SERVICES}/{group}": Filled(group=group, made=True) for group in SHARES}
    for service, each in filled.items():
        told = moves.shown(url_map.seen(told, at), service, each) or told
    weights = {service: SHARES[each.group] for service, each in filled.items()}
    rolled = moves.shifted(url_map.seen(told, at), weights, filled)
    assert rolled is not None
    _write(world, "google", "google_compute_url_map", read_url_map(rolled))


def backend_service_of_google(world: World) -> None:
    """A backend service with one group behind it."""
    there = world.one("google_compute_backend_service")
    group = next(iter(SHARES))
    link = f"projects/{PROJECT}/regions/us-central1/instanceGroups/{group}"
    owner = Owner(project=PROJECT_OF_PHOENIX, place=PLACE, group=group)
    backend = {"group": link, "balancingMode": "UTILIZATION", "capacityScaler": 1.0}
    rolled = shared.with_group({"name": there["name"]}, backend, owner, made=True)
    assert rolled is not None
    _write(world, "google", "google_compute_backend_service", {"backend": snaked(rolled["backends"])})


def _write(world: World, provider: str, kind: str, values: Mapping[str, Any], **wanted: Any) -> None:
    there = world.one(kind, **wanted)
    there.update(schema.complete(schema.of(provider).resources[kind], {**there, **values}))
