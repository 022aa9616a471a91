"""The whole way on AWS, as far as that goes without an account: the real SDK and the real Packer speak to an emulator
whose instances are real machines, booted by cloud-init, behind a listener that takes real requests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.demo import load
from tests.emulators.aws import Emulator, light_machines
from tests.support.real import aws_rights
from tests.support.real.aws_shop import Shop, opened
from tests.support.real.machines import left_of, until
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell

RATE = 50
"""Requests a second, through the emulated listener."""


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
        shell.run("down", "--yes")
        used = emulator.calls()
    try:
        assert left_of(root) == []
        assert aws_rights.uncovered(used) == []
    finally:
        light_machines.sweep(root)


def test_baked_rolled_broken_killed_and_resumed(shop: Shop, tmp_path: Path) -> None:
    """One story, because each part of it stands on the former."""
    baked = shop.shell.run("bake", "foundation", "nodejs")
    assert [layer["image"] for layer in baked["layers"]] == ["os/debian-12", "foundation/nodejs"]
    assert shop.shell.run("bake", "foundation", "nodejs")["baked"] == 0
    shop.hello.publish("1.0.0")
    shop.roll("1.0.0")
    assert shop.answer().startswith("Hello from hello 1.0.0")

    url, out = f"http://{shop.address}/", tmp_path / "load.json"
    with load.running(url, rate=RATE, out=out, clock=SystemClock()) as running:
        shop.hello.publish("2.0.0")
        shop.roll("2.0.0")
        assert shop.shares() == {"web-tier-prod-v002": 100}
        assert shop.answer().startswith("Hello from hello 2.0.0")

        shop.hello.publish_broken("3.0.0")
        failed = shop.roll("3.0.0", code=6)["error"]
        assert failed["brief"].endswith("web-tier-prod-v003 never became healthy")
        assert "Target." in failed["details"], failed  # in the balancer's own words
        assert (shop.shares(), shop.groups()) == ({"web-tier-prod-v002": 100}, ["web-tier-prod-v002"])

        shop.hello.publish("4.0.0")
        process = shop.shell.start("roll", "web-tier", "--package", "hello=4.0.0")
        until("its candidate", lambda: len(shop.groups()) == 2, deadline=120)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert shop.shell.run("resume", "web-tier")["run"]["state"] == "done"
        assert shop.answer().startswith("Hello from hello 4.0.0")
        summary = running.finish()
    assert summary.failed == 0, summary.failures
    assert summary.answered == summary.sent > 100
