"""The whole way on AWS, as far as that goes without an account: the real SDK and the real Packer speak to an emulator
whose instances are real machines, booted by cloud-init, behind a listener that takes real requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.machines import light
from tests.support.real import aws_rights, story
from tests.support.real.aws_shop import opened
from tests.support.real.machines import left_of
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell
from tests.support.real.shop import Shop


@pytest.fixture(scope="module")
def shop(roomy: Path, debian_ami: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root, port = roomy / "aws-shop", free_port()
    root.mkdir()
    options = {"root": str(root), "vendor": str(debian_ami), "reach": str(port)}
    with pytest.MonkeyPatch.context() as patch, Emulator(machines="light", options=options) as emulator:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        emulator.configure(lag=1.0)
        shell = Shell(directory=tmp_path_factory.mktemp("aws") / "hello")
        yield opened(shell, emulator, port)
        shell.run("down", "--yes", "--force")
        used = emulator.calls()
    try:
        assert left_of(root) == []
        assert aws_rights.uncovered(used) == []
    finally:
        light.sweep(root)


def test_baked_rolled_broken_killed_and_resumed(shop: Shop, tmp_path: Path) -> None:
    """One story, because each part of it stands on the former."""
    asked = story.play(shop, tmp_path)
    assert asked.failures == ()
    assert asked.answered == asked.sent > 100
