"""`phoenix stack` with its state in a bucket: one computer works on it, and the others are told who, and since when."""

from __future__ import annotations

import getpass
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import boto3
import pytest

from phoenix.clock import SystemClock
from phoenix.wait import Look, Verdict, wait_for
from tests.support.fakes.buckets import BUCKET, bucket
from tests.support.fakes.gcs_json import GcsJson
from tests.support.fakes.gcs_wire import GcsWire
from tests.support.fakes.web import serving
from tests.support.real.shell import Shell
from tests.support.real.terraform import RealTerraform

MAIN = """\
resource "terraform_data" "network" { input = "net-1" }
output "network" { value = terraform_data.network.output }
"""
SLOW = """
resource "terraform_data" "slow" {
  depends_on = [terraform_data.network]
  provisioner "local-exec" { command = "sleep 600" }
}
"""
S3 = """\
terraform {
  backend "s3" {
    region                      = "eu-west-1"
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
  }
}
"""
GCS = 'terraform {\n  backend "gcs" {}\n}\n'


class Bucket(Protocol):
    """Where the state is kept: what the root and phoenix.yaml say of it, and what is in it."""

    backend: str
    settings: Mapping[str, str]
    state: str
    """The object that the state is."""
    lock: str
    """The object that is there while somebody holds the lock."""

    def names(self) -> set[str]:
        """Everything that is in it."""
        ...

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, content: bytes) -> None: ...


class InS3:
    """By moto."""

    backend = S3
    settings: Mapping[str, str] = {"bucket": BUCKET, "key": "terraform/ground.tfstate"}
    state, lock = "terraform/ground.tfstate", "terraform/ground.tfstate.tflock"

    def __init__(self) -> None:
        self._client = boto3.client("s3")

    def names(self) -> set[str]:
        return {each["Key"] for each in self._client.list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    def read(self, name: str) -> bytes:
        return bytes(self._client.get_object(Bucket=BUCKET, Key=name)["Body"].read())

    def write(self, name: str, content: bytes) -> None:
        self._client.put_object(Bucket=BUCKET, Key=name, Body=content)


class InGcs:
    """At the wire."""

    backend = GCS
    state, lock = "terraform/ground/default.tfstate", "terraform/ground/default.tflock"

    def __init__(self, wire: GcsWire, address: str) -> None:
        self._wire = wire
        endpoint = f"{address}/storage/v1/"
        self.settings: Mapping[str, str] = {
            "bucket": BUCKET,
            "prefix": "terraform/ground",
            "storage_custom_endpoint": endpoint,
            "access_token": "nobody-asks",
        }

    def names(self) -> set[str]:
        return set(self._wire.buckets[BUCKET])

    def read(self, name: str) -> bytes:
        return self._wire.buckets[BUCKET][name][1]

    def write(self, name: str, content: bytes) -> None:
        self._wire.become(BUCKET, name, content)


@pytest.fixture(params=["s3", "gcs"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket."""
    if request.param == "gcs":
        wire = GcsWire(BUCKET)
        with serving(GcsJson(wire)) as address:
            yield InGcs(wire, address)
        return
    with bucket("s3") as server:
        for name, value in {**server.environment, "AWS_ENDPOINT_URL_S3": server.address}.items():
            monkeypatch.setenv(name, value)
        yield InS3()


@pytest.fixture
def shell(tmp_path: Path, kept: Bucket) -> Shell:
    """A computer with the project."""
    assert kept.names() == set()
    program = str(RealTerraform.install(tmp_path).program)
    project = tmp_path / "project"
    (project / "ground").mkdir(parents=True)
    (project / "ground" / "main.tf").write_text(kept.backend + MAIN)
    stack = {"root": "ground", "program": program, "backend": dict(kept.settings)}
    (project / "phoenix.yaml").write_text(json.dumps({"version": 1, "project": "hello", "stacks": {"ground": stack}}))
    return Shell(directory=project)


@pytest.fixture
def other(shell: Shell, tmp_path: Path) -> Shell:
    """Another computer with the same project, and a record of its own."""
    shutil.copytree(shell.directory, tmp_path / "other")
    return Shell(directory=tmp_path / "other")


def test_what_one_computer_has_applied_another_reads_and_finds_no_drift(
    shell: Shell, other: Shell, kept: Bucket
) -> None:
    assert shell.run("stack", "apply", "ground")["outputs"] == {"network": "net-1"}
    assert kept.names() == {kept.state}, "the state, and no lock any more"
    assert not (shell.directory / "ground" / "terraform.tfstate").exists()
    assert other.run("stack", "drift", "ground")["drift"] is False
    assert other.run("stack", "apply", "ground")["changed"] is False
    assert other.run("stack", "output", "ground", "network")["value"] == "net-1"


def slow(shell: Shell) -> subprocess.Popen[str]:
    """An apply in the background that is in the middle of a resource, and has the lock."""
    main = shell.directory / "ground" / "main.tf"
    main.write_text(main.read_text() + SLOW)
    going = shell.start("stack", "apply", "ground")

    def begun() -> Look:
        logs = (shell.directory / ".phoenix" / "runs").glob("*/terraform.log")
        text = "".join(file.read_text() for file in logs)
        passed = "terraform_data.slow: Provisioning" in text
        return Look(verdict=Verdict.PASS if passed else Verdict.UNKNOWN, seen=text[-500:])

    wait_for("the slow resource", begun, clock=SystemClock(), deadline=120.0, interval=0.1)
    return going


def test_who_holds_the_lock_and_since_when_is_told_with_the_line_that_frees_it(
    shell: Shell, other: Shell, kept: Bucket
) -> None:
    going = slow(shell)
    try:
        lock = json.loads(kept.read(kept.lock))
        error = other.run("stack", "drift", "ground", code=3)["error"]
    finally:
        going.send_signal(signal.SIGINT)
        out, err = going.communicate(timeout=120)
    assert going.returncode == 130, out + err
    held = {name.strip(): value.strip() for name, _, value in map(split, error["details"].splitlines())}
    assert held["Who"] == lock["Who"]
    assert held["Who"].startswith(f"{getpass.getuser()}@")
    assert held["Created"].split(" +0000")[0] == lock["Created"].replace("T", " ").removesuffix("Z")
    assert f"force-unlock {held['ID']}`" in error["resolution"]

    assert kept.names() == {kept.state}, "whoever was stopped has freed it"
    assert other.run("stack", "drift", "ground")["drift"] is False
    left = other.run("stack", "apply", "ground")["changes"]
    assert {each["address"]: each["do"] for each in left} == {"terraform_data.slow": "destroy"}


def split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def test_the_line_that_frees_a_lock_which_nobody_holds_any_more_frees_it(shell: Shell, kept: Bucket) -> None:
    shell.run("stack", "apply", "ground")
    told = {
        "ID": "1b4f0e98-5c6e-4a11-9d3c-6d3f9a3c2b11",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "ci@builder-7",
        "Version": "1.15.0",
        "Created": "2026-01-31T12:00:00.5Z",
        "Path": kept.state,
    }
    kept.write(kept.lock, json.dumps(told).encode())
    error = shell.run("stack", "drift", "ground", code=3)["error"]
    assert "ci@builder-7" in error["details"]
    assert "2026-01-31 12:00:00.5" in error["details"]
    line = ["sh", "-c", error["resolution"].split("`")[1]]
    done = subprocess.run(line, check=False, input="yes\n", capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shell.run("stack", "drift", "ground")["drift"] is False
