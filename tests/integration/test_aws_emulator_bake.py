"""The real Packer bakes an AMI through the emulator, in a machine that cloud-init opened for its key pair."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.aws import Emulator
from tests.emulators.aws.bench import Bench
from tests.emulators.machines import light
from tests.support.real.machines import left_of, until

TEMPLATE = """\
variable "endpoint" {
  type = string
}

variable "ansible_playbook" {
  type = string
}

source "amazon-ebs" "trial" {
  region                      = "eu-west-1"
  custom_endpoint_ec2         = var.endpoint
  skip_region_validation      = true
  skip_metadata_api_check     = true
  skip_credential_validation  = true
  instance_type               = "t3.small"
  associate_public_ip_address = true
  user_data                   = "#cloud-config\\nwrite_files: [{path: /srv/given, content: given}]\\n"
  source_ami_filter {
    owners      = ["136693071363"]
    most_recent = true
    filters = {
      name             = "debian-12-amd64-*"
      root-device-type = "ebs"
    }
  }
  ami_name      = "trial"
  tags          = { layer = "trial" }
  snapshot_tags = { layer = "trial" }
  run_tags      = { builder = "trial" }
  communicator  = "ssh"
  ssh_username  = "admin"
  ssh_timeout   = "5m"
  aws_polling {
    delay_seconds = 1
    max_attempts  = 120
  }
}

build {
  sources = ["source.amazon-ebs.trial"]

  provisioner "shell" {
    inline = ["cloud-init status --wait"]
  }

  provisioner "ansible" {
    command          = var.ansible_playbook
    playbook_file    = "${path.root}/playbook.yml"
    user             = "admin"
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_HOST_KEY_CHECKING=False", "ANSIBLE_PIPELINING=True"]
  }

  post-processor "manifest" {
    output = "${path.root}/manifest.json"
  }
}
"""
PLAYBOOK = """\
- name: Bake
  hosts: all
  become: true
  gather_facts: false
  tasks:
    - name: Leave a mark
      ansible.builtin.copy:
        content: "baked\\n"
        dest: /etc/baked
        mode: "0644"
    - name: Serve it
      ansible.builtin.copy:
        content: |
          [Service]
          ExecStart=/usr/bin/python3 -m http.server --directory /etc 8080
          [Install]
          WantedBy=multi-user.target
        dest: /etc/systemd/system/mark.service
        mode: "0644"
    - name: At every boot
      ansible.builtin.systemd_service:
        name: mark
        enabled: true
"""


@pytest.fixture
def emulator(roomy: Path, debian_ami: Path) -> Iterator[Emulator]:
    root = roomy / "aws-bake"
    root.mkdir()
    with Emulator(machines="light", options={"root": str(root), "vendor": str(debian_ami)}) as emulator:
        yield emulator
    try:
        assert left_of(root) == []
    finally:
        light.sweep(root)


def packer(emulator: Emulator, directory: Path) -> dict[str, Any]:
    """What the manifest says of the build in `directory`."""
    kept = {name: value for name, value in os.environ.items() if name != "AWS_MAX_ATTEMPTS"}
    own = {"CHECKPOINT_DISABLE": "1", "PACKER_NO_COLOR": "1", "PACKER_CACHE_DIR": str(directory / "cache")}
    ansible = Path(sys.executable).with_name("ansible-playbook")
    variables = (f"-var=endpoint={emulator.url}", f"-var=ansible_playbook={ansible}")
    done = subprocess.run(
        ["packer", "build", *variables, str(directory / "trial.pkr.hcl")],
        env={**kept, **emulator.environment, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    built: dict[str, Any] = json.loads((directory / "manifest.json").read_text())["builds"][0]
    return built


def answer(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/baked", timeout=10) as response:
        return str(response.read(), "utf-8")


@pytest.mark.full
def test_packer_bakes_an_ami_and_a_group_serves_from_it(emulator: Emulator, tmp_path: Path) -> None:
    bench = Bench(emulator)
    (tmp_path / "trial.pkr.hcl").write_text(TEMPLATE)
    (tmp_path / "playbook.yml").write_text(PLAYBOOK)
    image = packer(emulator, tmp_path)["artifact_id"].removeprefix("eu-west-1:")
    (found,) = bench.ec2.describe_images(ImageIds=[image])["Images"]
    assert (found["State"], found["Tags"]) == ("available", [{"Key": "layer", "Value": "trial"}])
    assert bench.ec2.describe_key_pairs()["KeyPairs"] == []

    arn = bench.target_group(HealthCheckPath="/baked")
    bench.rule(arn)
    template = {"LaunchTemplateName": bench.template(ImageId=image), "Version": "1"}
    bench.group(size=1, LaunchTemplate=template, TargetGroupARNs=[arn])
    until("health", lambda: list(bench.health(arn).values()) == [("healthy", "")], deadline=120)
    assert answer(emulator.serve(bench.world.listener)) == "baked\n"
    (instance,) = bench.ids()
    until("the console", lambda: "Started mark.service" in console(bench, instance))


def console(bench: Bench, instance: str) -> str:
    return str(bench.ec2.get_console_output(InstanceId=instance).get("Output", ""))
