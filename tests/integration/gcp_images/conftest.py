"""The shop of these tests, and the programs that are found first in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import packers
from phoenix.spec.clouds import GcpCloud
from tests.emulators.gcp import Emulator
from tests.support.real import gcp_images
from tests.support.real.gcp_image_shop import LAYER, SAY_OK, Shop, program


@pytest.fixture
def shop(gcp: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    monkeypatch.setenv(packers.ANYWAY, "1")
    gcp.configure(old_packer=True, operation=0.0)
    world = gcp.world()
    gcp_images.layer(gcp, world.project, "shop", LAYER)
    spec = GcpCloud(name="gcp", project=world.project, region=world.region, labels={"cost-centre": "42"})
    return Shop(emulator=gcp, spec=spec, directory=tmp_path)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs that are found first."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return directory


@pytest.fixture
def ssh(programs: Path) -> Path:
    """A program `ssh` to whose machine everything goes well; a test may write another one."""
    return program(programs / "ssh", SAY_OK)
