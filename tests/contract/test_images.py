"""What every cloud's images keep, whoever the cloud is: the rules of `clouds/api.py`, tried on the real thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phoenix.clouds.api import BakeRequest, Images
from phoenix.clouds.aws.calls import Calls
from phoenix.clouds.aws.images import AwsImages
from phoenix.clouds.gcp import calls as gcp_calls
from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.images import GcpImages
from phoenix.clouds.local.bake import template as local_template
from phoenix.clouds.local.images import LocalImages
from phoenix.errors import CloudError, ToolError
from phoenix.execute import workspace
from phoenix.model import ImageType, Proof, Source, TestResult
from phoenix.spec.clouds import AwsCloud, GcpCloud, LocalCloud
from phoenix.spec.images import ImageName
from phoenix.spec.load import load
from tests.conftest import NewProject
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.support.fakes.images import FakeImages
from tests.support.real import bakes, gcp_images, marked
from tests.support.real.shell import Shell

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A cloud to try: its images, and requests for small images on an image that is there."""

    images: Images
    again: Callable[[], Images]
    """The same images as another process sees them."""
    request: Callable[[str], BakeRequest]
    """For an image of that content; only `one` passes its test, and `broken` cannot be built."""
    logs: Path
    bases: tuple[str, str] = ("bookworm", "trixie")
    """Two that differ."""


@pytest.fixture
def local(project_with_images: Shell, new_project: NewProject, tmp_path: Path) -> Iterator[Place]:
    shell = marked.add(new_project(tmp_path / "contract"))
    project = load(shell.directory / "phoenix.yaml", {})
    spec = project.cloud("local")
    assert isinstance(spec, LocalCloud)
    parent = shell.run("image", "show", "os/debian-12")["image"]["id"]
    made: set[str] = set()

    def request(content: str) -> BakeRequest:
        marked.write_playbook(shell, content if content != "broken" else "{{ nothing_of_this_name }}")
        directory = tmp_path / f"workspace-{content}"
        workspace.lay_out(project, project.recipe(marked.IMAGE), local_template.template(), directory)
        made.add(f"contract-{content}")
        return BakeRequest(
            image_id=f"contract-{content}",
            type=ImageType.FOUNDATION,
            name="marked",
            key=content.encode().hex(),
            parent=parent,
            base="",
            builder="chroot",
            fresh=False,
            workspace=directory,
            packages=(),
            source=Source(commit="c" * 40, dirty=True),
            created=NOON,
        )

    images = LocalImages(spec)
    yield Place(images=images, again=lambda: LocalImages(spec), request=request, logs=tmp_path)
    for image_id in made:
        images.delete(image_id)


@pytest.fixture
def memory(tmp_path: Path) -> Place:
    images = FakeImages()
    images.broken["contract-broken"] = "nothing_of_this_name"

    def request(content: str) -> BakeRequest:
        return BakeRequest(
            image_id=f"contract-{content}",
            type=ImageType.FOUNDATION,
            name="marked",
            key=content.encode().hex(),
            parent="os-1",
            base="",
            builder="chroot",
            fresh=False,
            workspace=tmp_path,
            packages=(),
            source=Source(commit="c" * 40, dirty=True),
            created=NOON,
        )

    return Place(images=images, again=images.again, request=request, logs=tmp_path)


@pytest.fixture
def aws(emulator: Emulator, tmp_path: Path) -> Place:
    """On the emulator, with the real Packer; there is no machine to log in to."""
    world = emulator.world("contract")
    spec = AwsCloud(name="aws", region=world.region, subnets=world.subnets, tags={"cost centre": "42"})
    without_machines = bakes.Bakes(project="contract", spec=spec, directory=tmp_path)

    def request(content: str) -> BakeRequest:
        if content == "broken":
            emulator.fail("ec2", "RunInstances", code="Unsupported", message="nothing_of_this_name")
        return without_machines.request(f"contract-{content}", parent=bakes.PARENT, created=NOON)

    return Place(
        images=AwsImages("contract", spec, Calls(spec)),
        again=lambda: AwsImages("contract", spec, Calls(spec)),
        request=request,
        logs=tmp_path,
        bases=(f"{bakes.DEBIAN}/debian-12-amd64-*", world.image),
    )


@pytest.fixture
def google(gcp: GcpEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    """On the emulator, with the real Packer, which is Debian's here; there is no machine to log in to."""
    monkeypatch.setenv(packers.ANYWAY, "1")
    gcp.configure(old_packer=True, operation=0.0)
    world = gcp.world()
    spec = GcpCloud(name="gcp", project=world.project, region=world.region, labels={"cost-centre": "42"})
    parent = gcp_images.layer(gcp, world.project, "contract", "layer-os")
    without_machines = bakes.Bakes(project="contract", spec=spec, directory=tmp_path)

    def request(content: str) -> BakeRequest:
        if content == "three":  # which is broken off: Packer finds operations undone, and looks again after 2 s
            gcp.configure(operation=0.02)
        if content == "broken":
            gcp.fail("instances.insert", reason="invalid", status=400, message="nothing_of_this_name")
        return without_machines.request(f"contract-{content}", parent=parent, created=NOON)

    return Place(
        images=GcpImages("contract", spec, gcp_calls.Calls(spec)),
        again=lambda: GcpImages("contract", spec, gcp_calls.Calls(spec)),
        request=request,
        logs=tmp_path,
        bases=(bakes.GCP_BASE, f"{world.project}/hello-1"),
    )


@pytest.fixture(params=["local", "memory", "aws", "google"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each cloud in turn, and the one in memory."""
    found: Place = request.getfixturevalue(request.param)
    return found


def build(place: Place, request: BakeRequest) -> tuple[str, list[str]]:
    said: list[str] = []
    image = place.images.build(request, log=place.logs / "build.log", say=said.append, between=lambda: None)
    return image.id, said


@pytest.mark.parametrize("on", list(Proof))
def test_an_image_from_its_bake_to_its_end(local: Place, on: Proof) -> None:
    place = local  # in memory no machine boots
    images, request = place.images, place.request("one")
    image_id, said = build(place, request)
    image = images.find(image_id)
    assert image is not None
    assert said
    assert (image.type, image.name, image.key, image.parent) == (request.type, "marked", request.key, request.parent)
    assert (image.created, image.source, image.builder) == (NOON, request.source, "chroot")
    assert image.verified is False
    assert image.size > 0
    assert images.whereabouts(image_id)
    assert build(place, request) == (image_id, []), "twice is once"
    assert place.again().sweep() == (), "who bakes it lives"
    assert image in place.again().list()

    tests = images.verify(
        image,
        ("true", f"cat /etc/{marked.FILE}"),
        on=on,
        log=place.logs / "v.log",
        say=said.append,
        between=lambda: None,
    )
    assert [test.name for test in tests if not test.ok] == []
    assert (tests[-1].name, tests[-1].output) == (f"cat /etc/{marked.FILE}", "one")
    assert "systemd" in (place.logs / "console.log").read_text(errors="replace")
    assert images.find(image_id) == image, "verifying alone makes it visible to nobody"

    verified = images.mark_verified(image, tests, on=on)
    assert verified == replace(image, verified=True, tests=tests, verified_on=on)
    assert place.again().find(image_id) == verified
    assert images.mark_verified(image, tests, on=on) == verified
    assert place.again().sweep() == ()

    images.delete(image_id)
    images.delete(image_id)
    assert images.find(image_id) is None
    assert image_id not in {other.id for other in place.again().list()}


def test_an_image_is_unseen_by_rolls_until_it_is_verified(place: Place) -> None:
    image_id, _said = build(place, place.request("seven"))
    image = place.images.find(image_id)
    assert image is not None
    assert (image.verified, image.source, image.created) == (False, Source(commit="c" * 40, dirty=True), NOON)
    assert build(place, place.request("seven")) == (image_id, []), "twice is once"
    proof = (TestResult(name="true", ok=True),)
    for _time in range(2):
        verified = place.images.mark_verified(image, proof, on=Proof.QEMU)
        assert verified == replace(image, verified=True, verified_on=Proof.QEMU, tests=proof)
    assert place.again().find(image_id) == replace(image, verified=True, tests=proof)
    for _time in range(2):
        place.images.delete(image_id)
    assert place.images.find(image_id) is None


def test_a_test_that_fails_is_told_with_its_output(local: Place) -> None:
    place = local
    image_id, _said = build(place, place.request("two"))
    image = place.images.find(image_id)
    assert image is not None
    tests = place.images.verify(
        image,
        ("echo out; echo err >&2; exit 7", "systemctl start no-such-unit"),
        on=Proof.LIGHT,
        log=place.logs / "v.log",
        say=lambda _line: None,
        between=lambda: None,
    )
    failed = {test.name: test.output for test in tests if not test.ok}
    assert failed["echo out; echo err >&2; exit 7"] == "out\nerr"
    assert "no-such-unit" in failed["systemctl start no-such-unit"]
    assert len(failed) == 2


def test_newest_first_and_unknown_is_none(place: Place) -> None:
    young = replace(place.request("young"), created=NOON + timedelta(hours=1))
    for request in (young, place.request("old")):
        build(place, request)
    ours = [image.id for image in place.images.list() if image.id.startswith("contract-")]
    assert ours == ["contract-young", "contract-old"]
    assert place.images.find("contract-never") is None


def test_a_bake_that_fails_leaves_nothing(place: Place) -> None:
    before = place.images.list()
    with pytest.raises(ToolError) as error:
        build(place, place.request("broken"))
    assert "nothing_of_this_name" in error.value.details
    assert place.images.list() == before
    assert place.images.find("contract-broken") is None
    assert place.again().sweep() == ()


def test_a_bake_that_is_broken_off_leaves_nothing(place: Place) -> None:
    class BrokenOffError(Exception):
        pass

    rounds = iter(range(1000))

    def between() -> None:
        if next(rounds) == 5:
            raise BrokenOffError

    request = place.request("three")
    with pytest.raises(BrokenOffError):
        place.images.build(request, log=place.logs / "build.log", say=lambda _line: None, between=between)
    assert place.images.find(request.image_id) is None
    assert place.again().sweep() == ()
    assert build(place, request)[0] == request.image_id, "and stands in nobody's way"


def test_an_image_that_is_being_baked_is_deleted_by_its_baker_only(place: Place) -> None:
    image_id, _said = build(place, place.request("four"))
    with pytest.raises(CloudError, match="worked on"):
        place.again().delete(image_id)
    assert place.images.find(image_id) is not None
    place.images.delete(image_id)
    assert place.images.find(image_id) is None


def test_the_way_back_takes_only_what_the_bake_made(place: Place) -> None:
    image_id, _said = build(place, place.request("six"))
    place.again().discard(image_id)
    image = place.images.find(image_id)
    assert image is not None, "another process's bake"
    place.images.discard(image_id)
    place.images.discard(image_id)
    assert place.images.find(image_id) is None
    build(place, place.request("six"))
    place.images.mark_verified(image, (), on=Proof.LIGHT)
    place.images.discard(image_id)
    assert place.images.find(image_id) is not None, "a verified image is nobody's leftover"


def test_a_base_is_the_same_today_and_another_for_another_wish(place: Place) -> None:
    one, other = place.bases
    assert place.images.base(one) == place.again().base(one)
    assert place.images.base(one) != place.images.base(other)


def test_the_manifest_holds_what_the_image_is(local: Place) -> None:
    """Local only: the file beside the image."""
    image_id, _said = build(local, local.request("five"))
    image = local.images.find(image_id)
    assert image is not None
    manifest = json.loads(Path(local.images.whereabouts(image_id)["manifest"]).read_text())
    assert manifest["image"]["key"] == image.key
    assert manifest["image"]["source"] == {"commit": "c" * 40, "dirty": True}
    assert set(manifest["made_with"]) == {"phoenix", "ansible-core"}
    assert set(manifest["seconds"]) >= {"playbook", "tree", "disk"}
    assert ImageName(type=image.type, name=image.name) == marked.IMAGE
