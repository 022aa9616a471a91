"""Plan files: what is written is read as it was, and nothing else that is read makes more than one clear error."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix.errors import SpecError
from phoenix.model import Observed, Route
from phoenix.orders import plan_file
from phoenix.orders.planned import Decided, Planned
from phoenix.plan.roll import roll
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.fakes.desk import Desk
from tests.support.fakes.manners import LOCAL
from tests.support.rolls.stage import SUBJECT, release, service

ORDER = "the order"
STRATEGIES = (
    BlueGreen(keep=0.0),
    Rolling(step=25, percent=True),
    Canary(steps=(5, 100), soak=1.5, hold=(5,), keep=60.0),
)


def saved(strategy: Strategy, *, hold: bool = False) -> Planned[str]:
    spec = service(strategy=strategy)
    observed = Observed(groups=(), route=Route(address=""), abilities=LOCAL.abilities, manner=LOCAL.manner)
    plan = roll(spec, spec.environments["local"], strategy, release("1"), observed, {}, hold=hold)
    decided = Decided(kind="roll", release=release("1"), strategy=strategy, hold=hold)
    return Planned(order=ORDER, plan=plan, decided=decided)


def sealed(data: Any) -> str:
    """The text of a file whose digest is right, whatever is in it."""
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return json.dumps({**data, "digest": digest})


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("hold", [True, False])
def test_what_is_written_is_read(tmp_path: Path, strategy: Strategy, hold: bool) -> None:
    plan = saved(strategy, hold=hold)
    plan_file.write(tmp_path / "p.json", plan)
    assert plan_file.read(tmp_path / "p.json", ORDER, "roll", SUBJECT) == plan
    before = (tmp_path / "p.json").read_bytes()
    plan_file.write(tmp_path / "p.json", plan)
    assert (tmp_path / "p.json").read_bytes() == before, "no times and no ids in it"


def test_a_way_back_is_read(tmp_path: Path) -> None:
    decided = Decided(kind="rollback", group="web-tier-local-v001", former=None)
    plan = Planned(order=ORDER, plan=saved(STRATEGIES[0]).plan, decided=decided)
    plan_file.write(tmp_path / "p.json", plan)
    assert plan_file.read(tmp_path / "p.json", ORDER, "rollback", SUBJECT) == plan


WORDS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
FLAT = WORDS | st.lists(WORDS, max_size=3)
JSON = FLAT | st.lists(FLAT, max_size=3) | st.dictionaries(st.text(max_size=8), FLAT, max_size=3)
PLACES = ("kind", "subject", "release", "options", "plan", "phoenix", "format")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), JSON, st.sampled_from(["", "strategy", "hold", "group", "former"]))
def test_whatever_stands_in_a_file_the_error_is_one(place: str, value: Any, option: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "p.json"
        plan_file.write(file, saved(STRATEGIES[1]))
        data = json.loads(file.read_text())
        del data["digest"]
        if option and place == "options":
            data["options"][option] = value
        else:
            data[place] = value
        file.write_text(sealed(data))
        with suppress(SpecError):  # any other error fails the test
            read = plan_file.read(file, ORDER, "roll", SUBJECT).decided
            assert read is not None
            assert read.release is not None
            assert read.strategy is not None
            assert read.group is None or isinstance(read.group, str)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.just(b"[" * 100_000) | st.just(b'{"format": 1}') | st.just(b"NaN"))
def test_garbage(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "p.json").write_bytes(data)
        with pytest.raises(SpecError):
            plan_file.read(Path(directory) / "p.json", ORDER, "roll", SUBJECT)


@pytest.mark.parametrize("cut", [0, 1, 100, 1000, -1, -2, -30])
def test_a_file_that_was_cut_off(tmp_path: Path, cut: int) -> None:
    plan_file.write(tmp_path / "p.json", saved(STRATEGIES[0]))
    whole = (tmp_path / "p.json").read_text()
    (tmp_path / "p.json").write_text(whole.rstrip()[:cut])
    with pytest.raises(SpecError):
        plan_file.read(tmp_path / "p.json", ORDER, "roll", SUBJECT)


def test_nothing_but_a_file_is_replaced_by_a_plan(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path(), Path("/dev/null")):
        with pytest.raises(SpecError, match="cannot be written"):
            plan_file.write(place, saved(STRATEGIES[0]))
    assert (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


def test_a_plan_that_was_edited_and_sealed_again_is_not_carried_out(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    desk.roll("1.0.0", "--plan-out", str(file))
    data = json.loads(file.read_text())
    del data["digest"]
    data["plan"]["steps"] = [step for step in data["plan"]["steps"] if step["id"] == "shift"]
    file.write_text(sealed(data))
    assert "edited" in desk.refused("roll", "web-tier", "--from-plan", str(file))["details"]
    assert desk.cloud.standing == {}
