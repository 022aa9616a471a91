"""What a machine's metadata carry, and what a machine does with it at every boot."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.gcp.machines import boot
from phoenix.errors import RefusedError
from phoenix.model import Release

RELEASE = Release(image="shop-web-1", image_ref="foundation/web@1", settings=(("GREETING", "Grüße, 'du' \"da\""),))


def items(metadata: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in metadata.items()]


def test_the_release_is_read_back() -> None:
    found = boot.metadata("#!/bin/sh\necho hello\n", RELEASE)
    assert set(found) == {"startup-script", "phoenix-release"}
    assert boot.release_of(items(found)) == RELEASE
    assert boot.metadata("#!/bin/sh\necho hello\n", RELEASE) == found


@pytest.mark.parametrize("value", ["", "{}", "what somebody else wrote"])
def test_what_nobody_wrote_down_is_not_known(value: str) -> None:
    assert boot.release_of([]) is None
    assert boot.release_of([{"key": "phoenix-release", "value": value}]) is None


def on_a_machine(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """The startup script, as the guest agent runs it, with the machine's disk elsewhere."""
    work = boot.metadata(script, RELEASE)["startup-script"]
    file = tmp_path / "startup"
    moved = work.replace("/etc/phoenix", f"{tmp_path}/etc").replace("/var/lib/phoenix", f"{tmp_path}/var")
    file.write_text(moved, encoding="utf-8")
    return subprocess.run(["sh", file], capture_output=True, text=True, check=False)


def test_boot_work_is_done_by_the_first_boot_alone(tmp_path: Path) -> None:
    script = f"#!/bin/sh\nset -eu\necho once >> {tmp_path}/told\nread -r line || echo 'nobody speaks to it'"
    first = on_a_machine(tmp_path, script)
    assert (first.returncode, first.stdout) == (0, "nobody speaks to it\n"), first.stderr
    assert on_a_machine(tmp_path, script).returncode == 0
    assert (tmp_path / "told").read_text() == "once\n"
    assert "Grüße" in (tmp_path / "etc" / "release.json").read_text(encoding="utf-8")


def test_boot_work_that_failed_is_tried_by_the_next_boot(tmp_path: Path) -> None:
    script = f"#!/bin/sh\necho tried >> {tmp_path}/told\n[ -e {tmp_path}/mended ] || exit 7\n"
    assert on_a_machine(tmp_path, script).returncode == 7
    (tmp_path / "mended").touch()
    assert on_a_machine(tmp_path, script).returncode == 0
    assert on_a_machine(tmp_path, script).returncode == 0
    assert (tmp_path / "told").read_text() == "tried\n" * 2


def test_what_google_does_not_take_is_refused_and_says_why() -> None:
    long = replace(RELEASE, settings=(("CERTIFICATE", "x" * 300_000),))
    boot.metadata("#!/bin/sh\n", replace(RELEASE, settings=(("CERTIFICATE", "x" * 100_000),)))
    with pytest.raises(RefusedError) as refused:
        boot.metadata("#!/bin/sh\n", long)
    assert "settings 300,011" in refused.value.details
    with pytest.raises(RefusedError):  # each fits, and both together do not
        boot.metadata("y" * 200_000, replace(RELEASE, settings=(("CERTIFICATE", "x" * 255_000),)))
