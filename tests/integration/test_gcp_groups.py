"""Managed groups at the wire, with the real SDK: what Google is told, and how often it is asked."""

from __future__ import annotations

from collections import Counter

import pytest

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.machines import boot
from phoenix.errors import RefusedError
from phoenix.model import Size
from tests.emulators.gcp import Emulator
from tests.support.real import gcp as google
from tests.support.real.gcp import NAME, RELEASE, Account, wanted

MANY = 60
FEW = Size(wanted=2, least=1, most=3, cpu=60)


@pytest.fixture
def account(gcp: Emulator) -> Account:
    return google.account(gcp, "shop")


@pytest.fixture
def in_a_zone(gcp: Emulator) -> Account:
    return google.account(gcp, "shop", zones=(gcp.world().zones[1],))


def methods(account: Account) -> list[str]:
    """What phoenix has called, without the part that every name has."""
    ours = (call for call in account.emulator.calls() if "phoenix" in call.user_agent)
    return [call.method.removeprefix("compute.") for call in ours]


def test_what_google_is_told(account: Account) -> None:
    group = account.serving(3, Size(wanted=3, least=1, most=6, cpu=60))
    told = account.told()
    assert (told["targetSize"], told["baseInstanceName"]) == (3, NAME)
    assert (told["updatePolicy"]["type"], told["updatePolicy"]["instanceRedistributionType"]) == (
        "OPPORTUNISTIC",
        "NONE",
    )
    assert told["distributionPolicy"]["targetShape"] == "BALANCED"
    (healing,) = told["autoHealingPolicies"]
    assert healing["initialDelaySec"] == 300
    check = account.ask(account.everywhere("healthChecks", f"{NAME}-heal"))
    assert (check["checkIntervalSec"], check["unhealthyThreshold"]) == (30, 5)
    assert check["httpHealthCheck"] == {"port": 8080, "requestPath": "/healthz"}
    assert account.ask(account.path("instanceGroups", NAME))["namedPorts"] == [{"name": "http", "port": 8080}]
    assert {instance.zone for instance in group.instances} == set(account.world.zones)
    policy = account.scaler()["autoscalingPolicy"]
    assert (policy["minNumReplicas"], policy["maxNumReplicas"], policy["mode"]) == (1, 6, "ON")
    assert policy["cpuUtilization"]["utilizationTarget"] == 0.6


def test_a_group_of_one_zone(in_a_zone: Account) -> None:
    group = in_a_zone.serving(3, FEW)
    assert in_a_zone.told()["zone"].endswith(in_a_zone.zones[0])
    assert {instance.zone for instance in group.instances} == set(in_a_zone.zones)
    assert in_a_zone.ask(in_a_zone.path("instanceGroups", NAME))["namedPorts"]
    in_a_zone.groups().pin(NAME, until=wanted().created)
    assert in_a_zone.scaler()["autoscalingPolicy"]["mode"] == "ONLY_SCALE_OUT"
    in_a_zone.groups().delete(NAME)
    assert in_a_zone.left() == []


def test_what_its_machines_are(account: Account) -> None:
    account.serving(size=1)
    (key,) = account.emulator.keys("instances")
    machine = account.ask(key)
    items = machine["metadata"]["items"]
    assert boot.release_of(items) == RELEASE
    assert "echo hello" in next(each["value"] for each in items if each["key"] == "startup-script")
    own = machine["labels"]
    assert (own["team"], own[labels.PROJECT], own[labels.RELEASE], own[labels.GROUP]) == (
        "shop",
        "shop",
        RELEASE.id,
        NAME,
    )
    assert labels.KEEP_UNTIL not in own
    assert machine["tags"]["items"] == ["web"]
    (identity,) = machine["serviceAccounts"]
    assert identity["scopes"] == ["https://www.googleapis.com/auth/cloud-platform"]
    (disk,) = account.emulator.keys("disks")
    assert account.ask(disk)["labels"][labels.GROUP] == NAME


def test_a_machine_that_phoenix_yaml_describes(account: Account) -> None:
    spot = account.machine(spot=True, public_ip=True, disk=20 << 30, identity=None)
    account.emulator.configure(quotas={"PREEMPTIBLE_CPUS": 10})
    account.groups().create(wanted(1), account.template(machine=spot))
    told = account.ask(account.everywhere("instanceTemplates", NAME))["properties"]
    assert told["scheduling"]["provisioningModel"] == "SPOT"
    assert told["scheduling"]["instanceTerminationAction"] == "DELETE"
    assert told["networkInterfaces"][0]["accessConfigs"]
    assert told["disks"][0]["initializeParams"]["diskSizeGb"] == "20"
    assert "serviceAccounts" not in told


def test_a_disk_that_is_too_small(account: Account) -> None:
    small = account.machine(disk=5 << 30)
    with pytest.raises(RefusedError, match="too small"):
        account.groups().create(wanted(), account.template(machine=small))
    assert account.left() == []


def test_a_look_at_a_group_that_is_well_is_one_call_whatever_its_size(account: Account) -> None:
    account.emulator.configure(quotas={"CPUS": 1000, "INSTANCES": 1000})
    account.serving(size=MANY)
    groups = account.groups()
    groups.find(NAME)
    account.emulator.forget_calls()
    for _look in range(3):
        found = groups.find(NAME)
        assert found is not None
        assert len({instance.address for instance in found.instances}) == MANY
    assert methods(account) == ["regionInstanceGroupManagers.get"] * 3


def test_a_minute_of_watching_a_group_is_a_few_questions(account: Account) -> None:
    account.serving()
    groups = account.groups()
    groups.find(NAME)
    account.emulator.forget_calls()
    for _look in range(4):  # as a soak does
        account.clock.sleep(15)
        groups.find(NAME)
    assert len(methods(account)) <= 6, methods(account)


def test_a_minute_of_waiting_for_machines_is_a_few_questions(account: Account) -> None:
    account.emulator.configure(capacity=1)
    groups = account.groups()
    groups.create(wanted(), account.template())
    account.emulator.forget_calls()
    for _look in range(12):
        groups.find(NAME)
        account.clock.sleep(5)
    asked = Counter(methods(account))
    assert asked["regionInstanceGroupManagers.get"] == 12
    assert asked["regionInstanceGroupManagers.listErrors"] <= 4
    assert asked.total() <= 30, asked


def test_nobody_asks_per_machine(account: Account) -> None:
    account.serving(size=30)
    account.emulator.forget_calls()
    account.groups().list()
    assert sorted(methods(account)) == [
        "instanceGroupManagers.aggregatedList",
        "instanceTemplates.get",
        "instances.aggregatedList",
        "regionInstanceGroupManagers.listManagedInstances",
    ]


def test_a_machine_that_somebody_abandoned_is_told(account: Account) -> None:
    group = account.serving()
    account.clock.sleep(3600)
    groups = account.groups()
    assert groups.strays(groups.list()) == ()
    taken = group.instances[0]
    link = f"projects/{account.world.project}/zones/{taken.zone}/instances/{taken.id}"
    manager = account.path("instanceGroupManagers", NAME)
    account.ask(f"{manager}/abandonInstances", verb="POST", body={"instances": [link]})
    account.clock.sleep(60)
    (told,) = groups.strays(groups.list())
    assert (told.id, told.group, told.service, told.state) == (taken.id, NAME, "web", "running")
