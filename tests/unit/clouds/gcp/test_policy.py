"""The rights that phoenix asks for: each by its own name, none that nobody needs, asked after where they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.clouds.gcp.account import permissions, policy
from phoenix.clouds.gcp.account.policy import BEYOND, Work
from phoenix.manner import Finding, State
from tests.unit.clouds.gcp.account_answers import Account, project_of


@pytest.mark.parametrize("work", Work)
def test_a_role_is_what_gcloud_takes(work: Work) -> None:
    role = policy.policy(work)
    assert set(role) == {"title", "description", "stage", "includedPermissions"}
    assert (role["title"], role["stage"]) == (f"phoenix {work}", "GA")
    names = role["includedPermissions"]
    assert names == sorted(set(names))
    assert not [name for name in names if "*" in name or name.count(".") < 2]
    assert all(word not in name for name in names for word in ("setIamPolicy", "serviceAccountKeys", "osLogin"))


def test_reading_changes_nothing() -> None:
    reads = {name.rpartition(".")[2] for work in Work for name in policy.rights(work).reads}
    assert reads == {"get", "getEffectiveFirewalls", "getFromFamily", "getSerialPortOutput", "list"}


def test_who_tends_makes_nothing_and_uses_no_account() -> None:
    tend = policy.rights(Work.TEND)
    assert tend.makes == ()
    assert not [name for name in tend.permissions if name.endswith((".create", ".actAs"))]


def test_accounts_are_used_by_a_role_of_their_own() -> None:
    holders = [work for work in Work if "iam.serviceAccounts.actAs" in policy.rights(work).permissions]
    assert holders == [Work.ACT_AS]


def test_who_bakes_changes_no_group_and_who_rolls_makes_no_image() -> None:
    bake, roll = policy.rights(Work.BAKE).permissions, policy.rights(Work.ROLL).permissions
    assert not [name for name in bake if name.split(".")[1] in ("instanceGroupManagers", "backendServices", "urlMaps")]
    assert not {"compute.images.create", "compute.images.delete", "compute.images.setLabels"} & roll


def test_every_right_beyond_the_calls_has_its_reason() -> None:
    assert all(len(reason) > 20 for reason in BEYOND.values())


def look(directory: Path, account: Account, *changes: tuple[str, str]) -> dict[str, Finding]:
    project, cloud = project_of(directory, *changes)
    found = permissions.findings(project, cloud, account)
    return {each.subject.removeprefix("rights "): each for each in found}


WEB = "web@acme-prod.iam.gserviceaccount.com"


def test_all_rights_are_there(tmp_path: Path) -> None:
    account = Account()
    found = look(tmp_path, account)
    assert list(found) == ["to bake", "to roll", "to tend", f"to use {WEB}"]
    assert {(each.state, each.found) for each in found.values()} == {(State.FINE, "all are given")}
    assert all(len(body["permissions"]) <= 100 for _url, body in account.asked)
    assert account.asked[-1] == (
        f"POST https://iam.googleapis.com/v1/projects/-/serviceAccounts/{WEB}:testIamPermissions",
        {"permissions": ["iam.serviceAccounts.actAs"]},
    )


def test_a_right_that_is_missing_is_named_for_each_work_that_needs_it(tmp_path: Path) -> None:
    found = look(tmp_path, Account(denied=("compute.images.create", "compute.urlMaps.update")))
    assert found["to bake"].found == "not allowed: compute.images.create"
    assert found["to roll"].found == found["to tend"].found == "not allowed: compute.urlMaps.update"
    assert found["to bake"].remedy == "phoenix doctor --cloud gcp --policy prints what to give"


def test_one_that_no_call_shows_is_told_with_its_reason(tmp_path: Path) -> None:
    found = look(tmp_path, Account(denied=("serviceusage.services.get",)))["to bake"].found
    assert found.endswith("(serviceusage.services.get: " + BEYOND["serviceusage.services.get"] + ")")


def test_an_account_that_may_not_be_used(tmp_path: Path) -> None:
    found = look(tmp_path, Account(denied=("iam.serviceAccounts.actAs",)))[f"to use {WEB}"]
    assert found.found == "not allowed: iam.serviceAccounts.actAs"
    assert found.remedy.startswith(f"gcloud iam service-accounts add-iam-policy-binding {WEB} --member")


TUNNEL = Account(denied=("iap.tunnelInstances.accessViaIAP",))


def test_a_tunnel_is_needed_where_there_is_one(tmp_path: Path) -> None:
    assert look(tmp_path, TUNNEL)["to bake"].state is State.FINE
    iap = ("subnetwork: web", "subnetwork: web, builder: {iap: true}")
    assert look(tmp_path, TUNNEL, iap)["to bake"].state is State.LACK


def test_a_shared_network_is_asked_where_it_is(tmp_path: Path) -> None:
    shared = ("subnetwork: web", "subnetwork: web, host_project: acme-net")
    account = Account()
    found = look(tmp_path, account, shared)
    assert found["to the network of acme-net"].state is State.FINE
    asked = {url.rpartition("/")[2]: set(body["permissions"]) for url, body in account.asked}
    assert asked["acme-net:testIamPermissions"] == policy.rights(Work.NETWORK).permissions
    assert not asked["acme-prod:testIamPermissions"] & policy.rights(Work.NETWORK).permissions
