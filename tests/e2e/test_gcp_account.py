"""`make test-gcp` as far as that goes without a project: the same program, which finds an emulator instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import packers
from tests.account.gcp import run
from tests.account.gcp.removal import KINDS
from tests.account.gcp.wishes import Wishes
from tests.emulators.gcp import Emulator
from tests.emulators.machines import light
from tests.support.real import gcp_rights
from tests.support.real.machines import left_of

pytestmark = pytest.mark.full
HASTY = "tests.support.real.hasty"


@pytest.fixture(scope="module")
def root(roomy: Path) -> Path:
    directory = roomy / "gcp-account"
    directory.mkdir()
    return directory


@pytest.fixture(scope="module")
def emulator(root: Path, debian_gce: Path) -> Iterator[Emulator]:
    options = {"root": str(root), "vendor": str(debian_gce)}
    with pytest.MonkeyPatch.context() as patch, Emulator(machines="light", options=options) as emulator:
        for name, value in {**emulator.environment, packers.ANYWAY: "yes"}.items():
            patch.setenv(name, value)
        emulator.configure(lag=1.0, old_packer=True)
        yield emulator
    try:
        assert left_of(root) == []
    finally:
        light.sweep(root)


def inventory(emulator: Emulator) -> set[str]:
    """What there is in the project that costs money, or would be in somebody's way."""
    return {key for kind in KINDS for key in emulator.keys(kind.rpartition("/")[2])}


def wishes(emulator: Emulator, minutes: float = 90.0) -> Wishes:
    world = emulator.world()
    return Wishes(project=world.project, region=world.region, minutes=minutes)


def play(emulator: Emulator, name: str, asked: Wishes, said: list[str]) -> int:
    def address_of(rule: str, _address: str) -> str:
        return emulator.serve(rule)

    return run.played(name, asked, said.append, address_of=address_of, interval=1, program=HASTY)


@pytest.mark.timeout(900, method="thread")
def test_a_run_whose_time_is_over_leaves_nothing_either(emulator: Emulator) -> None:
    asked, said = wishes(emulator, minutes=0.5), list[str]()
    before = inventory(emulator)
    assert play(emulator, "try-0a1b2c3e", asked, said) == 1
    assert "failed: OutOfTimeError: the time is over" in said
    assert inventory(emulator) == before
    assert said[-1] == "nothing of try-0a1b2c3e is left"


@pytest.mark.timeout(2400, method="thread")  # the run has the alarm for itself
def test_the_story_goes_as_it_must_and_leaves_nothing(emulator: Emulator) -> None:
    asked, said = wishes(emulator), list[str]()
    before = inventory(emulator)
    assert play(emulator, "try-0a1b2c3d", asked, said) == 0, "\n".join(said)
    assert inventory(emulator) == before
    assert said[-1] == "nothing of try-0a1b2c3d is left"
    assert gcp_rights.uncovered(emulator.calls()) == []
