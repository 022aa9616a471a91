"""What is dear to make and shared by all tests of a run: the cache, a bare tree, a project with baked images.

The cache stays in the checkout (`.cache/`), so that a second run is fast; what phoenix keeps there is used for a day
at most. Everything else is gone when the run ends. The workers of a run (`pytest -n 3`) share it, see `shared.py`.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from pathlib import Path

import botocore.session
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from phoenix.clouds.local.bake import base, trees
from phoenix.clouds.local.bake.mirror import configured_mirror
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.tools import disk
from tests.emulators.aws import Emulator, vendor
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.emulators.gcp import vendor as gcp_vendor
from tests.support.real import aws_rights, gcp_rights, shared
from tests.support.real.hello import deb_of, steer
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

TESTS = Path(__file__).resolve().parent
CACHE = TESTS.parent / ".cache" / "tests"
SUITE = "bookworm"

NewProject = Callable[[Path], Shell]
"""Writes a project as `phoenix init` does into a directory that is not there yet; it shares the run's images."""


FIRST = ("e2e", "contract", "integration", "unit")
"""What waits begins first, so that there is something short beside it to the end."""


PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("daily", PATIENT, derandomize=True)
settings.register_profile("full", PATIENT, max_examples=300, print_blob=True)
settings.load_profile("daily")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run: its workers come later."""
    if not hasattr(config, "workerinput"):
        shared.begin_run()


def pytest_report_header() -> str:
    """How to repeat what the long tests have drawn."""
    return f"{shared.SEED}={shared.seed_of_run()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """End a run: its workers are gone."""
    if not hasattr(config, "workerinput"):
        shared.end_run()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Whatever is read and collected stays to the end of the run: no collector of garbage looks at it, now or later.

    That is a third of what it takes a worker to collect all tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which files are given to workers."""
    items.sort(key=lambda item: FIRST.index(item.path.relative_to(TESTS).parts[0]))


class FilesAndSingleUnitTests(LoadScopeScheduling):
    """A worker gets a whole file, because its tests share what is dear; of unit tests it gets one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, _test = nodeid.partition("::")
        return nodeid if file.startswith("tests/unit/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Who gets which tests."""
    config.option.loadscopereorder = False
    return FilesAndSingleUnitTests(config, log)


@pytest.fixture(scope="session", autouse=True)
def phoenix_cache() -> Iterator[Path]:
    """The cache of every phoenix that a test runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOENIX_CACHE", str(CACHE))
        yield CACHE


@pytest.fixture(scope="session", autouse=True)
def descriptions_of_aws() -> Iterator[None]:
    """The SDK reads its descriptions of services once in a worker. By itself each session does, and each `Calls` has
    one of its own: a third of a second of a processor for what it knows already.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def emulator_of_worker() -> Iterator[Emulator]:
    """An emulated AWS without machines; the worker's own."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(emulator_of_worker: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulated AWS with nothing in it, which the SDK of this process finds; phoenix asks for no right too few."""
    emulator_of_worker.reset()
    for name, value in emulator_of_worker.environment.items():
        monkeypatch.setenv(name, value)
    yield emulator_of_worker
    assert aws_rights.uncovered(emulator_of_worker.calls()) == [], "add these to phoenix/clouds/aws/account/policy.py"


@pytest.fixture(scope="session")
def emulator_with_machines_of_worker() -> Iterator[Emulator]:
    """An emulated AWS whose instances are HTTP servers; the worker's own."""
    with Emulator(machines="instant") as emulator:
        yield emulator


@pytest.fixture
def emulator_with_machines(
    emulator_with_machines_of_worker: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """The same with nothing in it, probed twenty times a second; the SDK of this process finds it."""
    emulator_with_machines_of_worker.reset()
    emulator_with_machines_of_worker.configure(probe=0.05)
    for name, value in emulator_with_machines_of_worker.environment.items():
        monkeypatch.setenv(name, value)
    yield emulator_with_machines_of_worker
    called = emulator_with_machines_of_worker.calls()
    emulator_with_machines_of_worker.reset()  # what stands is probed to the end of the run, by a tenth of a processor
    assert aws_rights.uncovered(called) == [], "as above"


@pytest.fixture(scope="session")
def gcp_of_worker() -> Iterator[GcpEmulator]:
    """An emulated Google Cloud without machines; the worker's own."""
    with GcpEmulator() as emulator:
        yield emulator


@pytest.fixture
def gcp(gcp_of_worker: GcpEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[GcpEmulator]:
    """An emulated Google Cloud with nothing in it, which the SDK of this process finds; no right is too few."""
    yield from _found(gcp_of_worker, monkeypatch)


@pytest.fixture(scope="session")
def gcp_with_machines_of_worker() -> Iterator[GcpEmulator]:
    """An emulated Google Cloud whose instances are HTTP servers; the worker's own."""
    with GcpEmulator(machines="instant") as emulator:
        yield emulator


@pytest.fixture
def gcp_with_machines(
    gcp_with_machines_of_worker: GcpEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GcpEmulator]:
    """The same with nothing in it, probed twenty times a second; the SDK of this process finds it."""
    for emulator in _found(gcp_with_machines_of_worker, monkeypatch):
        emulator.configure(probe=0.05)
        yield emulator


def _found(emulator: GcpEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[GcpEmulator]:
    emulator.reset()
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    yield emulator
    called = emulator.calls()
    emulator.reset()  # as above
    assert gcp_rights.uncovered(called) == [], "add these to phoenix/clouds/gcp/account/policy.py"


@pytest.fixture(scope="session")
def roomy() -> Path:
    """A directory for trees and images, removed at the end of the run. All workers of the run have the same."""
    return shared.directory_of_run()


@pytest.fixture(scope="session")
def images(roomy: Path) -> Path:
    """Where the projects of this worker have their images: what it bakes and removes is seen by no other worker."""
    directory = roomy / f"images-{shared.worker_number()}"
    directory.mkdir()
    return directory


@pytest.fixture(scope="session")
def base_tree(phoenix_cache: Path, roomy: Path) -> Path:
    """A bootstrapped tree. Read it, or put an overlay on it; whoever writes into it breaks all other tests."""

    def bootstrap(tree: Path) -> None:
        base.bootstrap(SUITE, configured_mirror(), tree, roomy / "base.log", lambda _line: None)

    return shared.once(roomy / "base", bootstrap)


@pytest.fixture(scope="session")
def debian_ami(phoenix_cache: Path, roomy: Path) -> Path:
    """The tree of Debian's AMI, with cloud-init, as emulated instances start from it. Only read."""
    return shared.once(roomy / "debian-ami", lambda tree: vendor.AMI.make(tree, roomy / "debian-ami.log"))


@pytest.fixture(scope="session")
def debian_gce(phoenix_cache: Path, roomy: Path) -> Path:
    """The tree of Debian's image for Compute Engine, with Google's guest agent. Only read."""
    return shared.once(roomy / "debian-gce", lambda tree: gcp_vendor.IMAGE.make(tree, roomy / "debian-gce.log"))


@pytest.fixture(scope="session")
def bare_images(base_tree: Path, roomy: Path) -> Path:
    """A directory of images with one in it, `bare`: the bootstrapped tree as machines start from it, never baked."""

    def make(directory: Path) -> None:
        files = ImageFiles(directory=directory / "bare")
        files.directory.mkdir(parents=True)
        trees.copy(base_tree, files.tree)
        kernel = disk.kernel_of(files.tree)
        files.kernel.hardlink_to(kernel.image)
        disk.write_initrd(kernel, files.initrd)
        disk.make_ext4(files.tree, files.disk, log=roomy / "bare.log")

    return shared.once(roomy / "bare-images", make)


@pytest.fixture(scope="session")
def new_project(phoenix_cache: Path, images: Path) -> NewProject:
    """Makes projects that share the worker's images; their ports are no other worker's."""
    return partial(made_project, images)


def made_project(images: Path, directory: Path) -> Shell:
    shell = Shell(directory=directory)
    shell.run("init", str(directory))
    spec = directory / "phoenix.yaml"
    plain = "local: {kind: local}"
    assert plain in spec.read_text()
    text = spec.read_text().replace(plain, f"local: {{kind: local, images: {images}}}")
    spec.write_text(re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda _port: str(free_port()), text))
    return shell


@pytest.fixture(scope="session")
def steered(phoenix_cache: Path, roomy: Path) -> Path:
    """The steered hello app (see `quick.py`), version 9.0.0, as a package."""

    def make(directory: Path) -> None:
        directory.mkdir()
        source = made_project(directory / "images", directory / "project").directory / "hello"
        steer(source)
        deb_of(source, "9.0.0").rename(directory / "hello_9.0.0_all.deb")

    return shared.once(roomy / "steered", make) / "hello_9.0.0_all.deb"


@pytest.fixture(scope="session")
def baked_images(steered: Path, roomy: Path) -> Path:
    """Images of each type, baked as by default, each verified once; in the immutable one the steered app. Only read."""

    def bake(images: Path) -> None:
        images.mkdir()
        shell = made_project(images, roomy / "baking" / "hello")
        shell.run("publish", str(steered))
        baked = shell.run("bake", "immutable", "hello")
        assert [layer["image"] for layer in baked["layers"]] == ["os/debian-12", "foundation/nodejs", "immutable/hello"]
        shell.run("down", "--yes", "--force")

    return shared.once(roomy / "baked-images", bake)


@pytest.fixture(scope="session")
def project_with_images(new_project: NewProject, baked_images: Path, images: Path, roomy: Path) -> Shell:
    """A project of this worker that has the baked images; so have all that `new_project` makes from now on."""
    for image in baked_images.glob("[!.]*"):
        trees.copy(image, images / image.name)
    return new_project(roomy / f"project-{shared.worker_number()}" / "hello")


@pytest.fixture(scope="module")
def rolling_project(
    project_with_images: Shell, new_project: NewProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """A project of the module's own, with images to roll; its machines and servers are ended with the module."""
    assert project_with_images.directory.is_dir(), "it has baked the images that this one shares"
    shell = new_project(tmp_path_factory.mktemp("rolling") / "hello")
    yield shell
    shell.run("down", "--yes", "--force")
