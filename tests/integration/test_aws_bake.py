"""Images baked on AWS by the real Packer and the real Ansible, in real machines behind an emulated account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.clouds.api import BakeRequest
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.images import AwsImages
from phoenix.errors import ToolError
from phoenix.model import Image, Proof, TestResult
from phoenix.spec.clouds import AwsCloud
from tests.emulators.aws import Emulator
from tests.support.real import marked
from tests.support.real.bakes import Bakes
from tests.support.real.machines import left_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARK = f"/etc/{marked.FILE}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """The images of the project `shop` in it."""

    emulator: Emulator
    images: AwsImages
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
def machines(roomy: Path, debian_ami: Path) -> Iterator[Emulator]:
    """An emulated AWS whose instances are light machines."""
    root = roomy / "aws-bakes"
    root.mkdir()
    options = {"root": str(root), "vendor": str(debian_ami)}
    with Emulator(machines="light", options=options) as emulator:
        yield emulator
    assert left_of(root) == []


@pytest.fixture
def account(machines: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    machines.reset()
    for name, value in machines.environment.items():
        monkeypatch.setenv(name, value)
    world = machines.world("shop")
    spec = AwsCloud(name="aws", region=world.region, subnets=world.subnets, tags={"team": "web"})
    return Account(
        emulator=machines,
        images=AwsImages("shop", spec, Calls(spec)),
        bakes=Bakes(project="shop", spec=spec, directory=tmp_path, real=True),
        directory=tmp_path,
    )


@pytest.mark.full
@pytest.mark.timeout(600)
def test_two_layers_from_the_vendors_image_each_proven_by_its_boot(account: Account) -> None:
    images = account.images
    lower, said = account.bake(account.bakes.request("shop-lower", parent=None, created=NOON, content="one"))
    assert "Write the mark" in said
    tests = account.verify(lower, "true", f"cat {MARK}", "echo out; exit 3")
    assert {test.name: test.output for test in tests if not test.ok} == {"echo out; exit 3": "out"}
    assert (tests[-2].name, tests[-2].output) == (f"cat {MARK}", "one")
    assert "cloud-init" in (account.directory / "console.log").read_text(errors="replace")
    lower = images.mark_verified(lower, tests[:-1], on=Proof.QEMU)
    assert images.find(lower.id) == lower

    upper, _said = account.bake(account.bakes.request("shop-upper", parent=lower.id, created=NOON, content="two"))
    assert upper.parent == lower.id
    tests = account.verify(upper, f"cat {MARK}", "grep -q phoenix-builder /root/.ssh/authorized_keys")
    assert [(test.name, test.output) for test in tests if not test.ok] == []
    assert tests[-2].output == "two"
    images.delete(upper.id)
    images.delete(lower.id)
    assert [image.id for image in images.list() if image.id.startswith("shop-")] == []


@pytest.mark.timeout(600)
@pytest.mark.full
def test_a_task_that_fails_is_named(account: Account) -> None:
    request = account.bakes.request("shop-broken", parent=None, created=NOON, content="{{ nothing_of_this_name }}")
    with pytest.raises(ToolError, match="the playbook failed at the task 'Write the mark'") as caught:
        account.bake(request)
    assert "nothing_of_this_name" in caught.value.details
    assert "mark.yml:7:" in caught.value.details
    assert account.images.sweep() == ()
    assert account.images.find("shop-broken") is None
