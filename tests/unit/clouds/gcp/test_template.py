"""The Packer template of Google Cloud: what a bare entry of phoenix.yaml gives, and what each key puts into it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import packers, template
from phoenix.clouds.gcp.bake.packers import Packer
from phoenix.spec.clouds import GcpBuilder, GcpCloud, GcpImageOptions, GcpReach
from phoenix.tools.render import Renderer

BARE = GcpCloud(name="gcp", project="acme-prod", region="us-central1")
KEY = "projects/acme-prod/locations/us/keyRings/images/cryptoKeys/one"
FULL = GcpCloud(
    name="gcp",
    project="acme-prod",
    region="us-central1",
    network="",
    subnetwork="web",
    host_project="acme-network",
    impersonate="baker@acme-prod.iam.gserviceaccount.com",
    labels={"team": "web"},
    builder=GcpBuilder(
        type="n2-standard-4",
        disk=20 * 1024**3 + 1,
        disk_type="pd-ssd",
        zone="us-central1-f",
        identity="builder@acme-prod.iam.gserviceaccount.com",
        scopes=("https://www.googleapis.com/auth/devstorage.read_only",),
        firewall=("ssh", "build"),
        reach=GcpReach.IAP,
        spot=True,
        secure_boot=True,
        max_run_duration=3600.0,
        kms=f"{KEY}-disk",
    ),
    images=GcpImageOptions(family="shop", kms=KEY, location="eu", features=("GVNIC", "SEV_CAPABLE")),
)
DEBIAN = "debian-cloud/debian-12"
ONE = "debian-cloud/debian-12-bookworm-v20260115"
OLD = Packer(version=(1, 6, 6), plugins={})
NEW = Packer(version=(1, 16, 0), plugins={"googlecompute": (1, 2, 8), "ansible": (1, 1, 7)})
SOURCE = """\
  project_id                      = var.project_id
  impersonate_service_account     = ""
  zone                            = var.zone
  network                         = var.network
  subnetwork                      = var.subnetwork
  network_project_id              = var.network_project_id
  omit_external_ip                = false
  use_internal_ip                 = false
  use_iap                         = false
  tags                            = []
  instance_name                   = var.instance_name
  disk_name                       = var.instance_name
  machine_type                    = var.machine_type
  disk_size                       = var.disk_size
  disk_type                       = "pd-balanced"
  labels                          = local.builder_labels
  disable_default_service_account = true
  service_account_email           = ""
  scopes                          = ["https://www.googleapis.com/auth/cloud-platform"]
  preemptible                     = false
  on_host_maintenance             = "MIGRATE"
  enable_secure_boot              = false
  enable_vtpm                     = false
  enable_integrity_monitoring     = false
  wrap_startup_script             = false
  metadata = merge({
    enable-oslogin         = "FALSE" # a login profile would be left behind
    block-project-ssh-keys = "TRUE"  # nobody else's keys get into the image
  }, var.metadata)

  source_image_project_id = [var.source_image_project]
  source_image_family     = var.source_image_family
  source_image            = var.source_image

  image_name              = var.image_id
  image_description       = "${var.image_id}, baked by phoenix${var.facts}"
  image_family            = var.image_family
  image_labels            = local.image_labels
  image_storage_locations = []

  communicator           = "ssh"
  ssh_username           = "phoenix-builder"
  ssh_private_key_file   = var.ssh_private_key_file
  ssh_handshake_attempts = 100 # a slow machine refuses the key until its agent has let it in
  use_os_login           = false
  state_timeout          = "10m"
  ssh_timeout            = "10m"
"""
IDENTITY = {
    "ref": "os/debian-12 of shop",
    "project": "shop",
    "type": "os",
    "name": "debian-12",
    "image_id": "shop-os-debian-12-0123456789ab",
    "key": "0123456789abcdef",
    "parent": "",
}


@pytest.fixture(autouse=True)
def old_packer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's."""
    monkeypatch.setattr(packers, "found", lambda: OLD)


def rendered(spec: GcpCloud | None, base: str | None = DEBIAN, parent: str | None = None) -> str:
    made = template.template(spec, base=base, parent=parent)
    return Renderer().render(made.file, {**IDENTITY, "vendor": parent is None, **made.variables})


def source(text: str) -> str:
    """The block of the builder."""
    found = re.search(r'^source "googlecompute" "image" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def keys(text: str) -> Mapping[str, str]:
    """What stands in the block, wherever in it."""
    return dict(re.findall(r"^ +(\w+) += (.*)$", source(text), re.MULTILINE))


def default(text: str, variable: str) -> str | None:
    block = re.search(rf'^variable "{variable}" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL)
    assert block, variable
    value = re.search(r"^  default +\= (.*)$", block[1], re.MULTILINE)
    return value[1] if value else None


def test_the_builder_of_a_bare_entry() -> None:
    assert source(rendered(BARE)) == SOURCE


def test_every_key_of_an_entry_stands_in_the_template() -> None:
    text = rendered(FULL)
    assert {
        name: default(text, name)
        for name in (
            "project_id",
            "zone",
            "network",
            "subnetwork",
            "network_project_id",
            "machine_type",
            "disk_size",
            "labels",
            "image_family",
        )
    } == {
        "project_id": '"acme-prod"',
        "zone": '"us-central1-f"',
        "network": '""',
        "subnetwork": '"web"',
        "network_project_id": '"acme-network"',
        "machine_type": '"n2-standard-4"',
        "disk_size": "21",
        "labels": '{ "team" = "web" }',
        "image_family": '"shop-os-debian-12"',
    }
    expected = {
        "impersonate_service_account": '"baker@acme-prod.iam.gserviceaccount.com"',
        "omit_external_ip": "true",
        "use_internal_ip": "true",
        "use_iap": "true",
        "tags": '["ssh", "build"]',
        "disk_type": '"pd-ssd"',
        "disable_default_service_account": "false",
        "service_account_email": '"builder@acme-prod.iam.gserviceaccount.com"',
        "scopes": '["https://www.googleapis.com/auth/devstorage.read_only"]',
        "preemptible": "true",
        "on_host_maintenance": '"TERMINATE"',
        "enable_secure_boot": "true",
        "enable_vtpm": "true",
        "enable_integrity_monitoring": "true",
        "image_storage_locations": '["eu"]',
        "kmsKeyName": f'"{KEY}"',
    }
    assert expected.items() <= keys(text).items()


@pytest.mark.parametrize("reach", list(GcpReach))
def test_how_the_builder_is_reached(reach: GcpReach) -> None:
    found = keys(rendered(replace(BARE, builder=GcpBuilder(reach=reach))))
    private = "false" if reach is GcpReach.PUBLIC else "true"
    assert (found["omit_external_ip"], found["use_internal_ip"]) == (private, private)
    assert found["use_iap"] == ("true" if reach is GcpReach.IAP else "false")


def test_a_current_packer_gets_what_an_old_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = {"max_run_duration_in_seconds", "instance_termination_action", "image_guest_os_features"}
    assert newer & keys(rendered(FULL)).keys() == set()
    assert "disk_encryption_key" not in rendered(FULL)
    monkeypatch.setattr(packers, "found", lambda: NEW)
    found = keys(rendered(FULL))
    assert found["max_run_duration_in_seconds"] == "3600"
    assert found["instance_termination_action"] == '"DELETE"'
    assert found["image_guest_os_features"] == '["GVNIC", "SEV_CAPABLE"]'
    assert f'disk_encryption_key {{\n    kmsKeyName = "{KEY}-disk"\n  }}' in rendered(FULL)
    monkeypatch.setattr(packers, "found", lambda: None)
    assert newer & keys(rendered(FULL)).keys() == set()


@pytest.mark.parametrize("here", [OLD, NEW], ids=["old", "new"])
@pytest.mark.parametrize("spec", [BARE, FULL], ids=["bare", "full"])
@pytest.mark.parametrize("parent", [None, "shop-os-1"], ids=["vendor", "layer"])
def test_it_is_formatted(
    here: Packer, spec: GcpCloud, parent: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packers, "found", lambda: here)
    (tmp_path / "image.pkr.hcl").write_text(rendered(spec, parent=parent))
    done = subprocess.run(["packer", "fmt", "-check", "-diff", str(tmp_path)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_everything_that_is_made_is_labelled_and_the_builder_is_told_from_the_image() -> None:
    text = rendered(BARE)
    for name in ("bake_labels = merge(var.labels, {", "image_labels = merge(local.bake_labels, {"):
        assert name in text
    assert 'builder_labels = merge(local.bake_labels, { phoenix-role = "builder" })' in text
    assert 'phoenix-role   = "unproven"' in text
    assert {"labels", "image_labels"} <= keys(text).keys()


@pytest.mark.parametrize(
    ("base", "parent", "unknown"),
    [
        (DEBIAN, None, set()),
        (ONE, None, set()),
        (None, None, {"source_image_project", "source_image_family"}),
        (None, "", {"source_image"}),
        (None, "shop-os-debian-12-0123", set()),
    ],
)
def test_what_it_starts_from(base: str | None, parent: str | None, unknown: set[str]) -> None:
    made = template.template(BARE, base=base, parent=parent)
    assert {name for name, value in made.variables.items() if value is None} == unknown
    assert unknown <= made.stand_ins.keys()
    assert ("source_image_family" in source(rendered(BARE, base, parent))) is (parent is None)


@pytest.mark.parametrize(
    ("base", "family", "image"),
    [(DEBIAN, '"debian-12"', '""'), (ONE, '""', '"debian-12-bookworm-v20260115"')],
)
def test_a_base_is_a_family_or_one_image(base: str, family: str, image: str) -> None:
    text = rendered(BARE, base)
    assert default(text, "source_image_project") == '"debian-cloud"'
    assert (default(text, "source_image_family"), default(text, "source_image")) == (family, image)


def test_packer_is_not_asked_for_the_name_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bake that is a hit starts no program."""

    def never() -> Packer:
        raise AssertionError

    monkeypatch.setattr(packers, "found", never)
    assert template.template(BARE, base=None, parent=None).file == "packer/gcp.pkr.hcl.j2"
