"""A service that was renamed, on Google Cloud: its former name's group serves, is adopted, and leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from phoenix import observe
from phoenix.errors import RefusedError
from phoenix.execute.ownership import OwnedRun
from phoenix.model import Observed, Place
from phoenix.plan.actions import to_json
from phoenix.plan.roll_actions import roll_plan
from phoenix.plan.rollback import rollback
from phoenix.record.history import History
from phoenix.record.journal import RunState
from phoenix.spec.services import ServiceSpec
from tests.emulators.gcp import Emulator
from tests.support.rolls import gcp_stage
from tests.support.rolls.gcp_stage import OLD, PLACE, GcpStage

pytestmark = pytest.mark.timeout(240)

FRONT = "front-prod-v001"


def test_a_route(gcp: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adopted(gcp_stage.by_url_map(gcp, tmp_path), monkeypatch)


@pytest.mark.full
def test_one_backend_service(gcp: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adopted(gcp_stage.by_backend_service(gcp, tmp_path), monkeypatch)


@dataclass(frozen=True, kw_only=True)
class Renamed(GcpStage):
    """The same service by another name."""

    @property
    def spec(self) -> ServiceSpec:
        return replace(super().spec, name="front")

    @property
    def observed(self) -> Observed:
        return observe.service(self.door, Place(service="front", environment="prod"), History(self.store))


def goes_back_and_forth(renamed: Renamed) -> None:
    """By a rollback to what the former name made, and by another word to what the new one did."""
    for target in (OLD, FRONT):
        spec, observed = renamed.spec, renamed.observed
        plan = to_json(rollback(spec, spec.environments["prod"], observed, target))
        owned = OwnedRun.begin(
            renamed.store, renamed.account.clock, kind="rollback", subject=gcp_stage.SUBJECT, plan=plan
        )
        renamed.engine().execute(owned, roll_plan(plan))
        assert list(dict(renamed.observed.route.shares)) == [target]


def adopted(stage: GcpStage, patch: pytest.MonkeyPatch) -> None:
    """The group of the former name loses its traffic by a word alone, stands, is seen, and goes whole."""
    stage.roll("1")
    front = Place(service="front", environment="prod")
    patch.setattr(gcp_stage, "PLACE", front)
    patch.setattr(gcp_stage, "SUBJECT", "front/prod")
    fields = {key: getattr(stage, key) for key in ("account", "logs", "balancer", "strategy", "size", "store", "said")}
    renamed = Renamed(**fields)
    with pytest.raises(RefusedError, match=f"phoenix made {OLD} for web/prod, and it serves front/prod"):
        renamed.roll("2")
    assert dict(renamed.door.traffic(PLACE).read().shares) == {OLD: 100}, "its former name has it still"
    renamed = replace(renamed, adopt=True)
    assert renamed.roll("2").state is RunState.DONE
    assert dict(renamed.observed.route.shares) == {FRONT: 100}
    former = observe.standing(renamed.door, PLACE, renamed.door.groups.list())
    assert [(group.name, group.made, group.keep_until) for group in former.groups] == [(OLD, True, None)]
    assert dict(former.route.shares) == {}
    goes_back_and_forth(renamed)
    renamed.account.groups().delete(OLD)
    assert renamed.left_of(OLD) == []
    assert dict(renamed.observed.route.shares) == {FRONT: 100}
