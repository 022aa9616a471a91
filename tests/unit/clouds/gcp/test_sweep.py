"""What a sweep takes of groups: what no group has, wherever in the project that group may be."""

from __future__ import annotations

from datetime import datetime, timedelta

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.groups import GcpGroups
from phoenix.clouds.gcp.machines.templates import FRESH
from tests.support.fakes.doubles import FakeClock
from tests.unit.clouds.gcp import answers
from tests.unit.clouds.gcp.asked import SPEC, Asked


def thing(name: str, created: datetime) -> dict[str, str]:
    return {
        "name": name,
        "creationTimestamp": created.isoformat(),
        "description": labels.described(answers.MARKS),
    }


def test_templates_and_checks_of_a_group_in_another_region_stay() -> None:
    clock = FakeClock()
    old = clock.now() - FRESH - timedelta(hours=1)
    template, check = thing(answers.NAME, old), thing(f"{answers.NAME}-heal", old)
    calls = Asked(
        instanceGroupManagers__aggregatedList={"items": [answers.group()]},
        instanceTemplates__list={"items": [template]},
        instanceTemplates__get=template,
        healthChecks__list={"items": [check]},
        healthChecks__get=check,
    )
    assert SPEC.region not in answers.REGION
    assert GcpGroups("shop", SPEC, calls, clock).sweep() == ()
    assert not [verb for verb in calls.verbs() if verb.endswith(".delete")]
    calls.answers["instanceGroupManagers__aggregatedList"] = {"items": []}
    assert GcpGroups("shop", SPEC, calls, clock).sweep() == (
        f"the instance template {answers.NAME}",
        f"the health check {answers.NAME}-heal",
    )
