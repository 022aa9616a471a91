"""The whole way on Google Cloud, as far as that goes without a project: the real SDK and the real Packer speak to an
emulator whose instances are real machines, booted by Google's guest agent, behind a balancer that takes real requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.balancer.shared_traffic import GcpBackendServiceTraffic
from phoenix.clouds.gcp.traffic import GcpUrlMapTraffic
from tests.emulators.gcp import Emulator
from tests.emulators.machines import light
from tests.support.real import gcp_rights, gcp_shop, hasty, story
from tests.support.real.gcp_shop import BY_ROUTE, BY_SERVICE
from tests.support.real.machines import left_of
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell
from tests.support.real.shop import Shop


@contextmanager
def opened(roomy: Path, debian_gce: Path, directory: Path, *, balancer: str, zonal: bool) -> Iterator[Shop]:
    """A shop whose phoenix neither waits a minute for proxies that follow at once, nor refuses Debian's Packer."""
    root, port = roomy / directory.name, free_port()
    root.mkdir()
    options = {"root": str(root), "vendor": str(debian_gce), "reach": str(port)}
    with pytest.MonkeyPatch.context() as patch, Emulator(machines="light", options=options) as emulator:
        for name, value in {**emulator.environment, packers.ANYWAY: "yes"}.items():
            patch.setenv(name, value)
        for kind in (GcpUrlMapTraffic, GcpBackendServiceTraffic):
            patch.setattr(kind, "manner", hasty.quick(kind.manner))
        emulator.configure(lag=1.0, old_packer=True)
        shell = Shell(directory=directory / "hello", program="tests.support.real.hasty")
        yield gcp_shop.opened(shell, emulator, port, balancer=balancer, zonal=zonal)
        shell.run("down", "--yes", "--force")
        used = emulator.calls()
    try:
        assert left_of(root) == []
        assert gcp_rights.uncovered(used) == []
    finally:
        light.sweep(root)


@pytest.mark.parametrize(
    ("balancer", "zonal"),
    [
        pytest.param(BY_ROUTE, False, id="regional, by the URL map"),
        pytest.param(BY_ROUTE, True, id="zonal, by the URL map", marks=pytest.mark.full),
        pytest.param(BY_SERVICE, False, id="regional, by the backend service", marks=pytest.mark.full),
        pytest.param(BY_SERVICE, True, id="zonal, by the backend service", marks=pytest.mark.full),
    ],
)
def test_baked_rolled_broken_killed_and_resumed(
    roomy: Path, debian_gce: Path, tmp_path: Path, balancer: str, zonal: bool
) -> None:
    """One story, because each part of it stands on the former."""
    directory = tmp_path / f"gcp-{'zonal' if zonal else 'regional'}-{balancer[2:5]}"
    directory.mkdir()
    with opened(roomy, debian_gce, directory, balancer=balancer, zonal=zonal) as shop:
        asked = story.play(shop, tmp_path)
    assert asked.failures == ()
    assert asked.answered == asked.sent > 100
