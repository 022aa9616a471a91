"""The ground that Terraform lays for phoenix: it is whole, keeps strangers out, and lets rolls be.

A real Terraform works on the shipped roots, before providers of the real schemas (`tests/emulators/terraform/`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from phoenix.tools.process import Command, run
from tests.emulators.terraform import laid, rolled
from tests.emulators.terraform.laid import Ground
from tests.emulators.terraform.world import World

ROLLED: dict[str, tuple[Callable[[World], None], ...]] = {
    "aws": (rolled.rule_of_aws, rolled.listener_of_aws),
    "gcp": (rolled.url_map_of_google, rolled.backend_service_of_google),
}
GIVES_WAY = {
    "aws": ("modules/aws/route/main.tf", "modules/aws/balancer/main.tf"),
    "gcp": ("modules/gcp/balancer/main.tf",),
}
"""Modules that leave to phoenix what is phoenix's."""
EVERYWHERE = {"0.0.0.0/0", "::/0"}
PROBERS = {"35.191.0.0/16", "130.211.0.0/22"}
IAP = "35.235.240.0/20"


@pytest.fixture(scope="module", params=["aws", "gcp"])
def built(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """The ground of one cloud, as `terraform apply` leaves it."""
    with laid.ready(request.param) as ground:
        ground.terraform.apply()
        yield ground


@pytest.fixture
def after_a_roll(built: Ground) -> Iterator[Ground]:
    """The same, with what a roll leaves at the balancer, for one test."""
    before = copy.deepcopy(built.world.things)
    for change in ROLLED[built.cloud]:
        change(built.world)
    yield built
    built.world.things.clear()
    built.world.things.update(before)


def test_a_plan_after_a_roll_changes_nothing(after_a_roll: Ground) -> None:
    ran = after_a_roll.terraform.plan()
    assert ran.code == 0, ran.said


@pytest.mark.full
def test_without_its_lifecycle_a_plan_after_a_roll_would_undo_it(after_a_roll: Ground) -> None:
    for path in GIVES_WAY[after_a_roll.cloud]:
        file = after_a_roll.modules / path
        text = file.read_text()
        assert "ignore_changes = [" in text
        file.write_text(text.replace("ignore_changes = [", "ignore_changes = [] # ["))
        ran = after_a_roll.terraform.plan()
        file.write_text(text)
        assert ran.code == 2, f"{path}: {ran.said}"


def test_strangers_reach_the_balancer_alone(built: Ground) -> None:
    if built.cloud == "aws":
        rules = built.world.of("aws_vpc_security_group_ingress_rule")
        opened = [each for each in rules if {each["cidr_ipv4"], each["cidr_ipv6"]} & EVERYWHERE]
        assert [(each["from_port"], each["security_group_id"]) for each in opened] == [(80, _group(built, "balancer"))]
        shells = [each for each in rules if each["from_port"] <= 22 <= each["to_port"]]
        assert {each["security_group_id"] for each in shells} == {_group(built, "builder")}
        assert {each["cidr_ipv4"] or each["referenced_security_group_id"] for each in shells} == {
            "198.51.100.7/32",
            _group(built, "repository"),
        }
        assert not [each for each in built.world.of("aws_security_group") if each["ingress"]]
    else:
        rules = built.world.of("google_compute_firewall")
        sources = {tuple(sorted(each["source_ranges"] or each["source_tags"])) for each in rules}
        assert sources == {tuple(sorted(PROBERS)), (IAP,), ("hello-prod-builder", "hello-prod-machine")}
        shells = [each for each in rules if "22" in each["allow"][0]["ports"]]
        assert [(each["source_ranges"], sorted(each["target_tags"])) for each in shells] == [
            ([IAP], ["hello-prod-builder", "hello-prod-repository"])
        ]


def test_health_checks_reach_the_port_of_the_service(built: Ground) -> None:
    if built.cloud == "aws":
        let_in = built.world.one("aws_vpc_security_group_ingress_rule", security_group_id=_group(built, "machines"))
        assert let_in["referenced_security_group_id"] == _group(built, "balancer")
        assert (let_in["from_port"], let_in["to_port"]) == (8080, 8080)
    else:
        let_in = built.world.one("google_compute_firewall", name="hello-prod-balancer")
        assert set(let_in["source_ranges"]) == PROBERS
        assert let_in["target_tags"] == ["hello-prod-machine"]
        assert [each["ports"] for each in let_in["allow"]] == [["8080"]]


def test_the_state_is_versioned_private_and_hard_to_lose(built: Ground) -> None:
    if built.cloud == "aws":
        (bucket,) = (each for each in built.world.of("aws_s3_bucket") if each["bucket_prefix"] == "hello-prod-state-")
        versioning = built.world.one("aws_s3_bucket_versioning", bucket=bucket["id"])
        assert versioning["versioning_configuration"][0]["status"] == "Enabled"
        closed = built.world.one("aws_s3_bucket_public_access_block", bucket=bucket["id"])
        assert all(closed[each] for each in ("block_public_acls", "block_public_policy", "restrict_public_buckets"))
    else:
        bucket = built.world.one("google_storage_bucket", name="acme-prod-hello-prod-state")
        assert bucket["versioning"][0]["enabled"]
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["uniform_bucket_level_access"]
    assert bucket["force_destroy"] is False


def test_machines_may_read_their_own_secrets_and_nothing_of_others(built: Ground) -> None:
    if built.cloud == "aws":
        told = built.world.one("aws_iam_role_policy", name="secrets")
        assert _allowed(told["policy"]) == {("secretsmanager:GetSecretValue", laid.VARIABLES["aws"]["secrets"][0])}
        given = {each["role"] for each in built.world.of("aws_iam_role_policy_attachment")}
        assert given == {"hello-prod-builder", "hello-prod-phoenix", "hello-prod-repository"}
    else:
        machine = "serviceAccount:hello-prod-machine@acme-prod.iam.gserviceaccount.com"
        told = built.world.one("google_secret_manager_secret_iam_member")
        assert (told["secret_id"], told["member"]) == ("prod-db", machine)
        roles = {each["role"] for each in built.world.of("google_project_iam_member") if each["member"] == machine}
        assert roles == {"roles/logging.logWriter", "roles/monitoring.metricWriter"}


def test_phoenix_may_give_machines_the_roles_that_are_made_for_them_and_no_other(built: Ground) -> None:
    if built.cloud == "aws":
        for work, machine in (("bake", "builder"), ("roll", "machine"), ("tend", None)):
            told = json.loads(built.world.one("aws_iam_policy", name=f"hello-prod-{work}")["policy"])["Statement"]
            passing = [each["Resource"] for each in told if "iam:PassRole" in each["Action"]]
            role = machine and built.world.one("aws_iam_role", name=f"hello-prod-{machine}")["arn"]
            assert passing == ([[role]] if role else [])
    else:
        allowed = built.world.of("google_service_account_iam_member")
        acting = [each["service_account_id"] for each in allowed if "act_as" in each["role"]]
        assert acting == [built.world.one("google_service_account", account_id="hello-prod-machine")["name"]]


def test_the_repository_machine_gets_a_script_that_bash_can_read(built: Ground) -> None:
    if built.cloud == "aws":
        script = built.world.one("aws_instance")["user_data"]
        assert "amazon-ssm-eu-west-1/latest" in script
    else:
        script = built.world.one("google_compute_instance")["metadata_startup_script"]
    assert "root /srv/apt/main/public;" in script
    run(Command(argv=("bash", "-n"), stdin=script.encode()), timeout=60)


def test_whoever_works_as_phoenix_is_named(built: Ground) -> None:
    if built.cloud == "aws":
        trusted = json.loads(built.world.one("aws_iam_role", name="hello-prod-phoenix")["assume_role_policy"])
        repository = built.world.one("aws_iam_role", name="hello-prod-repository")["arn"]
        assert trusted["Statement"][0]["Principal"] == {
            "AWS": sorted([*laid.VARIABLES["aws"]["operators"], repository])
        }
    else:
        allowed = built.world.of("google_service_account_iam_member")
        members = {each["member"] for each in allowed if each["role"] == "roles/iam.serviceAccountTokenCreator"}
        assert members == {
            *laid.VARIABLES["gcp"]["operators"],
            "serviceAccount:hello-prod-apt@acme-prod.iam.gserviceaccount.com",
        }


def _group(built: Ground, name: str) -> Any:
    return built.world.one("aws_security_group", name=f"hello-prod-{name}")["id"]


def _allowed(policy: str) -> set[tuple[str, str]]:
    statements = json.loads(policy)["Statement"]
    return {(each["Action"], resource) for each in statements for resource in each["Resource"]}
