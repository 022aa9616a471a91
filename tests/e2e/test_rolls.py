"""Whole rolls on light machines: real images, the real repository, a real HAProxy, real requests."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.demo.load import running
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real.hello import Hello
from tests.support.real.loaded import loaded_by
from tests.support.real.shell import Shell

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def hello(rolling_project: Shell) -> Hello:
    file = rolling_project.directory / "phoenix.yaml"
    slow, quick = "health: /healthz ", "health: {path: /healthz, interval: 1s, healthy_after: 2s} "
    assert slow in file.read_text()
    file.write_text(file.read_text().replace(slow, quick))
    return Hello(rolling_project)


@pytest.fixture
def live(hello: Hello) -> Iterator[Hello]:
    """Version 1.0.0 serves, and nothing else stands."""
    hello.serve("1.0.0")
    yield hello
    if not alone(hello.shell, "1.0.0"):  # what was undone has left the next test what it wants
        hello.shell.run("down", "--yes", "--force")


def alone(shell: Shell, version: str) -> bool:
    """Whether one group serves, whole and with that version, and nothing else stands or goes on."""
    service = shell.service()
    groups = service["groups"]
    if service["run"] or len(groups) != 1 or groups[0]["keep_until"]:
        return False
    whole = groups[0]["healthy"] == groups[0]["size"] == len(groups[0]["instances"])
    return bool(whole and groups[0]["share"] == 100 and groups[0]["packages"] == {"hello": version})


def answer(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as response:
        return str(response.read(), "utf-8")


def test_reborn_under_load_and_back_without_a_lost_request(live: Hello, tmp_path: Path) -> None:
    shell = live.shell
    address = shell.service()["address"]
    live.publish("2.0.0")
    with running(address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
        rolled = shell.run("roll", "web-tier", "--package", "hello=2.0.0")
        back = loaded_by(shell, "rollback", "web-tier")
        shell.run("rollback", "web-tier", "--to", rolled["group"])
        shell.run("group", "delete", rolled["former"], "--yes")
        summary = load.finish()
    assert summary.failed == 0, summary.failures[:5]
    assert summary.sent > 500
    assert any("1.0.0" in text for text in summary.answers)
    assert any("2.0.0" in text for text in summary.answers)
    assert shell.shares() == {rolled["group"]: 100}
    assert [group["name"] for group in shell.service()["groups"]] == [rolled["group"]]
    assert back.programs == (), "the group stood: no machine was started, and the balancer was told by its socket"
    rooms = "phoenix.clouds.local"
    assert back.of(f"{rooms}.groups", "phoenix.plan.rollback") == [f"{rooms}.groups", "phoenix.plan.rollback"]
    assert back.of(f"{rooms}.machines.light", f"{rooms}.machines.lifecycle", f"{rooms}.machines.probe") == []
    assert back.of("phoenix.orders.roll", "phoenix.orders.bake", "phoenix.tools.aptly", "jinja2", "httpx") == []


def test_the_same_release_again_is_nothing_to_do(live: Hello) -> None:
    before = live.shell.service()["groups"]
    again = live.shell.run("roll", "web-tier", "--package", "hello=1.0.0")
    assert again["changed"] is False
    assert [g["name"] for g in live.shell.service()["groups"]] == [g["name"] for g in before]


def test_a_plan_changes_nothing(live: Hello) -> None:
    live.publish("2.0.0")
    planned = live.shell.run("roll", "web-tier", "--package", "hello=2.0.0", "--plan")
    ids = [step["id"] for step in planned["plan"]["steps"]]
    assert ids == ["measure", "create-candidate", "candidate-healthy", "grow", "healthy", "shift"]
    assert len(live.shell.service()["groups"]) == 1


def test_a_crash_loop_is_undone_with_the_services_own_log(live: Hello) -> None:
    live.publish_broken("3.0.0")
    before = live.shell.shares()
    failed = live.shell.run("roll", "web-tier", "--package", "hello=3.0.0", code=6)
    assert "hello.service" in failed["error"]["details"]
    assert live.shell.shares() == before
    assert len(live.shell.service()["groups"]) == 1
    run = live.shell.run("run", "list", "web-tier")["runs"][0]
    assert run["state"] == "undone"
    files = live.shell.run("run", "show", run["id"])["run"]["files"]
    logs = [Path(file).read_text() for file in files if "console" in file]
    assert any("refusing to start" in text for text in logs), files


def test_a_package_that_is_not_there_is_refused(live: Hello) -> None:
    refused = live.shell.run("roll", "web-tier", "--package", "hello=9.9.9", code=3)
    assert "1.0.0" in refused["error"]["details"], "what is there instead"
    assert live.shell.run("roll", "web-tier", "--package", "helo=1.0.0", code=2)["error"]["resolution"]


def began(shell: Shell, step: str) -> None:
    """Wait until a roll has begun `step`."""

    def look() -> Look:
        with sqlite3.connect(f"file:{shell.directory}/.phoenix/state.db?mode=ro", uri=True) as db:
            row = db.execute("SELECT data FROM state WHERE key = 'live/web-tier/local'").fetchone()
        db.close()
        events = json.loads(row[0])["events"] if row else []
        found = any(event["what"] == "intent" and event["step"] == step for event in events)
        return Look(verdict=Verdict.PASS if found else Verdict.UNKNOWN, seen=str(len(events)))

    wait_for(f"the step {step}", look, clock=CLOCK, deadline=120, interval=0.05)


def killed_roll(live: Hello, step: str, number: signal.Signals) -> int:
    """Roll to 2.0.0, send the signal when `step` has begun; the exit code."""
    live.publish("2.0.0")
    process = live.shell.start("roll", "web-tier", "--package", "hello=2.0.0")
    try:
        began(live.shell, step)
        os.kill(process.pid, number)
        process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return process.returncode


@pytest.mark.parametrize("step", ["create-candidate", "candidate-healthy"])
def test_killed_and_resumed(live: Hello, step: str) -> None:
    assert killed_roll(live, step, signal.SIGKILL) == -signal.SIGKILL
    assert live.shell.service()["due"], "status says that a run has no process"
    assert live.shell.run("resume", "web-tier")["run"]["state"] == "done"
    assert list(live.shell.shares().values()) == [100]
    assert "2.0.0" in answer(live.shell.service()["address"])


def test_killed_and_aborted(live: Hello) -> None:
    before = live.shell.shares()
    killed_roll(live, "candidate-healthy", signal.SIGKILL)
    assert live.shell.run("abort", "web-tier")["run"]["state"] == "undone"
    assert live.shell.shares() == before
    assert len(live.shell.service()["groups"]) == 1


def test_killed_and_tended_and_tended_again(live: Hello) -> None:
    before = live.shell.shares()
    killed_roll(live, "candidate-healthy", signal.SIGKILL)
    assert live.shell.run("tend")["did"]
    assert live.shell.run("tend")["did"] == []
    assert live.shell.shares() == before
    assert len(live.shell.service()["groups"]) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_undoes_the_roll(live: Hello, number: signal.Signals, code: int) -> None:
    before = live.shell.shares()
    assert killed_roll(live, "candidate-healthy", number) == code
    assert live.shell.shares() == before
    assert len(live.shell.service()["groups"]) == 1


def test_abort_reaches_a_living_run(live: Hello) -> None:
    live.publish_broken("4.0.0", crash=False)
    process = live.shell.start("roll", "web-tier", "--package", "hello=4.0.0")
    began(live.shell, "candidate-healthy")
    assert live.shell.run("abort", "web-tier", "--why", "test")["run"]["state"] == "undone"
    _out, _err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert len(live.shell.service()["groups"]) == 1


def test_two_rolls_at_once_are_one_and_a_refusal(live: Hello) -> None:
    live.publish("2.0.0")
    process = live.shell.start("roll", "web-tier", "--package", "hello=2.0.0")
    began(live.shell, "candidate-healthy")
    refused = live.shell.run("roll", "web-tier", "--package", "hello=2.0.0", code=3)
    assert str(process.pid) in refused["error"]["details"]
    process.communicate(timeout=120)
    assert process.returncode == 0
