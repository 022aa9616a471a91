"""Rolls that wait for a person: seen by everybody, ended by nobody by themselves, promoted or aborted from anywhere."""

from __future__ import annotations

import http.client
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix.demo.load import running
from tests.support.real.instant import get
from tests.support.real.quick import CLOCK, Quick
from tests.support.real.shell import Shell

CANARY = "{kind: canary, steps: [10, 100], soak: 0s, hold: [10], keep: 30m}"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A canary that holds at 10 %."""

    service: Quick
    stable: str
    candidate: str


@pytest.fixture
def held(service: Quick) -> Held:
    stable, before = service.steady(strategy=CANARY), service.serving()
    service.next_release()
    process = service.shell.start("roll", "web-tier")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 8, err
    assert "phoenix promote" in json.loads(out)["error"]["resolution"]
    (candidate,) = set(service.sizes()) - {stable}
    assert service.shares() == {stable: 90, candidate: 10}
    assert answers(service, 1000) == {before: 900, service.greeting: 100}
    return Held(service=service, stable=stable, candidate=candidate)


def elsewhere(service: Quick, directory: Path) -> Shell:
    """Another checkout of the same project, which reaches the same state, machines and packages."""
    here = service.shell.directory
    shutil.copytree(here, directory, ignore=shutil.ignore_patterns(".phoenix", "build", "*.deb"))
    file = directory / "phoenix.yaml"
    text = file.read_text()
    for there, instead in {
        "state: .phoenix ": f"state: {here}/.phoenix ",
        "root: .phoenix/aptly": f"root: {here}/.phoenix/aptly",
        "local: {kind: local, ": f"local: {{kind: local, root: {service.root}, ",
    }.items():
        assert text.count(there) == 1, there
        text = text.replace(there, instead)
    file.write_text(text)
    return Shell(directory=directory)


def answers(service: Quick, count: int) -> Counter[str]:
    """Which release answered how many of so many requests, one after the other."""
    client = http.client.HTTPConnection(service.listen, timeout=10)
    seen: Counter[str] = Counter()
    for _request in range(count):
        client.request("GET", "/")
        seen[client.getresponse().read().decode().partition(" ")[0]] += 1
    client.close()
    return seen


def test_a_held_canary_is_promoted_from_another_checkout(held: Held, tmp_path: Path) -> None:
    service, other = held.service, elsewhere(held.service, tmp_path / "elsewhere")
    here, there = service.shell.service()["run"], other.service()["run"]
    assert (there["id"], there["state"], there["held"]) == (here["id"], "held", here["held"])
    assert "10 %" in here["held"]
    with running(service.address, rate=200, out=tmp_path / "load.json", clock=CLOCK) as load:
        promoted = other.run("promote", "web-tier", "--why", "error rate is flat")
        summary = load.finish()
    assert (promoted["run"]["id"], promoted["run"]["state"]) == (here["id"], "done")
    assert summary.failures == ()
    assert service.shares() == {held.candidate: 100}
    told = [event["data"] for event in service.last_run()["events"] if event["step"] == "hold-10"]
    assert told[-1]["why"] == "error rate is flat"
    assert other.run("promote", "web-tier", code=3)["error"]["resolution"]


def goes_back(held: Held, command: str, directory: Path) -> None:
    service = held.service
    with running(service.address, rate=200, out=directory / "load.json", clock=CLOCK) as load:
        service.shell.run(command, "web-tier", "--why", "errors")
        summary = load.finish()
    assert summary.failures == ()
    assert service.shares() == {held.stable: 100}
    assert service.sizes() == {held.stable: 1}
    assert service.last_run()["state"] == "undone"
    assert service.live() is None


def test_nobody_but_a_person_ends_a_hold(held: Held, tmp_path: Path) -> None:
    service, before = held.service, held.service.live()
    assert before is not None
    assert service.shell.run("tend")["did"] == []
    refused = service.shell.run("roll", "web-tier", code=3)
    assert before.id in refused["error"]["details"]
    for group in (held.stable, held.candidate):
        service.shell.run("group", "delete", group, "--yes", code=3)
    assert service.shares() == {held.stable: 90, held.candidate: 10}
    assert service.live() == before
    goes_back(held, "abort", tmp_path)


@pytest.mark.full
def test_a_rollback_of_a_held_roll_undoes_it(held: Held, tmp_path: Path) -> None:
    goes_back(held, "rollback", tmp_path)


def test_a_roll_without_traffic_until_it_is_promoted(service: Quick) -> None:
    stable, former = service.steady(), service.serving()
    service.next_release()
    service.shell.run("roll", "web-tier", "--no-traffic", code=8)
    (candidate,) = set(service.sizes()) - {stable}
    assert service.shares() == {stable: 100}
    preview = service.traffic().preview(candidate)
    assert preview is not None
    assert get(preview.url)[1].startswith(service.greeting)
    assert answers(service, 100) == {former: 100}
    service.shell.run("promote", "web-tier")
    assert service.shares() == {candidate: 100}
    assert service.sizes() == {candidate: 1}
    assert answers(service, 100) == {service.greeting: 100}
