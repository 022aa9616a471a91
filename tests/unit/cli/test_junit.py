"""The report for Jenkins tells how a run ended; that it cannot be written changes nothing about that."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.junit import write
from phoenix.cli.text.cases import cases_of_layers
from phoenix.execute.ownership import OwnedRun
from phoenix.record.history import History
from phoenix.record.store import StoreError
from tests.support.fakes.desk import Desk

V2 = "web-tier-local-v002"


@pytest.mark.parametrize("code", [0, 6])
def test_a_file_that_becomes_unwritable_is_only_told(desk: Desk, tmp_path: Path, code: int) -> None:
    desk.roll("1.0.0")
    if code == 6:
        desk.cloud.sick.add(V2)
    file = tmp_path / "roll.xml"
    desk.clock.on_sleep = lambda: file.mkdir(exist_ok=True)
    told = desk.roll("2.0.0", "--junit", str(file), code=code)
    assert told["state"] == {0: "done", 6: "undone"}[code]
    assert f"the report {file} could not be written" in desk.said


def test_a_state_that_is_silent_after_the_end_is_only_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = OwnedRun.end

    def silent(_history: History, *_told: Any) -> None:
        raise StoreError("the state cannot be reached", details="timed out", resolution="Try again.")

    def silenced(owned: OwnedRun, *how: Any) -> None:
        end(owned, *how)
        monkeypatch.setattr(History, "run", silent)

    monkeypatch.setattr(OwnedRun, "end", silenced)
    file = tmp_path / "roll.xml"
    assert desk.roll("1.0.0", "--junit", str(file))["state"] == "done"
    assert "could not be written: the state cannot be reached" in desk.said
    assert not file.exists()


def test_an_old_run_that_cannot_be_read_is_no_reason_for_no_report(desk: Desk, tmp_path: Path) -> None:
    desk.store.put_if("runs/roll-20991231-000000-bad", b"{", None)
    desk.roll("1.0.0", "--junit", str(tmp_path / "roll.xml"))
    assert "create-candidate" in (tmp_path / "roll.xml").read_text()


def cases(file: Path) -> dict[str, str | None]:
    """Each case of a report, with the message of its failure."""
    return {
        str(case.get("name")): None if (failure := case.find("failure")) is None else failure.get("message")
        for case in ET.parse(file).getroot().iter("testcase")
    }


def test_every_command_of_a_roll_has_a_report(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    desk.roll("1.0.0", "--junit", str(file))
    desk.roll("2.0.0", "--no-traffic", "--junit", str(file), code=8)
    assert "steps.create-candidate" in cases(file)
    desk.run("promote", "web-tier", "--junit", str(file))
    assert "steps.shift" in cases(file), "the whole run, from its first step on"
    desk.run("rollback", "web-tier", "--junit", str(file))
    assert ET.parse(file).getroot().get("name", "").startswith("phoenix rollback")
    desk.roll("3.0.0", "--no-traffic", code=8)
    desk.run("abort", "web-tier", "--junit", str(file))
    assert any(name.startswith("back.") for name in cases(file))


@pytest.mark.parametrize("command", ["promote", "abort", "rollback"])
def test_a_report_that_cannot_be_written_is_refused_first(desk: Desk, command: str) -> None:
    assert (
        "no report can be written" in desk.refused(command, "web-tier", "--junit", "no/such/file.xml", code=2)["brief"]
    )


def test_a_test_of_an_image_that_failed_is_a_case(tmp_path: Path) -> None:
    layer = {"cloud": "local", "image": "os/debian-12", "seconds": 2.0, "tests": [{"name": "boot finished"}]}
    tests = [
        {"image": "foundation/nodejs", "name": "node --version", "ok": True, "output": "v18"},
        {"image": "foundation/nodejs", "name": "id nodejs", "ok": False, "output": "id: 'nodejs': no such user"},
    ]
    file = tmp_path / "bake.xml"
    write(file, "phoenix bake", cases_of_layers([layer], "foundation/nodejs failed 1 of 2 tests", tests))
    assert cases(file) == {
        "local: os/debian-12": None,
        "os/debian-12: boot finished": None,
        "foundation/nodejs: node --version": None,
        "foundation/nodejs: id nodejs": "it did not exit 0",
        "bake": "foundation/nodejs failed 1 of 2 tests",
    }
