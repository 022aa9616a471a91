"""The ground of `make test-gcp` and its removal, in the emulated project: all that is the run's goes, nothing else."""

from __future__ import annotations

import pytest

from tests.account.gcp import ground, run
from tests.account.gcp.ground import Account
from tests.account.gcp.removal import KINDS, removed
from tests.account.gcp.wishes import Wishes
from tests.emulators.gcp import Emulator

RUN = "try-0a1b2c3d"


@pytest.fixture
def there(gcp: Emulator) -> Account:
    world = gcp.world()
    return ground.account(RUN, world.project, world.region)


def inventory(gcp: Emulator) -> set[str]:
    """Everything of which the project has some, by its paths."""
    return {key for kind in KINDS for key in gcp.keys(kind.rpartition("/")[2])}


def laid(there: Account) -> str:
    wishes = Wishes(project=there.project, region=there.region)
    return ground.laid(there, wishes, lambda rule, _address: rule).address


def test_what_was_made_is_removed_and_nothing_else(gcp: Emulator, there: Account) -> None:
    before, said = inventory(gcp), list[str]()
    rule = laid(there)
    assert rule == f"projects/{there.project}/global/forwardingRules/{RUN}"
    made = inventory(gcp) - before
    assert len(made) == 7
    there.do("POST", "global/healthChecks", {"name": f"{RUN}-like", "type": "TCP", "tcpHealthCheck": {"port": 80}})
    assert removed(there, said.append, interval=0.05) == ()
    assert inventory(gcp) == before | {f"projects/{there.project}/global/healthChecks/{RUN}-like"}
    assert {f"remove {key.partition(f'{there.project}/')[2]}" for key in made} == set(said)


def test_what_cannot_be_removed_is_said(gcp: Emulator, there: Account) -> None:
    laid(there)
    gcp.fail("healthChecks.delete", reason="backendError", times=100)
    gcp.fail("images.list", reason="backendError", times=100)
    left = removed(there, lambda _text: None, seconds=2, interval=0.05)
    assert left[0].startswith("whatever images there are: Google refused GET global/images")
    assert left[1:] == (f"global/healthChecks/{RUN}",)


def test_a_run_says_what_is_left(gcp: Emulator, there: Account) -> None:
    said: list[str] = []
    laid(there)
    assert run.cleared(there, said.append, interval=0.05) == ()
    assert said[-1] == f"nothing of {RUN} is left"
