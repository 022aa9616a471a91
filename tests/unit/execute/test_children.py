"""Commands of phoenix side by side, as real processes: what they tell, how they end; none outlives this one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.execute import children
from phoenix.tell import Level, Told
from phoenix.tools.process import ProcessId
from tests.support.real.machines import until

PROJECT = """\
version: 1
project: hello
clouds:
  one: {kind: aws, region: eu-west-1, subnets: [subnet-a]}
  two: {kind: aws, region: eu-west-1, subnets: [subnet-a]}
images:
  os:
    debian-12: {base: {aws: "136693071363/debian-12-amd64-*"}, playbook: base.yml}
"""


def program(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """What stands for phoenix."""
    monkeypatch.setattr(children, "PROGRAM", ("/bin/bash", "-c", script))


def run(heard: list[tuple[str, Told]], **commands: tuple[str, ...]) -> dict[str, children.Ended]:
    ended = children.run(
        commands, environment={}, clock=SystemClock(), hear=lambda name, told: heard.append((name, told))
    )
    return dict(ended)


def test_each_tells_and_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        monkeypatch,
        """
        echo "2026-11-28T06:00:00Z baking $0" >&2
        echo "2026-11-28T06:00:01Z warning: slow" >&2
        echo '{"ok": true, "who": "'$0'"}'
        printf "the last words, without an end" >&2
        exit $1""",
    )
    heard: list[tuple[str, Told]] = []
    ended = run(heard, a=("first", "0"), b=("second", "4"))
    assert ended == {
        "a": children.Ended(code=0, result='{"ok": true, "who": "first"}'),
        "b": children.Ended(code=4, result='{"ok": true, "who": "second"}'),
    }
    assert [told for name, told in heard if name == "a"] == [
        Told(level=Level.SAY, text="baking first"),
        Told(level=Level.WARN, text="slow"),
        Told(level=Level.SAY, text="the last words, without an end"),
    ]


def test_they_run_side_by_side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each waits until the other is there, too."""
    program(monkeypatch, f'touch {tmp_path}/$0; until [ -e "{tmp_path}/$1" ]; do sleep 0.02; done')
    assert {each.code for each in run([], a=("a", "b"), b=("b", "a")).values()} == {0}


def test_one_that_is_killed_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "[ $0 = bad ] && kill -9 $$; exit 0")
    ended = run([], good=("good",), bad=("bad",))
    assert {name: each.code for name, each in ended.items()} == {"good": 0, "bad": -9}


def test_where_this_process_is_to_stop_all_of_them_may_undo_what_they_began(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(
        monkeypatch,
        f"""
        trap 'sleep 0.2; echo "going back" >&2; touch {tmp_path}/$0.undone; exit 143' TERM
        echo $$ > {tmp_path}/$0.pid
        echo ready >&2
        while :; do sleep 0.02; done""",
    )
    heard: list[tuple[str, Told]] = []

    def hear(name: str, told: Told) -> None:
        heard.append((name, told))
        if {each for each, _told in heard} == {"a", "b"} and told.text == "ready":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        children.run({"a": ("a",), "b": ("b",)}, environment={}, clock=SystemClock(), hear=hear)
    assert {name for name, told in heard if told.text == "going back"} == {"a", "b"}
    for name in ("a", "b"):
        assert (tmp_path / f"{name}.undone").exists()
        number = int((tmp_path / f"{name}.pid").read_text())
        until("its end", lambda number=number: ProcessId.of(number) is None)


def test_a_real_bake_for_two_clouds_where_phoenix_is_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from phoenix.cli import app

    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "base.yml").write_text("- hosts: all\n  tasks: []\n")
    (tmp_path / "phoenix.yaml").write_text(PROJECT)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["-C", str(tmp_path), "bake", "os", "debian-12", "--cloud", "one", "--cloud", "two", "--json"]
    assert app.run(words) == 5
    told = json.loads(capsys.readouterr().out)
    assert [(each["cloud"], each["code"]) for each in told["clouds"]] == [("one", 5), ("two", 5)]
    assert "two: no credentials for the cloud 'two'" in told["error"]["details"]
