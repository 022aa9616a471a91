"""The page about orders says what works: its Python is run as it stands, on a cloud in memory."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phoenix.orders import site
from tests.support.fakes.desk import Desk

PAGE = Path(__file__).resolve().parents[3] / "docs" / "library.md"
ORDERS = PAGE.parents[1] / "phoenix" / "orders"
FIRST, SECOND = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def script(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a script that runs in the project's directory, and opens it with the cloud in memory."""
    monkeypatch.chdir(desk.directory)
    monkeypatch.setattr(site, "Site", SimpleNamespace(open=desk.open))
    return {}


def test_ten_lines_bake_and_roll(desk: Desk, script: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(FIRST.strip().splitlines()) <= 11
    exec(FIRST, script)
    assert script["baked"].baked == 2
    assert (script["done"].group, script["done"].state) == ("web-tier-local-v001", "done")
    assert desk.shares == {"web-tier-local-v001": 100}
    *told, last = capsys.readouterr().out.splitlines()
    assert any("candidate-healthy" in line for line in told)
    assert last == "2 layers baked; web-tier-local-v001 serves {'hello': '3.0.0'}"


def test_a_plan_is_looked_at_and_carried_out(desk: Desk, script: dict[str, Any]) -> None:
    exec(FIRST, script)
    exec(SECOND, script)
    assert script["done"].packages == {"hello": "2.0.0"}
    assert desk.shares == {"web-tier-local-v002": 100}
    assert len(desk.history.runs()) == 4


def test_every_order_of_the_page_is_there() -> None:
    rows = re.findall(r"^\| `phoenix/orders/.*$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) > 8
    for row in rows:
        files = [ORDERS / f"{name}.py" for name in re.findall(r"\b(\w+)\.py", row)]
        text = "".join(file.read_text() for file in files)
        for name in re.findall(r"`(\w+)`", row):
            assert re.search(rf"(class|def) {name}\b", text), name
