"""The demo, on both machine engines, twice: what the README promises to a stranger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.real.shell import Shell


@pytest.mark.full
@pytest.mark.parametrize("machines", ["light", "qemu"])
def test_the_demo_loses_no_request_and_can_be_repeated(tmp_path: Path, machines: str) -> None:
    directory = tmp_path / "demo"
    shell = Shell(directory=tmp_path)
    images: list[list[str]] = []
    for _turn in range(2):
        done = shell.run("demo", str(directory), "--machines", machines, project=False, timeout=1500)
        assert done["requests"]["failed"] == 0
        assert done["requests"]["sent"] > (200 if machines == "light" else 20) * 5
        assert done["engine"].startswith(machines)
        assert len(done["groups"]) == 1, "the old group is burnt"
        assert any("1.0.0" in answer for answer in done["answers"])
        assert any("2.0.0" in answer for answer in done["answers"])
        images.append(done["images"])
    assert images[0] == images[1], "the second time the images are there"
