"""Mistakes in the shipped modules are found by `terraform validate`; values that cannot be, before anything is made.

Were they not, nothing that the other tests say of the modules would mean much.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.emulators.terraform import laid
from tests.emulators.terraform.laid import VARIABLES, Ground

pytestmark = pytest.mark.full

MISTAKES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "aws": (
        ("network", "cidr_block           = var.cidr", "cidr_blok = var.cidr"),
        ("network", "nat_gateway_id         =", "nat_gatway_id ="),
        ("network", "aws_route_table_association", "aws_route_table_asociation"),
        ("firewall", "vpc_id      = var.vpc", "vpc = var.vpc"),
        ("firewall", '  ip_protocol       = "tcp"\n', ""),
        ("firewall", "from_port         = each.value.port", 'from_port = "http"'),
        ("balancer", "fixed_response {", "fixed_answer {"),
        ("balancer", '    type = "fixed-response"\n', ""),
        ("balancer", "aws_lb.balancer.arn\n  port              = local", "aws_lb.balancer.arm\n  port = local"),
        ("route", "  priority     = var.priority", "  prio = var.priority"),
        ("route", "  listener_arn = var.listener\n", ""),
        ("route", "ignore_changes = [action]", "ignore_changes = [actions]"),
        ("identity", "policy_arn = ", "policy = "),
        ("identity", "aws_iam_role.role[each.key].name", "aws_iam_role.rolle[each.key].name"),
        ("rights", "policy      = each.value", ""),
        ("rights", "max_session_duration = 14400", 'max_session_duration = "long"'),
        ("repository", 'device_name = "/dev/sdf"\n', ""),
        ("repository", "http_tokens   =", "http_token ="),
        ("state", "bucket_prefix = ", "bucket_prefx = "),
        ("state", 'status = "Enabled"\n  }', 'state = "Enabled"\n  }'),
    ),
    "gcp": (
        ("network", "auto_create_subnetworks = false", "auto_create_subnets = false"),
        ("network", '  nat_ip_allocate_option             = "AUTO_ONLY"\n', '  nat_ip_option = "AUTO_ONLY"\n'),
        ("network", "ip_cidr_range            = var.cidr", "ip_cidr_range = [var.cidr]"),
        ("firewall", 'protocol = "tcp"\n    ports    = ["22"]', 'ports = ["22"]'),
        ("firewall", "source_tags =", "source_tag ="),
        ("balancer", "request_path = var.health", "path = var.health"),
        (
            "balancer",
            'url_map = google_compute_url_map.service.id\n}\n\nresource "google_compute_global_forwarding_rule" "http"',
            '}\n\nresource "google_compute_global_forwarding_rule" "http"',
        ),
        ("balancer", "google_compute_global_address.address.id", "google_compute_global_address.addres.id"),
        ("balancer", "default_route_action, default_url_redirect", "default_route_actions, default_url_redirect"),
        ("identity", "google_service_account.machine.member", "google_service_account.machine.membr"),
        ("identity", 'role      = "roles/secretmanager.secretAccessor"\n', ""),
        ("rights", "permissions = each.value.includedPermissions\n", ""),
        ("rights", "service_account_id = each.value", "account = each.value"),
        ("repository", "machine_type            = var.type\n", ""),
        ("repository", "private_visibility_config {", "private_visibility {"),
        ("state", "uniform_bucket_level_access = true", 'uniform_bucket_level_access = "always"'),
        ("state", "versioning {\n    enabled = true", "versioning {\n    on = true"),
    ),
}
REFUSED: Mapping[str, tuple[tuple[dict[str, Any], str], ...]] = {
    "aws": (
        ({"zones": ["eu-west-1a"]}, "a load balancer needs two"),
        ({"zones": ["eu-west-1a", "us-east-1a"]}, "one of the region"),
        ({"cidr": "10.20.0.0/28"}, "/16 to /22"),
        ({"port": 22}, "22 is no service's"),
        ({"priority": 5}, "from 10 to 50000"),
        ({"clients": ["everybody"]}, "192.0.2.0/24"),
        ({"builder_clients": ["0.0.0.0/0"]}, "nobody else is let in to builders"),
        ({"certificate": "www.acme.example"}, "ARN of a certificate"),
        ({"secrets": ["prod/db"]}, "ARNs of secrets"),
        ({"operators": ["*"]}, "neither * nor a whole account"),
        ({"machine_roles": ["arn:aws:iam::123456789012:role/*"]}, "without * or ?"),
        ({"operators": ["arn:aws:iam::123456789012:root"]}, "neither * nor a whole account"),
    ),
    "gcp": (
        ({"cidr": "10.20.0.0/29"}, "/27 or larger"),
        ({"port": 22}, "22 is no service's"),
        ({"health": "healthz"}, "such as /healthz"),
        ({"domains": ["https://acme.example"]}, "www.acme.example"),
        ({"operators": ["allUsers"]}, "neither allUsers"),
        ({"service": "Web"}, "At most 22 lower-case"),
    ),
}


@pytest.fixture(scope="module", params=["aws", "gcp"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A root of which nothing is made."""
    with laid.ready(request.param) as ready:
        yield ready


def test_the_form_is_terraforms_own(ground: Ground) -> None:
    said = ground.terraform.run("fmt", "-check", "-recursive", "-diff", str(ground.modules))
    assert said.code == 0, said.said


def test_it_is_valid_and_every_single_mistake_is_found(ground: Ground) -> None:
    assert ground.terraform.run("validate", "-no-color").code == 0
    missed = []
    for module, right, wrong in MISTAKES[ground.cloud]:
        file = ground.modules / "modules" / ground.cloud / module / "main.tf"
        text = file.read_text()
        assert right in text, f"{module}: {right}"
        file.write_text(text.replace(right, wrong, 1))
        if ground.terraform.run("validate", "-no-color").code == 0:
            missed.append(f"{module}: {wrong or f'without {right}'}")
        file.write_text(text)
    assert not missed


def test_every_module_has_a_mistake_made_in_it(ground: Ground) -> None:
    there = {each.name for each in (ground.modules / "modules" / ground.cloud).iterdir()}
    assert there == {module for module, _right, _wrong in MISTAKES[ground.cloud]}


def test_values_that_cannot_be_are_refused_before_anything_is_made(ground: Ground) -> None:
    for values, why in REFUSED[ground.cloud]:
        file = ground.terraform.root / "terraform.tfvars.json"
        file.write_text(json.dumps({**VARIABLES[ground.cloud], **values}))
        ran = ground.terraform.plan()
        assert ran.code == 1, f"{values}: {ran.said}"
        assert why in " ".join(ran.said.split()), f"{values}: {ran.said}"
        file.write_text(json.dumps(VARIABLES[ground.cloud]))


def test_the_tests_that_travel_with_the_root_pass(ground: Ground) -> None:
    ran = ground.terraform.run("test", "-no-color")
    assert ran.code == 0, ran.said
    assert "4 passed, 0 failed" in ran.said


def test_this_is_the_terraform_of_the_package(ground: Ground) -> None:
    told = json.loads(ground.terraform.must("version", "-json"))
    assert told["terraform_version"].startswith("1.15.")
