"""Emulated instances that are real machines: booted by Google's guest agent, reached by ssh, made into an image."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.emulators.gcp.light_machines import LightMachines
from tests.emulators.gcp.machines import Launch
from tests.emulators.machines import light
from tests.emulators.machines.kinds import Check
from tests.support.real.machines import left_of, until

FIRST, SECOND = "42", "43"
VENDOR = "projects/debian-cloud/global/images/debian-12-bookworm-v20251111"
SCRIPT = """\
#!/bin/sh
echo "made by $(whoami)" > /srv/index.html
echo 'phoenix-boot: failed: at nothing' > /dev/console
cd /srv && setsid python3 -m http.server 8080 > /dev/null 2>&1 &
"""
ASK = "curl -s -H 'Metadata-Flavor: Google' http://metadata.google.internal/computeMetadata/v1/instance"
BOOTED = "Reached target graphical.target"


def wanted(machine: str, image: str = VENDOR, **metadata: str) -> Launch:
    return Launch(
        id=machine,
        name=f"web-{machine}",
        image=image,
        project="shop",
        zone="europe-west1-b",
        service_account="web@shop.iam.gserviceaccount.com",
        metadata=metadata,
    )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Machines, and the key that opens them."""

    machines: LightMachines
    key: Path
    root: Path

    @property
    def ssh_keys(self) -> str:
        return f"packer:{self.key.with_suffix('.pub').read_text().strip()}"

    def launch(self, wanted: Launch) -> str:
        return self.machines.launch(replace(wanted, metadata={"ssh-keys": self.ssh_keys, **wanted.metadata}))

    def say(self, address: str, command: str, user: str = "packer") -> str:
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=5")
        words = ("ssh", "-i", str(self.key), *(f"-o{option}" for option in options), f"{user}@{address}", command)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout

    def booted(self, machine: str) -> bool:
        return BOOTED in self.machines.console(machine)


@pytest.fixture(scope="module")
def bench(roomy: Path, debian_gce: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    key = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "packer", "-f", str(key)], check=True)
    root = roomy / "gcp-machines"
    root.mkdir()
    machines = LightMachines(root=str(root), vendor=str(debian_gce))
    yield Bench(machines=machines, key=key, root=root)
    machines.close()
    assert left_of(root) == []
    assert list(root.iterdir()) == []


@pytest.fixture(scope="module")
def address(bench: Bench) -> str:
    """A machine of the vendor's image that has booted to its end."""
    address = bench.launch(wanted(FIRST, **{"startup-script": SCRIPT, "release": '{"id": 7}'}))
    until("the startup script", lambda: bench.booted(FIRST), deadline=120)
    return address


def test_the_guest_agent_made_the_user_and_ran_the_startup_script(bench: Bench, address: str) -> None:
    until("the user", lambda: bench.say(address, "cat /srv/index.html") == "made by root\n")
    assert bench.say(address, "sudo whoami") == "root\n"
    assert bench.say(address, "systemctl --failed --quiet") == ""
    console = bench.machines.console(FIRST)
    assert "Welcome to Debian" in console
    assert "phoenix-boot: failed: at nothing" in console.splitlines()


def test_the_metadata_server_is_seen_by_its_machine(bench: Bench, address: str) -> None:
    answers = {
        "name": "web-42",
        "id": "42",
        "zone": "europe-west1-b",
        "attributes/release": '{"id": 7}',
        "network-interfaces/0/ip": address,
        "service-accounts/default/email": "web@shop.iam.gserviceaccount.com",
    }
    for path, said in answers.items():
        assert bench.say(address, f"{ASK}/{path}").endswith(said)
    assert '"access_token"' in bench.say(address, f"{ASK}/service-accounts/default/token")


def test_a_user_comes_and_goes_with_the_metadata(bench: Bench) -> None:
    metadata = {"ssh-keys": bench.ssh_keys}
    address = bench.machines.launch(replace(wanted(SECOND), metadata=metadata))
    until("the user", lambda: bench.say(address, "whoami") == "packer\n")
    metadata["ssh-keys"] += "\n" + bench.ssh_keys.replace("packer:", "other:")
    until("the other user", lambda: bench.say(address, "whoami", user="other") == "other\n")
    metadata["ssh-keys"] = bench.ssh_keys
    until("no other user", lambda: bench.say(address, "whoami", user="other") == "")
    bench.machines.terminate(SECOND)


def test_a_service_has_its_own_port_at_the_machines_address(bench: Bench, address: str) -> None:
    until("an answer", lambda: bench.machines.probe(FIRST, Check(port=8080, path="/")).status == 200)
    assert bench.machines.probe(FIRST, Check(port=8080, path="/none")).status == 404
    assert bench.machines.probe(FIRST, Check(port=8081)).status is None


def test_what_a_stopped_machine_has_written_is_the_image_of_others(bench: Bench, address: str) -> None:
    machines, image = bench.machines, "projects/shop/global/images/baked"
    bench.say(address, "echo kept | sudo tee /etc/kept; sudo rm /etc/debian_version")
    machines.stop(FIRST)
    assert machines.probe(FIRST, Check(port=8080)).status is None
    machines.save(FIRST, image)
    machines.terminate(FIRST)
    other = bench.launch(wanted(SECOND, image, **{"startup-script": "#!/bin/sh\necho twice > /etc/script\n"}))
    until("the startup script", lambda: bench.booted(SECOND), deadline=120)
    kept = "cat /etc/kept /etc/script; ls /etc/debian_version"
    until("the user", lambda: bench.say(other, kept) == "kept\ntwice\n")
    machines.terminate(SECOND)


@pytest.mark.full
def test_a_stopped_machine_starts_again_and_runs_its_script_again(bench: Bench) -> None:
    address = bench.launch(wanted(FIRST, **{"startup-script": "#!/bin/sh\necho booted >> /srv/boots\n"}))
    until("the startup script", lambda: bench.booted(FIRST), deadline=120)
    bench.machines.stop(FIRST)
    bench.machines.start(FIRST)
    until("both boots", lambda: bench.say(address, "cat /srv/boots") == "booted\nbooted\n", deadline=120)


def test_what_a_killed_emulator_left_is_swept(bench: Bench, debian_gce: Path) -> None:
    root = bench.root / "killed"
    root.mkdir()
    killed = LightMachines(root=str(root), vendor=str(debian_gce))
    killed.launch(wanted(FIRST))
    assert left_of(root)
    light.sweep(root)
    assert left_of(root) == []
    root.rmdir()
