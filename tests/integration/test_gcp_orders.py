"""What is asked of phoenix on Google Cloud before anything is changed, as whole commands on an emulated project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import image_reading, packed
from phoenix.model import ImageType, Source
from phoenix.orders.clouds import open_cloud
from tests.emulators.gcp import Emulator, World
from tests.support.fakes.desk import Desk, desk_in

pytestmark = pytest.mark.timeout(300)

V1 = "web-prod-v001"
PROJECT = """\
version: 1
project: hello
clouds:
  gcp: {{kind: gcp, project: {project}, region: {region}, tags: {{team: web}}}}
repositories:
  main: {{distribution: bookworm, root: aptly, url: {{local: "{url}", gcp: "https://apt.acme.internal"}}, sign: none}}
images:
  os:
    debian-12: {{base: {{gcp: debian-cloud/debian-12}}, playbook: base.yml}}
services:
  web:
    image: os/debian-12
    packages: [hello]
    settings: {{PASSWORD: "gcp-sm://db"}}
    port: 8080
    health: {{path: /healthz, healthy_after: 5s}}
    drain: 10s
    environments:
      prod:
        cloud: gcp
        size: {{min: 2, max: 3, cpu: 60%}}
        machine: {{type: e2-small, firewall: [web], identity: {account}}}
        load_balancer: {{url_map: {url_map}, route: default}}
        strategy: {{kind: canary, steps: [50, 100], soak: 10s}}
"""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A project on an emulated one, with one image that was baked there."""

    desk: Desk
    world: World
    emulator: Emulator

    def plan(self, *options: str, code: int = 0) -> dict[str, Any]:
        words = ("roll", "web", "--image", "os/debian-12", "--package", "hello=1.0.0", "--plan", *options)
        return self.desk.run(*words, code=code)

    def changed(self) -> list[str]:
        """The calls that were no looking."""
        looks = ("get", "list", "aggregatedList", "wait", "getHealth", "getEffectiveFirewalls", "getFromFamily")
        return [call.method for call in self.emulator.calls() if call.method.rpartition(".")[2] not in looks]


@pytest.fixture
def shop(
    gcp: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    world = gcp.world()
    with desk_in(tmp_path, capsys, monkeypatch) as desk:
        url = next(line for line in desk.spec.splitlines() if "url: " in line).split('"')[1]
        text = PROJECT.format(
            project=world.project,
            region=world.region,
            url=url,
            account=world.service_account,
            url_map=world.url_map,
        )
        (tmp_path / "phoenix.yaml").write_text(text)
        desk.clouds = open_cloud
        _bake(gcp, world)
        yield Shop(desk=desk, world=world, emulator=gcp)


def _bake(gcp: Emulator, world: World) -> None:
    """An image as phoenix leaves it."""
    request = BakeRequest(
        image_id="hello-os-debian-12-0123456789ab",
        type=ImageType.OS,
        name="debian-12",
        key="0123456789abcdef",
        parent=None,
        base="debian-cloud/debian-12",
        builder="packer",
        workspace=Path(),
        fresh=False,
        packages=(),
        source=Source(commit="c", dirty=False),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    gcp.seed(
        f"projects/{world.project}/global/images/{request.image_id}",
        status="READY",
        diskSizeGb="10",
        sourceType="RAW",
        description=packed.description(request.image_id, image_reading.facts(request)),
        labels=labels.written(
            {
                labels.PROJECT: "hello",
                labels.IMAGE: request.image_id,
                labels.TYPE: "os",
                labels.NAME: "debian-12",
                labels.KEY: request.key,
                labels.ROLE: labels.Role.IMAGE,
                labels.VERIFIED: "qemu",
            }
        ),
    )


def test_the_file_is_good_and_its_template_too(shop: Shop, tmp_path: Path) -> None:
    assert shop.desk.run("validate")["ok"]
    shop.desk.run("render", "os", "debian-12", "--cloud", "gcp", "--out", str(tmp_path / "out"))
    assert any((tmp_path / "out").glob("*.pkr.hcl"))
    assert shop.emulator.calls() == ()


def test_the_images_and_what_a_bake_would_do(shop: Shop) -> None:
    (image,) = shop.desk.run("image", "list")["images"]
    assert (image["type"], image["name"], image["verified"]) == ("os", "debian-12", True)
    planned = shop.desk.run("bake", "os", "debian-12", "--cloud", "gcp", "--plan")
    assert "debian-12" in str(planned)
    assert shop.changed() == []


def test_a_roll_is_planned_with_its_room(shop: Shop) -> None:
    plan = shop.plan()["plan"]
    assert [step["action"]["do"] for step in plan["steps"]][:1] == ["create-group"]
    created = plan["steps"][0]["action"]
    assert (created["group"], created["machine"]["type"]) == (V1, "e2-small")
    assert created["release"]["settings"] == [["PASSWORD", "gcp-sm://db"]]
    notes = plan["notes"]
    assert "room: firewall of web/prod: port 8080 is open to 35.191.0.0/16, 130.211.0.0/22" in notes
    assert any(note.startswith("room: CPUS: 4 more needed, 0 of ") for note in notes)
    assert shop.changed() == []


def test_too_little_room_is_told_in_the_plan_and_refuses_the_roll(shop: Shop) -> None:
    shop.emulator.configure(quotas={"CPUS": 3})
    notes = shop.plan()["plan"]["notes"]
    assert any("room: CPUS: 4 more needed, 0 of 3 are used: so the roll is refused." in note for note in notes)
    error = shop.desk.run("roll", "web", "--image", "os/debian-12", "--package", "hello=1.0.0", code=3)["error"]
    assert "no room on gcp" in error["brief"]
    assert shop.changed() == []


def test_the_status_of_nothing(shop: Shop) -> None:
    (service,) = shop.desk.run("status", "web")["services"]
    assert service["groups"] == []
    assert shop.changed() == []


def test_nobody_is_told_so(shop: Shop) -> None:
    """The key counts no more: exit 5, with what to do."""
    shop.emulator.configure(revoked=True)
    error = shop.plan(code=5)["error"]
    assert "gcloud auth application-default login" in error["resolution"]


def test_a_disk_that_is_smaller_than_the_image_is_told_by_the_plan(shop: Shop) -> None:
    shop.desk.edit("firewall: [web],", "firewall: [web], disk: 5G,")
    error = shop.plan(code=3)["error"]
    assert "a disk of 5 GiB is too small" in error["brief"]
    assert shop.changed() == []


def test_a_balancer_that_phoenix_does_not_move_stands_in_the_plan(shop: Shop) -> None:
    """A classic Application Load Balancer: the plan is shown, and says that it cannot be carried out."""
    fallback = f"projects/{shop.world.project}/global/backendServices/{shop.world.fallback}"
    shop.emulator.seed(fallback, loadBalancingScheme="EXTERNAL", protocol="HTTP", portName="http", backends=[])
    notes = shop.plan()["plan"]["notes"]
    assert any("refused as things are" in note and "a classic Application Load Balancer" in note for note in notes)
    error = shop.desk.run("roll", "web", "--image", "os/debian-12", "--package", "hello=1.0.0", code=3)["error"]
    assert "a classic Application Load Balancer" in error["brief"] + error["details"]
    assert shop.changed() == []
