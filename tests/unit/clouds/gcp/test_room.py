"""Whether Google Cloud has room for a roll beside what serves, from its own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.api import Need
from phoenix.clouds.gcp.account import places, room
from phoenix.errors import CloudError
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine, LocalMachine, Place
from tests.unit.clouds.gcp.account_answers import REGION_QUOTAS, RULE, ZONES, Account, project_of

MACHINE = CloudMachine(type="n2-standard-2", firewall=("web",))
NEED = Need(machine=MACHINE, machines=4, live=4, place=Place(service="web", environment="prod"))


def look(directory: Path, account: Account, need: Need = NEED, *changes: tuple[str, str]) -> dict[str, Finding]:
    project, cloud = project_of(directory, *changes)
    place = next((each for each in places.of(project, "gcp") if each.place == need.place), None)
    return {each.subject: each for each in room.findings(cloud, account, need, place)}


def test_what_is_used_counts(tmp_path: Path) -> None:
    found = look(tmp_path, Account())
    assert {subject: each.found for subject, each in found.items()} == {
        "subnetwork": "web of net with 10.0.0.0/24, 8 addresses needed in a roll",
        "firewall of web/prod": "port 8080 is open to 35.191.0.0/16, 130.211.0.0/22",
        "N2_CPUS": "8 more needed, 12 of 48 are used",
        "CPUS_ALL_REGIONS": "8 more needed, 12 of 100 are used",
        "INSTANCES": "4 more needed, 6 of 100 are used",
        "SSD_TOTAL_GB": "40 more needed, 60 of 500 are used",
        "REGIONAL_INSTANCE_GROUP_MANAGERS": "1 more needed, 1 of 10 are used",
        "INSTANCE_TEMPLATES": "1 more needed, 0 of 9 are used",
        "BACKEND_SERVICES": "1 more needed, 4 of 9 are used",
    }
    assert {each.state for each in found.values()} == {State.FINE}


@pytest.mark.parametrize(("used", "state"), [(40, State.FINE), (41, State.LACK)])
def test_just_enough_and_one_too_few(tmp_path: Path, used: int, state: State) -> None:
    quotas = [{**each, "usage": used} if each["metric"] == "N2_CPUS" else each for each in REGION_QUOTAS]
    found = look(tmp_path, Account(regions__get={"zones": ZONES, "quotas": quotas}))["N2_CPUS"]
    assert (found.state, found.found) == (state, f"8 more needed, {used} of 48 are used")
    if state is State.LACK:
        assert found.remedy.startswith("Have the quota raised to 49: https://console.cloud.google.com/")


def test_a_firewall_that_lets_no_health_check_in_is_told_before_the_roll_fails_at_its_deadline(tmp_path: Path) -> None:
    account = Account(networks__getEffectiveFirewalls={"firewalls": [{**RULE, "disabled": True}]})
    assert look(tmp_path, account)["firewall of web/prod"].state is State.LACK


def test_one_backend_service_is_enough_for_all_groups(tmp_path: Path) -> None:
    changes = ("{url_map: web}", "{backend_service: web}")
    assert "BACKEND_SERVICES" not in look(tmp_path, Account(), NEED, changes)


def test_a_place_that_phoenix_yaml_has_no_longer_is_looked_at_all_the_same(tmp_path: Path) -> None:
    found = look(tmp_path, Account(), Need(machine=MACHINE, machines=1, live=1))
    assert set(found) == {"subnetwork", "N2_CPUS", "CPUS_ALL_REGIONS", "INSTANCES", "SSD_TOTAL_GB"}


def test_what_may_not_be_seen_is_a_note(tmp_path: Path) -> None:
    refused: Any = CloudError("refused", details="forbidden: no")
    found = look(tmp_path, Account(networks__get=refused, regions__get=refused))
    assert {(each.subject, each.state) for each in found.values()} == {
        ("network", State.NOTE),
        ("quotas", State.NOTE),
    }


def test_a_machine_of_this_computer_needs_none_of_it(tmp_path: Path) -> None:
    assert look(tmp_path, Account(), Need(machine=LocalMachine(), machines=1, live=1)) == {}
