"""The report for Jenkins tells how a run ended; that it cannot be written changes nothing about that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
