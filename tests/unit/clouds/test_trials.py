"""How tests of an image are run on a machine over SSH, and how they end."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds import rules, trials
from phoenix.clouds.trials import SshShell
from phoenix.wait import Look, Verdict


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ssh` that runs here what is to run there, and writes down how it was called; `sudo` asks nobody."""
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "$@" >> "$0.log"\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c "$1"\n')
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')
    for each in (program, sudo):
        each.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "ssh.log"


def here() -> SshShell:
    return SshShell(host="1.2.3.4", port=22, key=Path("/key"))


def result(shell: SshShell, script: str) -> tuple[bool, str]:
    """How a test of that script ends. It does not go where root's files are."""
    trial = rules.Trial(name="t", script=script, patience=1)
    (found,) = rules.results((trial,), (trials.report(shell, 0, trial, lambda: None),))
    return found.ok, found.output


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("true", (True, "")),
        ("echo 'it is' \"here\"; echo err >&2; exit 3", (False, "it is here\nerr")),
        ("sleep 5", (False, "\n(ended after 1 s)")),
    ],
)
def test_a_test_over_ssh(ssh: Path, script: str, expected: tuple[bool, str]) -> None:
    assert here().look().verdict is Verdict.PASS
    assert result(here(), script) == expected
    call = ssh.read_text().splitlines()[0]
    assert call.endswith("-i /key -p 22 root@1.2.3.4 true")
    for option in ("-F none", "-o BatchMode=yes", "-o StrictHostKeyChecking=no", "-o ConnectTimeout=5"):
        assert option in call
    assert "ProxyCommand" not in call


def test_somebody_who_may_become_root_through_a_tunnel(ssh: Path) -> None:
    shell = replace(here(), user="phoenix-builder", through="gcloud compute start-iap-tunnel m %p --listen-on-stdin")
    assert result(shell, "echo out; exit 4") == (False, "out")
    (call,) = ssh.read_text().splitlines()
    assert call.endswith("-i /key -p 22 phoenix-builder@1.2.3.4 sudo -n sh -s")
    assert "-o ProxyCommand=gcloud compute start-iap-tunnel m %p --listen-on-stdin -F none" in call


def test_a_machine_that_does_not_let_us_in(ssh: Path) -> None:
    ssh.with_name("ssh").write_text("#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n")
    assert here().look() == Look(verdict=Verdict.UNKNOWN, seen="Connection refused")
    assert result(here(), "true") == (False, "the machine told nothing of it")


def test_what_every_image_is_asked_stands_before_what_the_recipe_asks() -> None:
    more = rules.Trial(name="more", script="true")
    names = [trial.name for trial in trials.wanted(("one", "two"), more)]
    assert names == [
        rules.BOOT_FINISHED,
        rules.NO_FAILED_UNITS,
        "no SSH host keys",
        "no machine id",
        "nothing of the bake left",
        "more",
        "one",
        "two",
    ]
