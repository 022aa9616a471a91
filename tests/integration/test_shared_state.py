"""Two agents with a checkout each, and one state in a bucket; and an agent that slept longer than its lease."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from phoenix.clock import SystemClock
from phoenix.errors import RefusedError
from phoenix.execute import claims
from phoenix.execute.ownership import OwnedRun, TakenError
from phoenix.record.history import History
from phoenix.record.journal import RunState
from phoenix.record.sqlite import SqliteStore
from tests.support.fakes.buckets import KINDS, Server, bucket
from tests.support.real.agent import agent, open_store
from tests.support.real.shell import Shell

SUBJECT = "web-tier/local"
LEASE = 2.0


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with bucket(request.param) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def checkouts(server: Server, tmp_path: Path) -> tuple[Shell, Shell]:
    """One project in two directories."""
    shells = []
    for name in ("agent-1", "agent-2"):
        shell = Shell(directory=tmp_path / name)
        shell.run("init", str(shell.directory))
        spec = shell.directory / "phoenix.yaml"
        lines = [line for line in spec.read_text().splitlines() if not line.startswith("state:")]
        spec.write_text("\n".join([*lines, f"state: {server.url}", ""]))
        shells.append(shell)
    return shells[0], shells[1]


def began(process: subprocess.Popen[str]) -> str:
    """The id of the agent's run."""
    assert process.stdout is not None
    run = process.stdout.readline().strip()
    assert run, process.communicate()[1]
    return run


def test_two_checkouts_see_one_state(server: Server, checkouts: tuple[Shell, Shell]) -> None:
    with agent(server.url, SUBJECT, lease=LEASE, environment=server.environment) as working:
        run = began(working)
        for shell in checkouts:
            listed = shell.run("run", "list")["runs"]
            assert [(each["id"], each["state"]) for each in listed] == [(run, "running")]
            assert shell.service()["run"]["id"] == run
        with pytest.raises(TakenError) as taken:
            OwnedRun.begin(open_store(server.url), SystemClock(), kind="roll", subject=SUBJECT, plan={})
        assert run in taken.value.details
        refused = checkouts[1].run("resume", "web-tier", code=3)["error"]
        assert "is being worked on" in refused["brief"]
        assert run in refused["details"]
        assert checkouts[1].run("abort", "web-tier", "--why", "wrong version")["run"]["state"] == "undone"
        assert working.wait(20) == 0
    for shell in checkouts:
        assert [each["state"] for each in shell.run("run", "list")["runs"]] == ["undone"]
        assert shell.service()["run"] is None
    assert not list(checkouts[0].directory.rglob("state.db"))


def test_a_bucket_that_is_away_is_one_clear_error_of_every_command(checkouts: tuple[Shell, Shell]) -> None:
    here = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
    shell = Shell(directory=checkouts[0].directory, environment=here)
    unknown = shell.run("status", "web-tier", code=5)
    assert unknown["error"]["brief"] == "not everything could be asked"
    (service,) = unknown["services"]
    assert service["error"].startswith("the state cannot be reached")
    assert service["address"].startswith("http://127.0.0.1:"), "what the cloud knows is shown all the same"
    for command in (("run", "list"), ("abort", "web-tier"), ("tend",)):
        error = shell.run(*command, code=5)["error"]
        assert error["brief"] == "the state cannot be reached"
        assert "network" in error["resolution"]


def test_an_endpoint_that_is_none_is_wrong_usage(checkouts: tuple[Shell, Shell]) -> None:
    here = {"AWS_ENDPOINT_URL": "no address", "STORAGE_EMULATOR_HOST": "http://no address"}
    error = Shell(directory=checkouts[0].directory, environment=here).run("run", "list", code=2)["error"]
    assert "is no address of an object store" in error["brief"]


@pytest.mark.parametrize("kind", ["sqlite", *KINDS])
def test_a_process_that_slept_longer_than_its_lease_has_lost_its_run_and_writes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", LEASE)
    with ExitStack() as stack:
        server = stack.enter_context(bucket(kind)) if kind in KINDS else None
        for name, value in (server.environment if server else {}).items():
            monkeypatch.setenv(name, value)
        state = server.url if server else str(tmp_path / "state.db")
        store = open_store(state)
        asleep = stack.enter_context(agent(state, SUBJECT, lease=LEASE, environment={}))
        run = began(asleep)
        with pytest.raises(RefusedError, match="is being worked on"):
            claims.claim_watched(store, SystemClock(), SUBJECT, lambda _text: None)

        os.kill(asleep.pid, signal.SIGSTOP)
        owned = claims.claim_watched(store, SystemClock(), SUBJECT, lambda _text: None)
        assert owned is not None
        assert owned.run.owner.epoch == 2
        owned.end(RunState.UNDONE)
        before = {key: store.get(key) for key in store.list("")}

        os.kill(asleep.pid, signal.SIGCONT)
        assert asleep.wait(20) == 10
        assert {key: store.get(key) for key in store.list("")} == before
        ended = History(store).run(run)
        assert ended is not None
        assert ended.state is RunState.UNDONE
        if isinstance(store, SqliteStore):
            store.close()


def test_where_nothing_can_be_written_the_state_can_be_read(tmp_path: Path) -> None:
    """`status` and `run list` on a directory that is mounted read-only; what would write is refused in one sentence."""
    shell = Shell(directory=tmp_path / "hello")
    shell.run("init", str(shell.directory))
    state = shell.directory / ".phoenix" / "state.db"
    with agent(str(state), SUBJECT, lease=LEASE, environment={}) as working:
        run = began(working)
    mount = f"mount --bind {shell.directory} {shell.directory} && mount -o remount,bind,ro {shell.directory}"

    def here(*arguments: str) -> dict[str, Any]:
        command = shlex.join(shell.argv(*arguments))
        argv = ["unshare", "--mount", "sh", "-ec", f"{mount}\nexec {command}"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return {"exit": done.returncode, **result}

    assert [each["id"] for each in here("run", "list")["runs"]] == [run]
    assert here("status")["services"][0]["run"]["id"] == run
    refused = here("abort", "web-tier")
    assert (refused["exit"], refused["error"]["brief"]) == (5, "the state cannot be written")
