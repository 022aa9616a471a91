"""`phoenix doctor --cloud gcp` and `--plan`'s room, on an emulated project that the real SDK asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli import app
from phoenix.clouds.api import Need
from phoenix.clouds.gcp.account import check, permissions, places, policy, room
from phoenix.clouds.gcp.calls import Calls
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine, Place
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.load import load
from phoenix.spec.project import Project
from tests.emulators.gcp import Emulator

YAML = """\
version: 1
project: shop
state: gs://bucket/shop
clouds:
  gcp: {{kind: gcp, project: {project}, region: {region}}}
images:
  os:
    debian-12: {{base: {{gcp: debian-cloud/debian-12}}, playbook: os.yml}}
services:
  web:
    image: os/debian-12
    port: 8080
    environments:
      prod:
        cloud: gcp
        size: {{min: 2, max: 3}}
        machine: {{type: e2-small, firewall: [web], identity: {account}}}
        load_balancer: {{url_map: {url_map}}}
"""
Shop = tuple[Project, GcpCloud]


@pytest.fixture
def shop(gcp: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A project whose environment is on the emulated one."""
    world = gcp.world()
    text = YAML.format(project=world.project, region=world.region, account=world.service_account, url_map=world.url_map)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/os.yml").write_text("---\n[]\n")
    (tmp_path / "phoenix.yaml").write_text(text)
    monkeypatch.setenv("PHOENIX_PROJECT", str(tmp_path))
    project = load(tmp_path / "phoenix.yaml", {})
    cloud = project.clouds["gcp"]
    assert isinstance(cloud, GcpCloud)
    return project, cloud


def told(found: tuple[Finding, ...]) -> dict[str, tuple[State, str]]:
    return {each.subject.removeprefix("gcp: "): (each.state, each.found) for each in found}


def look(shop: Shop, *, rights: bool = False) -> dict[str, tuple[State, str]]:
    project, cloud = shop
    return told(check.findings(project, cloud, Calls(cloud), rights=rights))


def test_a_project_that_has_it_all(gcp: Emulator, shop: Shop) -> None:
    found = look(shop, rights=True)
    assert {state for state, _found in found.values()} == {State.FINE}
    assert found["identity"][1] == "phoenix@shop-test.iam.gserviceaccount.com in shop-test, europe-west1"
    assert found["firewall of web/prod"][1] == "port 8080 is open to 35.191.0.0/16, 130.211.0.0/22"
    assert found["CPUS"][1].startswith("12 needed in a roll, there may be ")
    assert found["rights to roll"] == (State.FINE, "all are given")
    assert {call.method.rpartition(".")[2] for call in gcp.calls() if call.method.startswith("compute.")} == {
        "get",
        "getEffectiveFirewalls",
        "list",
    }


def test_an_api_that_is_not_enabled(gcp: Emulator, shop: Shop) -> None:
    gcp.configure(disabled=["storage.googleapis.com"])
    assert look(shop)["APIs"] == (State.LACK, "not enabled: storage.googleapis.com")
    gcp.configure(disabled=["compute.googleapis.com"])
    project, cloud = shop
    *_others, lack = check.findings(project, cloud, Calls(cloud))
    assert (lack.subject, lack.state) == ("gcp: project", State.LACK)
    assert lack.remedy == "gcloud services enable compute.googleapis.com --project shop-test"


def test_a_key_that_counts_no_more(gcp: Emulator, shop: Shop) -> None:
    gcp.configure(revoked=True)
    found = look(shop)
    assert list(found) == ["identity"]
    assert found["identity"][0] is State.LACK


def test_a_firewall_that_lets_nothing_in(gcp: Emulator, shop: Shop) -> None:
    project, cloud = shop
    calls = Calls(cloud)
    name = gcp.world().firewall
    calls.change("firewalls", "patch", firewall=name, body={"name": name, "targetTags": ["db"]})
    gcp.forget_calls()  # no role of phoenix's changes a firewall
    assert look(shop)["firewall of web/prod"][0] is State.LACK
    need = Need(
        machine=CloudMachine(type="e2-small"), machines=2, live=2, place=Place(service="web", environment="prod")
    )
    (place,) = places.of(project, "gcp")
    assert told(room.findings(cloud, calls, need, place))["firewall of web/prod"][0] is State.LACK


def test_too_small_a_quota(gcp: Emulator, shop: Shop) -> None:
    gcp.configure(quotas={"CPUS": 11, "BACKEND_SERVICES": 1})
    found = look(shop)
    assert found["CPUS"] == (State.LACK, "12 needed in a roll, there may be 11 and are 0")
    assert found["BACKEND_SERVICES"][0] is State.LACK


def test_rights_that_are_missing(gcp: Emulator, shop: Shop) -> None:
    gcp.configure(denied=["compute.urlMaps.update", "iam.serviceAccounts.actAs", "compute.regions.get"])
    found = look(shop, rights=True)
    assert found["rights to bake"] == (State.LACK, "not allowed: compute.regions.get")
    assert found["rights to roll"] == (State.LACK, "not allowed: compute.regions.get, compute.urlMaps.update")
    (account,) = [name for name in found if name.startswith("rights to use ")]
    assert found[account] == (State.LACK, "not allowed: iam.serviceAccounts.actAs")
    assert found["quotas"][0] is State.NOTE, "what may not be looked at is no lack"


def test_whoever_may_act_as_the_account_is_that_account(gcp: Emulator, shop: Shop) -> None:
    project, cloud = shop
    account = "deployer@shop-test.iam.gserviceaccount.com"
    acting = GcpCloud(name="gcp", project=cloud.project, region=cloud.region, impersonate=account)
    calls = Calls(acting)
    assert calls.who() == account
    assert {each.state for each in permissions.findings(project, acting, calls)} == {State.FINE}
    assert {call.caller for call in gcp.calls() if "testIamPermissions" in call.method} <= {account}
    gcp.configure(denied=["iam.serviceAccounts.getAccessToken"])
    (lack,) = check.findings(project, acting, Calls(acting))
    assert lack.state is State.LACK
    assert "--role roles/iam.serviceAccountTokenCreator" in lack.remedy


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = app.run([*words, "--json"])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, said


def test_by_command(gcp: Emulator, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:

    _code, said = run(capsys, "doctor", "--cloud", "gcp", "--permissions")
    states = {each["subject"]: each["state"] for each in said["checks"]}
    assert states["gcp: identity"] == states["gcp: rights to tend"] == "ok"
    assert "gcp: packer" in states


def test_the_roles_by_command(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "doctor", "--cloud", "gcp", "--policy")
    assert code == 0
    assert said["policies"] == {work.value: policy.policy(work) for work in policy.Work}
