"""What is dear to make and shared by all tests of a run: the cache, a bare tree, a project with baked images.

The cache stays in the checkout (`.cache/`), so that a second run is fast; what phoenix keeps there is used for a day
at most. Everything else is gone when the run ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phoenix.clouds.local import base, trees
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.spec.mirror import configured_mirror
from phoenix.tools import disk
from tests.support.real.shell import Shell

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "tests"
SUITE = "bookworm"

NewProject = Callable[[Path], Shell]
"""Writes a project as `phoenix init` does into a directory that is not there yet; it shares the run's images."""


@pytest.fixture(scope="session", autouse=True)
def phoenix_cache() -> Iterator[Path]:
    """The cache of every phoenix that a test runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHOENIX_CACHE", str(CACHE))
        yield CACHE


@pytest.fixture(scope="session")
def roomy() -> Iterator[Path]:
    """A directory for trees and images, removed at the end of the run: pytest would keep three runs' gigabytes."""
    directory = Path(tempfile.mkdtemp(prefix="phoenix-tests-"))
    yield directory
    trees.remove(directory)


@pytest.fixture(scope="session")
def base_tree(phoenix_cache: Path, roomy: Path) -> Path:
    """A bootstrapped tree. Read it, or put an overlay on it; whoever writes into it breaks all other tests."""
    tree = roomy / "base"
    base.bootstrap(SUITE, configured_mirror(), tree, roomy / "base.log", lambda _line: None)
    return tree


@pytest.fixture(scope="session")
def bare_images(base_tree: Path, roomy: Path) -> Path:
    """A directory of images with one in it, `bare`: the bootstrapped tree as machines start from it, never baked."""
    files = ImageFiles(directory=roomy / "bare-images" / "bare")
    files.directory.mkdir(parents=True)
    trees.copy(base_tree, files.tree)
    kernel = disk.kernel_of(files.tree)
    files.kernel.hardlink_to(kernel.image)
    disk.write_initrd(kernel, files.initrd)
    disk.make_ext4(files.tree, files.disk, log=roomy / "bare.log")
    return files.directory.parent


@pytest.fixture(scope="session")
def new_project(phoenix_cache: Path, roomy: Path) -> NewProject:
    """Makes projects that share the run's images."""

    def make(directory: Path) -> Shell:
        shell = Shell(directory=directory)
        shell.run("init", str(directory))
        spec = directory / "phoenix.yaml"
        plain = "local: {kind: local}"
        assert plain in spec.read_text()
        spec.write_text(spec.read_text().replace(plain, f"local: {{kind: local, images: {roomy / 'images'}}}"))
        return shell

    return make


@pytest.fixture(scope="session")
def project_with_images(new_project: NewProject, roomy: Path) -> Shell:
    """A project whose os/debian-12 and foundation/nodejs were baked by chroot and verified in QEMU."""
    shell = new_project(roomy / "hello")
    baked = shell.run("bake", "foundation", "nodejs")
    assert [layer["image"] for layer in baked["layers"]] == ["os/debian-12", "foundation/nodejs"]
    return shell


@pytest.fixture(scope="module")
def rolling_project(
    project_with_images: Shell, new_project: NewProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """A project of the module's own, with images to roll; its machines and servers are ended with the module."""
    assert project_with_images.directory.is_dir(), "it has baked the images that this one shares"
    shell = new_project(tmp_path_factory.mktemp("rolling") / "hello")
    yield shell
    shell.run("down", "--yes")
