"""What doctor finds in a project, from Google's own answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix.clouds.gcp.account import check
from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.errors import CloudError
from phoenix.manner import State
from tests.unit.clouds.gcp.account_answers import (
    NET,
    PROXIES,
    REGION_QUOTAS,
    RULE,
    SUBNETWORK,
    ZONES,
    Account,
    project_of,
    quota,
)

SECRET = ("    port: 8080", "    settings: {DB: 'gcp-sm://db'}\n    port: 8080")
REFUSED = CloudError("Google Cloud refused it", details="forbidden: no", resolution="Ask somebody.")


def look(directory: Path, account: Account, *changes: tuple[str, str]) -> dict[str, tuple[State, str, str]]:
    project, cloud = project_of(directory, *changes)
    found = check.findings(project, cloud, account)
    return {each.subject.removeprefix("gcp: "): (each.state, each.found, each.remedy) for each in found}


def test_a_project_that_has_it_all(tmp_path: Path) -> None:
    assert look(tmp_path, Account()) == {
        "identity": (State.FINE, "ci@acme-prod.iam.gserviceaccount.com in acme-prod, us-central1", ""),
        "APIs": (State.FINE, "enabled: compute.googleapis.com, storage.googleapis.com", ""),
        "subnetwork": (State.FINE, "web of net with 10.0.0.0/24, 12 addresses needed in a roll", ""),
        "firewall of web/prod": (State.FINE, "port 8080 is open to 35.191.0.0/16, 130.211.0.0/22", ""),
        "N2_CPUS": (State.FINE, "24 needed in a roll, there may be 48 and are 12", ""),
        "CPUS_ALL_REGIONS": (State.FINE, "24 needed in a roll, there may be 100 and are 12", ""),
        "INSTANCES": (State.FINE, "12 needed in a roll, there may be 100 and are 6", ""),
        "SSD_TOTAL_GB": (State.FINE, "120 needed in a roll, there may be 500 and are 60", ""),
        "REGIONAL_INSTANCE_GROUP_MANAGERS": (State.FINE, "2 needed in a roll, there may be 10 and are 1", ""),
        "INSTANCE_TEMPLATES": (State.FINE, "2 needed in a roll, there may be 9 and are 0", ""),
        "BACKEND_SERVICES": (State.FINE, "2 needed in a roll, there may be 9 and are 4", ""),
    }


def test_nothing_is_asked_twice_and_nothing_is_changed(tmp_path: Path) -> None:
    account = Account()
    look(tmp_path, account)
    said = [f"{what} {sorted(parameters.items())}" for what, parameters in account.asked]
    assert sorted(said) == sorted(set(said))
    assert len(said) <= 16
    assert {what.partition(".")[2] for what, _parameters in account.asked if " " not in what} == {
        "get",
        "getEffectiveFirewalls",
        "list",
    }


def test_nobody_is_told_how_to_become_somebody(tmp_path: Path) -> None:
    nobody = CloudError("no credentials", details="none found", resolution="Log in again.")
    assert look(tmp_path, Account(who=nobody)) == {
        "identity": (State.LACK, "no credentials: none found", "Log in again.")
    }
    account = ("subnetwork: web", "subnetwork: web, impersonate: phoenix@acme-prod.iam.gserviceaccount.com")
    _state, _found, remedy = look(tmp_path, Account(who=nobody), account)["identity"]
    assert "gcloud iam service-accounts add-iam-policy-binding phoenix@acme-prod.iam.gserviceaccount.com" in remedy
    assert remedy.endswith("--role roles/iam.serviceAccountTokenCreator")


@pytest.mark.parametrize("said", ["accessNotConfigured", "serviceDisabled"])
def test_without_the_api_nothing_else_is_asked(tmp_path: Path, said: str) -> None:
    off = RefusedCallError("refused", said=said, details=f"{said}: it is disabled", resolution="x")
    found = look(tmp_path, Account(projects__get=off))
    enable = "gcloud services enable compute.googleapis.com --project acme-prod"
    assert found["project"] == (State.LACK, f"{said}: it is disabled", enable)
    assert set(found) == {"identity", "project"}


def test_a_project_that_is_not_there(tmp_path: Path) -> None:
    found = look(tmp_path, Account(projects__get=REFUSED))
    assert found["project"] == (State.LACK, "forbidden: no", "Ask somebody.")


def test_apis_that_are_not_enabled(tmp_path: Path) -> None:
    account = Account(disabled=("secretmanager.googleapis.com", "iap.googleapis.com"))
    iap = ("subnetwork: web", "subnetwork: web, builder: {iap: true}")
    state, found, remedy = look(tmp_path, account, SECRET, iap)["APIs"]
    assert (state, found) == (State.LACK, "not enabled: iap.googleapis.com, secretmanager.googleapis.com")
    assert remedy == "gcloud services enable iap.googleapis.com secretmanager.googleapis.com --project acme-prod"


def test_a_way_to_secret_manager(tmp_path: Path) -> None:
    state, found, remedy = look(tmp_path, Account(), SECRET)["way to Secret Manager"]
    assert (state, found) == (State.NOTE, "machines without a public address reach Google from web by a NAT alone")
    assert "subnets update web --project acme-prod --region us-central1 --enable-private-ip-google-access" in remedy
    open_ = {"items": [{**SUBNETWORK, "privateIpGoogleAccess": True}]}
    assert "way to Secret Manager" not in look(tmp_path, Account(subnetworks__list=open_), SECRET)
    assert "way to Secret Manager" not in look(tmp_path, Account())


@pytest.mark.parametrize(
    ("changes", "others", "found"),
    [
        ((), {"networks__get": None}, "acme-prod has no network net"),
        (((", network: net", ""),), {"subnetworks__get": None}, "acme-prod has no subnetwork web"),
    ],
)
def test_no_network(tmp_path: Path, changes: Any, others: Any, found: str) -> None:
    remedy = "Correct clouds.gcp.network and subnetwork."
    assert look(tmp_path, Account(**others), *changes)["network"] == (State.LACK, found, remedy)


def test_a_subnetwork_is_asked_whose_network_it_is(tmp_path: Path) -> None:
    shared = (
        "region: us-central1, subnetwork: web, network: net",
        "region: us-central1, subnetwork: web, host_project: acme-net",
    )
    account = Account()
    assert look(tmp_path, account, shared)["subnetwork"][0] is State.FINE
    asked = dict(account.asked)
    assert asked["subnetworks.get"]["project"] == asked["networks.getEffectiveFirewalls"]["project"] == "acme-net"
    assert asked["networks.get"]["network"] == "net"


@pytest.mark.parametrize(
    ("changes", "others", "found"),
    [
        (
            (("subnetwork: web", "subnetwork: app"),),
            {},
            "net of acme-prod has no subnetwork app in us-central1; there: web",
        ),
        (
            (("subnetwork: web, ", ""),),
            {},
            "net of acme-prod makes no subnetworks by itself; in us-central1 there: web",
        ),
        (
            (),
            {"subnetworks__list": {"items": [{**SUBNETWORK, "network": f"{NET}2"}, {**SUBNETWORK, **PROXIES}]}},
            "net of acme-prod has no subnetwork web in us-central1; there: none",
        ),
        (
            (),
            {"subnetworks__list": {"items": [{**SUBNETWORK, "ipCidrRange": "10.0.0.0/29"}]}},
            "web of net with 10.0.0.0/29, 12 addresses needed in a roll",
        ),
    ],
)
def test_no_subnetwork_or_a_small_one(tmp_path: Path, changes: Any, others: Any, found: str) -> None:
    state, said, remedy = look(tmp_path, Account(**others), *changes)["subnetwork"]
    assert (state, said) == (State.LACK, found)
    assert "clouds.gcp.subnetwork" in remedy


def test_a_network_that_makes_its_subnetworks_itself(tmp_path: Path) -> None:
    account = Account(
        networks__get={"autoCreateSubnetworks": True}, subnetworks__list={"items": [{**SUBNETWORK, "name": "net"}]}
    )
    state, found, _remedy = look(tmp_path, account, ("subnetwork: web, ", ""))["subnetwork"]
    assert (state, found) == (State.FINE, "net of net with 10.0.0.0/24, 12 addresses needed in a roll")


def test_a_firewall_that_lets_no_health_check_in(tmp_path: Path) -> None:
    account = Account(networks__getEffectiveFirewalls={"firewalls": [{**RULE, "targetTags": ["db"]}]})
    state, found, remedy = look(tmp_path, account)["firewall of web/prod"]
    assert state is State.LACK
    assert found == (
        "no rule of net lets 35.191.0.0/16 and 130.211.0.0/22 reach port 8080 of machines with the tags web"
    )
    assert remedy == (
        "gcloud compute firewall-rules create health-checks-8080 --project acme-prod --network net --allow tcp:8080 "
        "--source-ranges 35.191.0.0/16,130.211.0.0/22 --target-tags web"
    )
    bare = ("firewall: [web], ", "")
    _state, found, remedy = look(tmp_path, account, bare)["firewall of web/prod"]
    assert found.endswith("of machines without tags")
    assert remedy.endswith("--target-service-accounts web@acme-prod.iam.gserviceaccount.com")


def test_a_firewall_policy_may_let_them_in(tmp_path: Path) -> None:
    policies = [{"displayName": "acme", "rules": [{"direction": "INGRESS"}]}]
    account = Account(networks__getEffectiveFirewalls={"firewallPolicys": policies})
    state, found, _remedy = look(tmp_path, account)["firewall of web/prod"]
    assert state is State.NOTE
    assert found.endswith("; the firewall policies acme may")


REGIONAL = ("{url_map: web}", "{url_map: web, region: us-central1}")


def test_a_regional_load_balancer_needs_its_proxies(tmp_path: Path) -> None:
    state, found, remedy = look(tmp_path, Account(), REGIONAL)["proxies of web/prod"]
    assert (state, found) == (
        State.LACK,
        "net has no subnetwork for the proxies of a regional load balancer in us-central1",
    )
    assert "--purpose REGIONAL_MANAGED_PROXY --role ACTIVE --range RANGE --network net" in remedy
    account = Account(subnetworks__list={"items": [SUBNETWORK, PROXIES]})
    found_ = look(tmp_path, account, REGIONAL)
    assert "proxies of web/prod" not in found_
    state, found, _remedy = found_["firewall of web/prod"]
    assert (state, "lets 10.9.0.0/23 reach" in found) == (State.LACK, True)
    assert "BACKEND_SERVICES" not in found_, "a regional one is none of the global quota's"


@pytest.mark.parametrize(
    ("metric", "limit", "changes", "found"),
    [
        ("N2_CPUS", 23, (), "24 needed in a roll, there may be 23 and are 12"),
        ("CPUS", 11, (("n2-standard-2", "e2-small"),), "24 needed in a roll, there may be 11 and are 4"),
        ("INSTANCES", 11, (), "12 needed in a roll, there may be 11 and are 6"),
        (
            "IN_USE_ADDRESSES",
            8,
            (("firewall: [web]", "firewall: [web], public_ip: true"),),
            "12 needed in a roll, there may be 8 and are 1",
        ),
        (
            "SSD_TOTAL_GB",
            500,
            (("firewall: [web]", "firewall: [web], disk: 50G"),),
            "600 needed in a roll, there may be 500 and are 60",
        ),
        (
            "INSTANCE_GROUP_MANAGERS",
            1,
            (("size: {min", "zones: [us-central1-b]\n        size: {min"),),
            "2 needed in a roll, there may be 1 and are 1",
        ),
    ],
)
def test_a_quota_that_is_too_small(tmp_path: Path, metric: str, limit: float, changes: Any, found: str) -> None:
    quotas = [each if each["metric"] != metric else {**each, "limit": limit} for each in REGION_QUOTAS]
    account = Account(regions__get={"zones": ZONES, "quotas": quotas})
    state, said, remedy = look(tmp_path, account, *changes)[metric]
    assert (state, said) == (State.LACK, found)
    assert remedy.endswith("https://console.cloud.google.com/iam-admin/quotas?project=acme-prod")


def test_spot_machines_have_a_quota_where_somebody_has_asked_for_one(tmp_path: Path) -> None:
    spot = ("firewall: [web]", "firewall: [web], spot: true")
    assert "N2_CPUS" in look(tmp_path, Account(), spot)
    quotas = [*REGION_QUOTAS[:-3], quota("PREEMPTIBLE_CPUS", 23)]
    found = look(tmp_path, Account(regions__get={"zones": ZONES, "quotas": quotas}), spot)
    assert found["PREEMPTIBLE_CPUS"][:2] == (State.LACK, "24 needed in a roll, there may be 23 and are 0")
    assert not {"N2_CPUS", "CPUS_ALL_REGIONS"} & found.keys()


def test_a_family_without_a_quota_of_its_own_is_not_told(tmp_path: Path) -> None:
    found = look(tmp_path, Account(), ("n2-standard-2", "c4-standard-2"))
    assert not {"CPUS", "N2_CPUS", "C4_CPUS"} & found.keys()
    assert found["CPUS_ALL_REGIONS"][0] is State.FINE


def only_in(*zones: str) -> Any:
    return lambda parameters: {"guestCpus": 2} if parameters["zone"] in zones else None


@pytest.mark.parametrize(
    ("there", "changes", "state", "found"),
    [
        (("us-central1-b", "us-central1-c"), (), State.NOTE, "us-central1-f has no n2-standard-2"),
        (
            ("us-central1-b",),
            (("size: {min", "zones: [us-central1-b, us-central1-c]\n        size: {min"),),
            State.LACK,
            "us-central1-c has no n2-standard-2",
        ),
        ((), (), State.LACK, "us-central1-b, us-central1-c, us-central1-f have no n2-standard-2"),
    ],
)
def test_a_machine_type_that_a_zone_lacks(
    tmp_path: Path, there: tuple[str, ...], changes: Any, state: State, found: str
) -> None:
    builder = ("subnetwork: web", "subnetwork: web, builder: {type: n2-standard-2, zone: us-central1-b}")
    if not there:
        builder = ("subnetwork: web", "subnetwork: web")
    said = look(tmp_path, Account(machineTypes__get=only_in(*there)), builder, *changes)["machine type"]
    assert said[:2] == (state, found)


def test_what_may_not_be_seen_is_a_note(tmp_path: Path) -> None:
    found = look(tmp_path, Account(networks__get=REFUSED, regions__get=REFUSED, web=REFUSED))
    unseen = (State.NOTE, "not seen: forbidden: no")
    assert {name: told[:2] for name, told in found.items() if name != "identity"} == {
        "APIs": unseen,
        "network": unseen,
        "quotas": unseen,
    }
