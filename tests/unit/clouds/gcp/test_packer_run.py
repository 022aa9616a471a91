"""What Packer is given on Google Cloud, what lets it in, and what it is believed."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import image_reading, packer_run, way_in
from phoenix.errors import RefusedError, ToolError
from phoenix.spec.clouds import GcpBuilder, GcpReach
from phoenix.tools.process import Command
from tests.unit.clouds.gcp.asked import SPEC

GIB = 1024**3
BELOW = image_reading.gce_image({"name": "debian-12-bookworm-v20260115", "diskSizeGb": "10"})
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"


def test_it_ends_by_ctrl_c_and_gcloud_finds_the_same_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIALS, "/etc/key.json")
    command = packer_run.as_process(Command(argv=("packer", "build"), environment={"LC_ALL": "C"}))
    assert (command.argv, command.ends_on) == (("packer", "build"), signal.SIGINT)
    assert command.environment == {"LC_ALL": "C", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": "/etc/key.json"}
    monkeypatch.delenv(CREDENTIALS)
    assert packer_run.as_process(Command(argv=("packer",))).environment == {}


@pytest.mark.parametrize(("wanted", "gib"), [(None, 10), (10 * GIB, 10), (20 * GIB, 20), (20 * GIB + 1, 21)])
def test_the_disk_is_as_wanted_or_as_below(wanted: int | None, gib: int) -> None:
    assert packer_run.disk(replace(SPEC, builder=GcpBuilder(disk=wanted)), BELOW) == gib


def test_a_disk_that_holds_less_than_the_image_below_is_refused() -> None:
    with pytest.raises(RefusedError, match="smaller than the image below") as caught:
        packer_run.disk(replace(SPEC, builder=GcpBuilder(disk=9 * GIB)), BELOW)
    assert caught.value.details == "builder.disk is 9 GiB, and debian-12-bookworm-v20260115 has 10 GiB"


def test_a_machine_is_named_after_its_image() -> None:
    assert packer_run.machine_name("shop-os-debian-12-0123456789ab", "abcd0123") == (
        "shop-os-debian-12-0123456789ab-abcd0123"
    )
    assert len(packer_run.machine_name("a" * 63, "tabcd0123")) == 63
    assert packer_run.machine_name(f"{'a' * 53}-{'b' * 9}", "abcd0123") == f"{'a' * 53}-abcd0123"


def test_the_manifest_says_what_was_made(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    builds = [{"artifact_id": "shop-old"}, {"artifact_id": "shop-os-debian-12-0123456789ab"}]
    file.write_text(json.dumps({"builds": builds, "last_run_uuid": "x"}))
    assert packer_run.made(file) == "shop-os-debian-12-0123456789ab"


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", '{"builds": []}', '{"builds": [{}]}', '{"builds": null}', '{"builds": [{"artifact_id": ""}]}'],
)
def test_a_manifest_that_says_nothing_is_told(tmp_path: Path, text: str | None) -> None:
    """That there is none, or that it names nothing, is how Packer ends well without an image."""
    file = tmp_path / "manifest.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ToolError, match="packer did not say what it made"):
        packer_run.made(file)


def test_a_key_of_its_own_and_an_end_stand_in_the_metadata(tmp_path: Path) -> None:
    cloud = replace(SPEC, builder=GcpBuilder(max_run_duration=1800.0))
    way = way_in.make(cloud, tmp_path, tmp_path / "log")
    assert way.key.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert way.key.stat().st_mode & 0o077 == 0
    user, _, key = way.metadata["ssh-keys"].partition(":")
    assert user == "phoenix-builder"
    assert key == way.key.with_suffix(".pub").read_text().strip()
    assert key.endswith(" phoenix-builder"), "by which `seal` finds it"
    assert "--on-active=30m systemctl poweroff" in way.metadata["startup-script"]


def test_the_tunnel_is_gclouds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIALS, "/etc/my key.json")
    assert way_in.tunnel(SPEC, "m-1") == ""
    cloud = replace(SPEC, builder=GcpBuilder(reach=GcpReach.IAP), impersonate="ci@acme-prod.iam.gserviceaccount.com")
    assert way_in.tunnel(cloud, "m-1") == (
        "env 'CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE=/etc/my key.json' gcloud compute start-iap-tunnel m-1 %p "
        "--listen-on-stdin --project=acme-prod --zone=us-central1-b "
        "--impersonate-service-account=ci@acme-prod.iam.gserviceaccount.com"
    )


def test_a_tunnel_without_gcloud_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud = replace(SPEC, builder=GcpBuilder(reach=GcpReach.IAP))
    monkeypatch.setenv("PATH", str(tmp_path))
    way_in.refuse_unreachable(SPEC)
    with pytest.raises(RefusedError, match="machines of bakes on 'gcp' cannot be reached") as caught:
        way_in.refuse_unreachable(cloud)
    assert caught.value.resolution.startswith("Install gcloud as https://cloud.google.com/sdk/docs/install says")
    (tmp_path / "gcloud").write_text("")
    (tmp_path / "gcloud").chmod(0o755)
    way_in.refuse_unreachable(cloud)
