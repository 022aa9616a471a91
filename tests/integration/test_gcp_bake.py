"""Images baked on Google Cloud by the real Packer and the real Ansible, in machines that Google's own agent opens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.images import GcpImages
from phoenix.errors import ToolError
from phoenix.model import Image, Proof, TestResult
from phoenix.spec.clouds import GcpCloud, GcpImageOptions
from tests.emulators.gcp import Emulator
from tests.emulators.machines import light
from tests.support.real import gcp_images, gcp_rights, marked
from tests.support.real.bakes import Bakes
from tests.support.real.machines import left_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARK = f"/etc/{marked.FILE}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """The images of the project `shop` in it."""

    emulator: Emulator
    images: GcpImages
    bakes: Bakes
    directory: Path

    def bake(self, request: BakeRequest) -> tuple[Image, list[str]]:
        """The image, and what was said of its bake."""
        said: list[str] = []
        log = self.directory / "build.log"
        return self.images.build(request, log=log, say=said.append, between=lambda: None), said

    def verify(self, image: Image, *tests: str) -> tuple[TestResult, ...]:
        """The results of all its tests."""
        log = self.directory / "verification.log"
        return self.images.verify(image, tests, on=Proof.QEMU, log=log, say=lambda _: None, between=lambda: None)


@pytest.fixture(scope="module")
def machines(roomy: Path, debian_gce: Path) -> Iterator[Emulator]:
    """An emulated Google Cloud whose instances are light machines."""
    root = roomy / "gcp-bakes"
    root.mkdir()
    options = {"root": str(root), "vendor": str(debian_gce)}
    with Emulator(machines="light", options=options) as emulator:
        yield emulator
    try:
        assert left_of(root) == []
    finally:
        light.sweep(root)


@pytest.fixture
def account(machines: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    machines.reset()
    machines.configure(old_packer=True)
    for name, value in {**machines.environment, packers.ANYWAY: "1"}.items():
        monkeypatch.setenv(name, value)
    world = machines.world()
    spec = GcpCloud(
        name="gcp",
        project=world.project,
        region=world.region,
        labels={"team": "web"},
        images=GcpImageOptions(family="acme"),
    )
    yield Account(
        emulator=machines,
        images=GcpImages("shop", spec, Calls(spec)),
        bakes=Bakes(project="shop", spec=spec, directory=tmp_path, real=True),
        directory=tmp_path,
    )
    assert gcp_rights.uncovered(machines.calls()) == [], "add these to phoenix/clouds/gcp/account/policy.py"
    assert [left for left in gcp_images.left(machines, world.project) if left != "images hello-1"] == []


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_two_layers_from_the_vendors_image_each_proven_by_its_boot(account: Account) -> None:
    images = account.images
    lower, said = account.bake(account.bakes.request("shop-lower", parent=None, created=NOON, content="one"))
    assert "Write the mark" in said
    tests = account.verify(lower, "true", f"cat {MARK}", "echo out; exit 3")
    assert {test.name: test.output for test in tests if not test.ok} == {"echo out; exit 3": "out"}
    assert (tests[-2].name, tests[-2].output) == (f"cat {MARK}", "one")
    assert "systemd" in (account.directory / "console.log").read_text(errors="replace")
    lower = images.mark_verified(lower, tests[:-1], on=Proof.QEMU)
    assert images.find(lower.id) == lower
    assert images.whereabouts(lower.id)["family"] == "acme-os-marked"

    upper, _said = account.bake(account.bakes.request("shop-upper", parent=lower.id, created=NOON, content="two"))
    assert upper.parent == lower.id
    tests = account.verify(upper, f"cat {MARK}")
    assert [(test.name, test.output) for test in tests if not test.ok] == []
    assert tests[-1].output == "two"
    images.delete(upper.id)
    images.delete(lower.id)
    assert images.list() == ()


@pytest.mark.timeout(1800)
@pytest.mark.full
def test_a_task_that_fails_is_named(account: Account) -> None:
    request = account.bakes.request("shop-broken", parent=None, created=NOON, content="{{ nothing_of_this_name }}")
    with pytest.raises(ToolError, match="the playbook failed at the task 'Write the mark'") as caught:
        account.bake(request)
    assert "nothing_of_this_name" in caught.value.details
    assert "mark.yml:7:" in caught.value.details
    assert account.images.sweep() == ()
    assert account.images.find("shop-broken") is None
