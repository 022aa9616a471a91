"""What Packer is given on AWS, and what it is believed."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.aws.bake import image_reading, packer_run
from phoenix.errors import RefusedError, ToolError
from phoenix.manner import State
from phoenix.spec.clouds import AwsBuilder, AwsReach
from phoenix.tools.process import Command, run
from tests.support.real.packers import current_packer
from tests.unit.clouds.aws.account import SPEC

GIB = 1024**3
BELOW = image_reading.ami(
    {
        "ImageId": "ami-1",
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}}],
    }
)


def environment(rights: dict[str, str]) -> dict[str, str]:
    """The variables of a process with these rights."""
    done = run(packer_run.with_rights(Command(argv=("env",), environment={"LC_ALL": "C"}), rights), timeout=10)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def test_packer_has_these_rights_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_MAX_ATTEMPTS", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"):
        monkeypatch.setenv(name, "ours")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ca.pem")
    known = environment({"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"})
    assert {name: value for name, value in known.items() if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_CA_BUNDLE": "/etc/ca.pem",
    }
    assert known["LC_ALL"] == "C"
    assert environment({"AWS_SESSION_TOKEN": "short"})["AWS_SESSION_TOKEN"] == "short"


def test_no_right_stands_in_an_argument_and_it_ends_by_ctrl_c() -> None:
    command = packer_run.with_rights(Command(argv=("packer", "build")), {"AWS_SECRET_ACCESS_KEY": "secret"})
    assert "secret" not in str(command)
    assert command.argv[-2:] == ("packer", "build")
    assert command.ends_on is signal.SIGINT


@pytest.mark.parametrize(("wanted", "gib"), [(None, 8), (8 * GIB, 8), (20 * GIB, 20), (20 * GIB + 1, 21)])
def test_the_disk_is_as_wanted_or_as_below(wanted: int | None, gib: int) -> None:
    assert packer_run.disk(replace(SPEC, builder=AwsBuilder(disk=wanted)), BELOW) == gib


def test_a_disk_that_holds_less_than_the_image_below_is_refused() -> None:
    with pytest.raises(RefusedError, match="smaller than the image below") as caught:
        packer_run.disk(replace(SPEC, builder=AwsBuilder(disk=7 * GIB)), BELOW)
    assert caught.value.details == "builder.disk is 7 GiB, and ami-1 has 8 GiB"


def test_session_manager_needs_its_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "packer"
    program.write_text("#!/bin/sh\necho Packer v1.6.6\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    packer_run.refuse_without_tools(SPEC)
    with pytest.raises(RefusedError, match="'session-manager-plugin' is missing"):
        packer_run.refuse_without_tools(replace(SPEC, builder=AwsBuilder(reach=AwsReach.SSM, profile="ci")))
    told = packer_run.findings(replace(SPEC, builder=AwsBuilder(reach=AwsReach.SSM, profile="ci")))
    assert [(each.state, each.subject.partition(": ")[2]) for each in told] == [
        (State.FINE, "packer"),
        (State.LACK, "session-manager-plugin"),
    ]


def test_a_plugin_is_looked_for_before_anything_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    current_packer(tmp_path, "amazon")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(RefusedError, match="packer lacks the plugin ansible") as caught:
        packer_run.refuse_without_tools(SPEC)
    assert caught.value.details.startswith("found packer 1.16.0 with amazon 1.8.3; ")
    assert caught.value.resolution.endswith(": packer plugins install github.com/hashicorp/ansible")
    (told,) = packer_run.findings(SPEC)
    assert (told.state, told.found) == (State.LACK, "1.16.0 with amazon 1.8.3, without ansible")
    assert told.remedy == "packer plugins install github.com/hashicorp/ansible"
    current_packer(tmp_path, "amazon", "ansible")
    packer_run.refuse_without_tools(SPEC)


def test_the_manifest_says_what_was_made(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    builds = [{"artifact_id": "eu-west-1:ami-old"}, {"artifact_id": "eu-west-1:ami-0123"}]
    file.write_text(json.dumps({"builds": builds, "last_run_uuid": "x"}))
    assert packer_run.made(file) == "ami-0123"


@pytest.mark.parametrize("text", [None, "", "{}", '{"builds": []}', '{"builds": [{}]}', '{"builds": null}'])
def test_a_manifest_that_says_nothing_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "manifest.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ToolError, match="packer did not say what it made"):
        packer_run.made(file)
