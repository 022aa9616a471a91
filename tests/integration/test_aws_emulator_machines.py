"""Emulated instances that are real machines: booted by cloud-init, reached by ssh, made into an AMI, and gone again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.emulators.aws.light_machines import LightMachines
from tests.emulators.aws.machines import Launch
from tests.emulators.machines import light
from tests.emulators.machines.kinds import Check
from tests.support.real.machines import left_of, until

FIRST, SECOND = "i-0123456789abcdef0", "i-0123456789abcdef1"
USER_DATA = b"""\
#!/bin/sh
echo "made by $(whoami)" > /srv/index.html
echo 'user-data: failed: at nothing' > /dev/console
cd /srv && setsid python3 -m http.server 8080 > /dev/null 2>&1 &
"""
ASK = "http://169.254.169.254/latest"
TOKEN = f"$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {ASK}/api/token)"
WITH_TOKEN = f'curl -s -H "X-aws-ec2-metadata-token: {TOKEN}" {ASK}/meta-data/'


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Machines, and the key that opens them."""

    machines: LightMachines
    key: Path
    root: Path

    def launch(self, wanted: Launch) -> str:
        return self.machines.launch(replace(wanted, key=self.key.with_suffix(".pub").read_text()))

    def say(self, address: str, command: str) -> str:
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5")
        words = ("ssh", "-i", str(self.key), *(f"-o{option}" for option in options), f"admin@{address}", command)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout

    def booted(self, machine: str) -> bool:
        return "Reached target cloud-init.target" in self.machines.console(machine)


@pytest.fixture(scope="module")
def bench(roomy: Path, debian_ami: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    key = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pair", "-f", str(key)], check=True)
    root = roomy / "aws-machines"
    root.mkdir()
    machines = LightMachines(root=str(root), vendor=str(debian_ami))
    yield Bench(machines=machines, key=key, root=root)
    machines.close()
    assert left_of(root) == []
    assert list(root.iterdir()) == []


@pytest.fixture(scope="module")
def address(bench: Bench) -> str:
    """A machine of the vendor's AMI that has booted to its end."""
    wanted = Launch(
        id=FIRST,
        image="ami-1",
        user_data=USER_DATA,
        profile="arn:aws:iam::123456789012:instance-profile/web",
        tokens_only=True,
        tags={"Name": "first"},
    )
    address = bench.launch(wanted)
    assert bench.machines.ready(FIRST)
    until("cloud-init", lambda: bench.booted(FIRST), deadline=120)
    return address


def test_cloud_init_found_ec2_and_ran_the_user_data(bench: Bench, address: str) -> None:
    assert bench.say(address, "cat /srv/index.html") == "made by root\n"
    assert bench.say(address, "sudo cloud-init status --wait; cloud-id").split() == ["status:", "done", "aws"]
    assert bench.say(address, "systemctl --failed --quiet") == ""
    console = bench.machines.console(FIRST)
    assert "Welcome to Debian" in console
    assert "Datasource DataSourceEc2" in console
    assert "user-data: failed: at nothing" in console.splitlines()


def test_the_metadata_service_is_version_2(bench: Bench, address: str) -> None:
    assert bench.say(address, f"curl -s -o /dev/null -w '%{{http_code}}' {ASK}/meta-data/instance-id") == "401"
    answers = {
        "instance-id": FIRST,
        "ami-id": "ami-1",
        "local-ipv4": address,
        "public-keys/": "0=pair",
        "tags/instance/Name": "first",
        "iam/security-credentials/": "web",
    }
    for path, said in answers.items():
        assert bench.say(address, WITH_TOKEN + path) == said
    assert '"AccessKeyId"' in bench.say(address, f"{WITH_TOKEN}iam/security-credentials/web")


def test_a_service_has_its_own_port_at_the_machines_address(bench: Bench, address: str) -> None:
    until("an answer", lambda: bench.machines.probe(FIRST, Check(port=8080, path="/")).status == 200)
    assert bench.machines.probe(FIRST, Check(port=8080, path="/none")).status == 404
    assert bench.machines.probe(FIRST, Check(port=8081)).status is None


@pytest.mark.full
def test_an_image_of_a_stopped_machine_is_what_others_start_from(bench: Bench, address: str) -> None:
    machines, images = bench.machines, bench.root / "images"
    bench.say(address, "echo kept | sudo tee /etc/kept; sudo rm /etc/debian_version")
    machines.stop(FIRST)
    assert not machines.ready(FIRST)
    assert machines.probe(FIRST, Check(port=8080)).status is None
    machines.save(FIRST, "ami-2")
    machines.copy("ami-2", "ami-3")
    machines.forget("ami-2")
    assert [path.name for path in images.iterdir()] == ["ami-3"]
    other = bench.launch(Launch(id=SECOND, image="ami-3"))
    assert other != address
    until("cloud-init", lambda: bench.booted(SECOND), deadline=120)
    assert bench.say(other, "cat /etc/kept; ls /etc/debian_version") == "kept\n"
    assert bench.say(other, f"curl -s {ASK}/meta-data/instance-id") == SECOND, "version 1, which it was not denied"
    machines.forget("ami-3")
    assert (images / "ami-3").is_dir(), "a machine needs it"
    machines.terminate(SECOND)
    machines.terminate(SECOND)
    assert machines.console(SECOND) == ""
    assert list(images.iterdir()) == []


@pytest.mark.full
def test_a_stopped_machine_starts_again_where_it_was(bench: Bench, address: str) -> None:
    bench.machines.stop(FIRST)
    bench.machines.start(FIRST)
    until("an answer to ssh", lambda: bench.say(address, "cat /srv/index.html") == "made by root\n", deadline=120)


def test_what_a_killed_emulator_left_is_swept(bench: Bench, debian_ami: Path) -> None:
    root = bench.root / "killed"
    root.mkdir()
    killed = LightMachines(root=str(root), vendor=str(debian_ami))
    killed.launch(Launch(id=FIRST, image="ami-1"))
    assert left_of(root)
    light.sweep(root)
    assert left_of(root) == []
    root.rmdir()
