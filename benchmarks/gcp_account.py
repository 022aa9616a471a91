"""An emulated project for the figures of Google Cloud: a project of phoenix with its images, two URL maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import emulated
from benchmarks.emulated import DRAIN, HEALTHY_AFTER, INTERVAL, Asked
from benchmarks.figures import BIN
from benchmarks.measure import run, variables
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import image_reading, packed
from phoenix.model import ImageType, Source
from tests.emulators.gcp import Emulator, World

BY_HAND = "hand"
"""The URL map of the script, with its proxy and its forwarding rule."""
PROJECT = """\
version: 1
project: hello
state: .phoenix
clouds:
  gcp: {{kind: gcp, project: {project}, region: {region}, tags: {{team: web}}}}
images:
  os:
    debian-12: {{base: {{gcp: debian-cloud/debian-12}}, playbook: os.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: nodejs.yml}}
services:
  web-tier:
    image: foundation/nodejs
    packages: []
    settings: {{GREETING: Hello}}
    port: 8080
    health: {{path: /healthz, interval: {interval}s, healthy_after: {healthy_after}s, deadline: 4m}}
    drain: {drain}s
    environments:
      prod:
        cloud: gcp
        size: 2
        machine: {{type: e2-small, firewall: [web]}}
        load_balancer: {{url_map: {url_map}, route: default, address: "http://{address}"}}
        strategy: {{kind: blue-green, keep: 0s}}
"""


@dataclass(kw_only=True)
class Account(emulated.Account):
    """The emulated project, and the project whose service lives in it."""

    emulator: Emulator
    world: World

    def asked(self) -> tuple[Asked, ...]:
        """What was asked of the cloud since the last question."""
        found = self.emulator.calls()
        self.emulator.forget_calls()
        return tuple(Asked(what=call.method.removeprefix("compute."), at=call.at) for call in found)

    def now(self) -> float:
        """What the emulator's clock shows."""
        return self.emulator.advance(0)


@contextmanager
def opened(scratch: Path) -> Iterator[Account]:
    """The emulated project with instant machines; phoenix's in `scratch` has both of its images there."""
    # Debian's Packer is good enough for who bakes nothing: its template is a part of the keys
    anyway = {"PHOENIX_PACKER_GCP_ANYWAY": "1"}
    with Emulator(machines="instant") as emulator, variables({**emulator.environment, **anyway}):
        world = emulator.world()
        project = scratch / "gcp"
        address = emulator.serve(f"projects/{world.project}/global/forwardingRules/{world.forwarding_rule}")
        run(str(BIN / "phoenix"), "init", str(project))
        (project / "phoenix.yaml").write_text(
            PROJECT.format(
                project=world.project,
                region=world.region,
                url_map=world.url_map,
                address=address,
                drain=DRAIN,
                healthy_after=HEALTHY_AFTER,
                interval=INTERVAL,
            )
        )
        account = Account(emulator=emulator, world=world, project=project, address=address)
        _give_images(account)
        yield account


def frontend_by_hand(account: Account) -> str:
    """A second frontend like phoenix's, for the script; its address."""
    base, world = f"projects/{account.world.project}/global", account.world
    api = "https://www.googleapis.com/compute/v1"
    seed = account.emulator.seed
    seed(f"{base}/urlMaps/{BY_HAND}", defaultService=f"{api}/{base}/backendServices/{world.fallback}")
    seed(f"{base}/targetHttpProxies/{BY_HAND}", urlMap=f"{api}/{base}/urlMaps/{BY_HAND}")
    rule = f"{base}/forwardingRules/{BY_HAND}"
    seed(
        rule,
        target=f"{api}/{base}/targetHttpProxies/{BY_HAND}",
        IPAddress="203.0.113.2",
        IPProtocol="TCP",
        portRange="80-80",
        loadBalancingScheme="EXTERNAL_MANAGED",
    )
    return account.emulator.serve(rule)


def _give_images(account: Account) -> None:
    """What a bake would have made: images with the keys of today's recipes."""
    for plan in account.phoenix("bake", "foundation", "nodejs", "--plan")["plans"]:
        action = plan["steps"][0]["action"]
        request = BakeRequest(
            image_id=action["image"],
            type=ImageType(action["type"]),
            name=action["name"],
            key=action["key"],
            parent=action["parent"],
            base="",
            builder="packer",
            workspace=Path(),
            fresh=False,
            packages=(),
            source=Source(commit="", dirty=False),
            created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        )
        told = {
            labels.PROJECT: "hello",
            labels.IMAGE: request.image_id,
            labels.TYPE: str(request.type),
            labels.NAME: request.name,
            labels.KEY: request.key,
            labels.PARENT: request.parent or "",
            labels.BUILDER: "packer",
            labels.ROLE: labels.Role.IMAGE,
            labels.VERIFIED: "qemu",
        }
        account.emulator.seed(
            f"projects/{account.world.project}/global/images/{request.image_id}",
            status="READY",
            diskSizeGb="10",
            sourceType="RAW",
            guestOsFeatures=[{"type": "UEFI_COMPATIBLE"}],
            description=packed.description(request.image_id, image_reading.facts(request)),
            labels=labels.written(told),
        )
