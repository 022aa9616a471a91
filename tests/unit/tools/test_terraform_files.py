"""Which arguments Terraform's files leave to others, read out of files as people write them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from phoenix.tools import terraform_files

TEXT = """
# resource "commented" "out" { lifecycle { ignore_changes = [a] } }
variable "names" { default = { a = "}", b = "${upper("{")}" } }
resource "aws_lb_listener" "web" {
  count = var.listens ? 1 : 0
  text  = <<-END
    resource "in" "text" { lifecycle { ignore_changes = [b] } }
    unbalanced {
  END
  default_action { type = "forward" }
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [default_action, boot_disk[0].image, tags["x"], /* why */ weight,]
  }
}
resource "aws_vpc" "main" {
  cidr = "10.0.0.0/16"
  lifecycle { create_before_destroy = true }
}
data "aws_ami" "debian" {
  lifecycle { ignore_changes = [c] }
}
resource "aws_ami" "ours" {
  lifecycle { ignore_changes = all }
}
"""


def test_whole_arguments_of_resources_and_nothing_else() -> None:
    assert dict(terraform_files.resources(TEXT)) == {
        "aws_lb_listener.web": {"default_action", "weight"},
        "aws_ami.ours": {"all"},
    }


def test_the_files_of_modules_are_in_the_plan(tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    text = 'resource "a" "b" {\n  lifecycle {\n    ignore_changes = [c]\n  }\n}\n'
    with zipfile.ZipFile(plan, "w") as archive:
        for name in ("tfconfig/m-/main.tf", "tfconfig/m-net.inner/x.tf", "tfplan", "tfconfig/modules.json"):
            archive.writestr(name, text)
    assert terraform_files.ignored(plan) == {"a.b": {"c"}, "module.net.module.inner.a.b": {"c"}}


def test_an_address_without_its_indexes() -> None:
    assert terraform_files.without_indexes('module.a[0].aws_lb.b["x.y"]') == "module.a.aws_lb.b"


def test_what_the_files_set() -> None:
    inner = {"resources": [{"address": "a.b", "expressions": {"name": {}}}]}
    root = {"resources": [{"address": "c.d"}], "module_calls": {"net": {"module": inner}}}
    found = terraform_files.configured({"configuration": {"root_module": root}})
    assert found == {"c.d": frozenset(), "module.net.a.b": {"name"}}
