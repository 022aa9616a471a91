"""The guide of each cloud, by commands: `init`, `stack apply`, `bake`, `publish`, `roll`, from an empty directory.

Terraform, Packer and the SDKs are real; the ground is made at the emulated cloud, too, and instances are real machines.
What the tests put in by hand is what a person has and an emulator lacks: names that are in DNS, and Google's tunnel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
import google.auth
import pytest
from google.auth.transport.requests import AuthorizedSession

from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.traffic import GcpUrlMapTraffic
from tests.emulators.aws import Emulator
from tests.emulators.gcp import Emulator as GcpEmulator
from tests.emulators.machines import light
from tests.emulators.terraform import made_at_aws, made_at_google
from tests.support.real import aws_rights, gcp_rights, hasty
from tests.support.real.gcp import API, SCOPE
from tests.support.real.ground import laid, unchanged
from tests.support.real.hello import deb_of
from tests.support.real.instant import get
from tests.support.real.machines import left_of
from tests.support.real.ports import free_port
from tests.support.real.shell import Shell


@pytest.fixture(autouse=True)
def at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide is for a person: on a build server the state has to be in the bucket first."""
    for variable in ("CI", "BUILD_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path: sockets are in it."""
    with TemporaryDirectory(prefix="guide-") as name:
        yield Path(name)


@contextmanager
def machines_in(root: Path) -> Iterator[dict[str, str]]:
    """Options of an emulator whose machines lie there; none is left at the end."""
    root.mkdir()
    try:
        yield {"root": str(root), "reach": str(free_port())}
        assert left_of(root) == []
    finally:
        light.sweep(root)


def put_in(shell: Shell, *changes: tuple[str, str]) -> None:
    """Change phoenix.yaml by hand: each pattern stands there once."""
    file = shell.directory / "phoenix.yaml"
    for pattern, value in changes:
        text, count = re.subn(pattern, value, file.read_text(), flags=re.M)
        assert count == 1, f"{count} of {pattern}"
        file.write_text(text)


def name_everything(shell: Shell, cloud: str, port: str, address: str) -> None:
    """The names of the repository and of the balancer are in no DNS here: addresses stand in for them."""
    put_in(
        shell,
        (r"local: \"http://127\.0\.0\.1:[0-9]+\"", f'local: "http://127.0.0.1:{port}"'),
        (rf"\$\{{stack\.network-{cloud}\.repository\}}", f"http://10.0.2.2:{port}"),
        (rf"\$\{{stack\.network-{cloud}\.address\}}", f"http://{address}"),
    )


def bake(shell: Shell, cloud: str) -> None:
    """What the guide says after `stack apply`."""
    assert shell.run("validate")["ok"]
    baked = shell.run("bake", "foundation", "nodejs", "--cloud", cloud, timeout=3600)
    assert [layer["image"] for layer in baked["layers"]] == ["os/debian-12", "foundation/nodejs"]


@contextmanager
def rolled(shell: Shell, cloud: str, *options: str) -> Iterator[None]:
    """What it says then; afterwards nothing of it runs."""
    try:
        shell.run("publish", str(deb_of(shell.directory / "hello", "1.0.0")))
        done = shell.run("roll", "web-tier", "-e", cloud, *options, timeout=1800)
        assert (done["group"], done["packages"]) == (f"web-tier-{cloud}-v001", {"hello": "1.0.0"})
        yield
        assert unchanged(shell, cloud), "what a roll does is no change of Terraform's"
        refused = shell.run("stack", "destroy", f"network-{cloud}", "--yes", code=3)["error"]
        assert f"web-tier/{cloud}: web-tier-{cloud}-v001" in refused["details"]
    finally:
        shell.run("down", "--yes", "--force")


def bring_an_image(emulator: Emulator) -> None:
    """The one that the emulated account has bears the labels of a baked one; its id is its name."""
    ec2, image = boto3.client("ec2"), emulator.world("shop").image
    name = ec2.describe_images(ImageIds=[image])["Images"][0]["Name"]
    labels = {"phoenix:image": name, "phoenix:type": "foundation", "phoenix:name": "nodejs"}
    ec2.create_tags(Resources=[image], Tags=[{"Key": key, "Value": value} for key, value in labels.items()])


def test_the_first_roll_on_aws(emulator_with_machines: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same but for the bake: the image is there, and instances are HTTP servers."""
    emulator = emulator_with_machines
    bring_an_image(emulator)
    with laid(folder, monkeypatch, "aws", made_at_aws.world(boto3.client)) as shell:
        address = emulator.serve(shell.run("stack", "output", "network-aws", "listener")["value"])
        name_everything(shell, "aws", str(free_port()), address)
        with rolled(shell, "aws", "--image", "foundation/nodejs"):
            assert get(f"http://{address}")[0] == 200


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_aws(roomy: Path, debian_ami: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        machines_in(roomy / "aws-guide") as options,
        Emulator(machines="light", options={**options, "vendor": str(debian_ami)}) as emulator,
    ):
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        emulator.configure(lag=1.0)
        emulator.world()  # Debian's own image
        with laid(folder, monkeypatch, "aws", made_at_aws.world(boto3.client)) as shell:
            address = emulator.serve(shell.run("stack", "output", "network-aws", "listener")["value"])
            name_everything(shell, "aws", options["reach"], address)
            bake(shell, "aws")
            with rolled(shell, "aws"):
                assert get(f"http://{address}")[1].startswith("Hello from hello 1.0.0")
        assert aws_rights.uncovered(emulator.calls()) == []


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_google(roomy: Path, debian_gce: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        machines_in(roomy / "gcp-guide") as options,
        GcpEmulator(machines="light", options={**options, "vendor": str(debian_gce)}) as emulator,
    ):
        for name, value in {**emulator.environment, packers.ANYWAY: "yes"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(GcpUrlMapTraffic, "manner", hasty.quick(GcpUrlMapTraffic.manner))
        emulator.configure(lag=1.0, old_packer=True)
        there = emulator.world()  # Debian's own image
        session = AuthorizedSession(google.auth.default(scopes=[SCOPE])[0])
        world = made_at_google.world(emulator, lambda path: session.get(f"{API}/{path}").json())
        yours = {"project": there.project, "region": there.region}
        with laid(folder, monkeypatch, "gcp", world, program="tests.support.real.hasty", **yours) as shell:
            rule = f"projects/{there.project}/global/forwardingRules/shop-prod-web-tier"
            address = emulator.serve(rule)
            name_everything(shell, "gcp", options["reach"], address)
            put_in(shell, ("iap: true, ", ""))  # its tunnel is gcloud's, and leads to Google
            bake(shell, "gcp")
            with rolled(shell, "gcp"):
                assert get(f"http://{address}")[1].startswith("Hello from hello 1.0.0")
        assert gcp_rights.uncovered(emulator.calls()) == []
