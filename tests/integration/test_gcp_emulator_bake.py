"""The real Packer bakes an image through the emulator, in a machine that Google's guest agent opened for its key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.gcp import Emulator
from tests.emulators.gcp.bench import Bench
from tests.emulators.machines import light
from tests.integration.test_aws_emulator_bake import PLAYBOOK
from tests.support.real.machines import left_of, until

TEMPLATE = """\
variable "ansible_playbook" {
  type = string
}

variable "project" {
  type = string
}

source "googlecompute" "trial" {
  project_id              = var.project
  zone                    = "europe-west1-b"
  machine_type            = "e2-small"
  source_image_family     = "debian-12"
  source_image_project_id = ["debian-cloud"]
  image_name              = "trial"
  image_labels            = { layer = "trial" }
  labels                  = { builder = "trial" }
  communicator            = "ssh"
  ssh_username            = "packer"
  ssh_timeout             = "5m"
}

build {
  sources = ["source.googlecompute.trial"]

  provisioner "ansible" {
    command          = var.ansible_playbook
    playbook_file    = "${path.root}/playbook.yml"
    user             = "packer"
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_HOST_KEY_CHECKING=False", "ANSIBLE_PIPELINING=True"]
  }

  post-processor "manifest" {
    output = "${path.root}/manifest.json"
  }
}
"""


@pytest.fixture
def emulator(roomy: Path, debian_gce: Path) -> Iterator[Emulator]:
    root = roomy / "gcp-bake"
    root.mkdir()
    with Emulator(machines="light", options={"root": str(root), "vendor": str(debian_gce)}) as emulator:
        yield emulator
    try:
        assert left_of(root) == []
    finally:
        light.sweep(root)


def packer(bench: Bench, directory: Path) -> subprocess.CompletedProcess[str]:
    """A build in `directory`."""
    (directory / "trial.pkr.hcl").write_text(TEMPLATE)
    (directory / "playbook.yml").write_text(PLAYBOOK)
    own = {"CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1", "PACKER_CACHE_DIR": str(directory / "cache")}
    ansible = Path(sys.executable).with_name("ansible-playbook")
    variables = (f"-var=project={bench.world.project}", f"-var=ansible_playbook={ansible}")
    return subprocess.run(
        ["packer", "build", *variables, str(directory / "trial.pkr.hcl")],
        env={**os.environ, **bench.emulator.environment, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=590,
    )


def console(bench: Bench) -> str:
    said: str = bench.call("instances.getSerialPortOutput", instance="booted")["contents"]
    return said.replace("\r", "")


@pytest.mark.full
def test_debians_packer_bakes_where_it_is_forgiven_and_nowhere_else(emulator: Emulator, tmp_path: Path) -> None:
    """https://github.com/hashicorp/packer/issues/11511"""
    bench = Bench(emulator)
    done = packer(bench, tmp_path)
    assert done.returncode == 1
    assert "An element is null" in done.stdout + done.stderr  # before it comes to the URL of the disk
    assert emulator.keys("instances") == emulator.keys("disks") == ()
    emulator.configure(old_packer=True)
    done = packer(bench, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest: dict[str, Any] = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["builds"][-1]["artifact_id"] == "trial"
    assert emulator.keys("instances") == emulator.keys("disks") == ()
    assert bench.call("images.get", image="trial")["labels"] == {"layer": "trial"}
    disk = {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": "global/images/trial"}}
    script = {"key": "startup-script", "value": "#!/bin/sh\ncat /etc/baked > /dev/console\n"}
    bench.do("instances.insert", bench.instance("booted", disks=[disk], metadata={"items": [script]}))
    until("what was baked in", lambda: "baked\n" in console(bench), deadline=120)
    bench.do("instances.delete", instance="booted")
