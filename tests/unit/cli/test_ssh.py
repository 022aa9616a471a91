"""`phoenix ssh`: a program on this computer, the cloud's own command elsewhere; and the mark that it leaves."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from phoenix.clouds.local.machines import entrance, light
from phoenix.clouds.local.machines.machine_files import MachineFiles, Started, write_record
from phoenix.tools.process import ProcessId
from tests.support.fakes.desk import Desk

V1 = "web-tier-local-v001"
MACHINE = f"{V1}-1"


class ReplacedError(Exception):
    """This process would be another program now."""


def machine(desk: Desk, engine: str = light.NAME, *, alive: bool = True) -> MachineFiles:
    """The files of the machine, as the local cloud has them."""
    files = entrance.files_of(desk.directory / ".phoenix" / "local", MACHINE)
    files.directory.mkdir(parents=True)
    me = ProcessId.of(os.getpid())
    assert me
    process = me if alive else replace(me, started=me.started + 1)
    write_record(files, Started(engine=engine, port=1, processes={"machine": process}, console="c", report="r"))
    return files


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this process would have become."""
    seen: list[Any] = []

    def become(_program: str, words: tuple[str, ...]) -> NoReturn:
        seen.append(words)
        raise ReplacedError

    monkeypatch.setattr("phoenix.cli.ssh.os.execvp", become)
    return seen


def test_on_this_computer_it_becomes_the_way_in_and_leaves_a_mark(desk: Desk, replaced: list[Any]) -> None:
    desk.roll("1.0.0")
    files = machine(desk)
    assert entrance.touched(files) == ""
    desk.page("ssh", MACHINE, "--", "systemctl", "status", "--json", "a b", code=1)  # this process stays what it is
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN, "else the next pipe that nobody reads ends this process"
    (words,) = replaced
    assert words[1:3] == (f"--target={os.getpid()}", "--user")
    assert words[-4:] == ("systemctl", "status", "--json", "a b"), "what is behind -- is not phoenix's"
    assert " at 2026-" in entrance.touched(files)


def test_with_json_it_tells_and_touches_nothing(desk: Desk, replaced: list[Any]) -> None:
    desk.roll("1.0.0")
    files = machine(desk)
    told = desk.run("ssh", MACHINE)
    assert (told["here"], told["command"][-2:]) == (True, ["/bin/bash", "-l"])
    assert (replaced, entrance.touched(files)) == ([], "")


@pytest.mark.parametrize(
    ("engine", "alive", "told"), [("qemu-kvm", True, "is a virtual machine"), (light.NAME, False, "is dead")]
)
def test_where_nobody_gets_in(desk: Desk, engine: str, alive: bool, told: str) -> None:
    desk.roll("1.0.0")
    machine(desk, engine, alive=alive)
    assert told in desk.refused("ssh", MACHINE)["brief"]


def test_elsewhere_it_prints_the_clouds_own_command(desk: Desk, replaced: list[Any]) -> None:
    desk.roll("1.0.0")
    desk.on_aws()
    assert desk.page("ssh", MACHINE) == f"aws ssm start-session --region eu-west-1 --target {MACHINE}\n"
    assert "AWS-StartInteractiveCommand" in desk.page("ssh", MACHINE, "--", "uptime")
    assert replaced == []


def test_a_machine_that_somebody_was_inside_of_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.roll("1.0.0")
    group = desk.cloud.standing[V1]
    first, second = group.instances
    desk.cloud.standing[V1] = replace(group, instances=(replace(first, touched="ada at noon"), second))
    status = desk.run("status")["services"][0]
    assert status["due"] == [f"{MACHINE} is a snowflake: ada at noon was inside of it; the next roll replaces it"]
    assert [each["touched"] for each in status["groups"][0]["instances"]] == ["ada at noon", ""]
    assert "ada at noon was inside of it" in desk.page("group", "show", V1)


def test_an_unknown_machine(desk: Desk) -> None:
    desk.roll("1.0.0")
    assert MACHINE in desk.refused("ssh", "nobody", code=2)["details"]
