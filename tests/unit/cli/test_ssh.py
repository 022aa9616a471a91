"""`phoenix ssh`: a program on this computer, the cloud's own command elsewhere; and the mark that it leaves."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.clouds.local.machines import engines, entrance
from phoenix.clouds.local.machines.machine_files import MachineFiles, Started, write_record
from phoenix.tools import attended
from phoenix.tools.process import ProcessId
from tests.support.fakes.desk import Desk

V1 = "web-tier-local-v001"
MACHINE = f"{V1}-1"


def machine(desk: Desk, engine: str = engines.LIGHT, *, alive: bool = True) -> MachineFiles:
    """The files of the machine, as the local cloud has them."""
    files = entrance.files_of(desk.directory / ".phoenix" / "local", MACHINE)
    files.directory.mkdir(parents=True)
    me = ProcessId.of(os.getpid())
    assert me
    process = me if alive else replace(me, started=me.started + 1)
    (files.directory / "config.json").write_text('{"root": {"path": "/mnt"}}')
    write_record(files, Started(engine=engine, port=1, processes={"machine": process}, console="c", report="r"))
    return files


@dataclass
class Visit:
    """A person inside: what they typed, and what phoenix said of the machine meanwhile."""

    desk: Desk
    words: tuple[str, ...] = ()
    seen: tuple[bool, str] = (False, "")
    code: int = 0
    lasts: float = 0.0
    """Seconds of the desk's clock."""

    def __call__(self, words: tuple[str, ...]) -> int:
        files = entrance.files_of(self.desk.directory / ".phoenix" / "local", MACHINE)
        self.words, self.seen = words, (entrance.inside(files), entrance.touched(files))
        self.desk.clock.seconds += self.lasts
        return self.code


@pytest.fixture
def visit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """What stands for the way into a machine: that is a real one in test_machines.py."""
    made = Visit(desk)
    monkeypatch.setattr(attended, "run", made)
    return made


def test_on_this_computer_it_runs_the_way_in_and_leaves_a_mark(desk: Desk, visit: Visit) -> None:
    desk.roll("1.0.0")
    files = machine(desk)
    visit.code, visit.lasts = 7, 3600
    assert (entrance.touched(files), entrance.inside(files)) == ("", False)
    entered = rfc3339(desk.clock.now())
    desk.page("ssh", MACHINE, "--", "systemctl", "status", "--json", "a b", code=7)  # as it ended itself
    assert visit.words[1:4] == ("--root", str(files.directory / "runc"), "exec")
    assert visit.words[-5] == files.container
    assert visit.words[-4:] == ("systemctl", "status", "--json", "a b"), "what is behind -- is not phoenix's"
    assert visit.seen[0] is True
    assert visit.seen[1].endswith(f" at {entered}")
    assert entrance.inside(files) is False
    left = rfc3339(from_rfc3339(entered) + timedelta(hours=1))
    assert entrance.touched(files).endswith(f" at {left}"), "the time counts from the return"


def test_a_machine_that_was_ended_meanwhile_has_nothing_to_write_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.roll("1.0.0")
    files = machine(desk)

    def burn(_words: tuple[str, ...]) -> int:
        shutil.rmtree(files.directory)
        return 0

    monkeypatch.setattr(attended, "run", burn)
    desk.page("ssh", MACHINE)
    assert entrance.inside(files) is False


def test_with_json_it_tells_and_touches_nothing(desk: Desk, visit: Visit) -> None:
    desk.roll("1.0.0")
    files = machine(desk)
    told = desk.run("ssh", MACHINE)
    assert (told["here"], told["command"][-2:]) == (True, ["/bin/bash", "-l"])
    assert (visit.words, entrance.touched(files)) == ((), "")


@pytest.mark.parametrize(
    ("engine", "alive", "told"), [("qemu-kvm", True, "is a virtual machine"), (engines.LIGHT, False, "is dead")]
)
def test_where_nobody_gets_in(desk: Desk, engine: str, alive: bool, told: str) -> None:
    desk.roll("1.0.0")
    machine(desk, engine, alive=alive)
    assert told in desk.refused("ssh", MACHINE)["brief"]


def test_elsewhere_it_prints_the_clouds_own_command(desk: Desk, visit: Visit) -> None:
    desk.roll("1.0.0")
    desk.on_aws()
    assert desk.page("ssh", MACHINE) == f"aws ssm start-session --region eu-west-1 --target {MACHINE}\n"
    assert "AWS-StartInteractiveCommand" in desk.page("ssh", MACHINE, "--", "uptime")
    assert visit.words == ()


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


def touch(desk: Desk, hours: float, *, inside: bool = False) -> str:
    """Somebody was, or is, inside of the first machine, so long ago; its name."""
    group = desk.cloud.standing[V1]
    first, *others = group.instances
    who = f"ada at {rfc3339(desk.clock.now() - timedelta(hours=hours))}"
    desk.cloud.standing[V1] = replace(group, instances=(replace(first, touched=who, inside=inside), *others))
    return first.id


def machines_of(desk: Desk) -> list[str]:
    return sorted(each.id for each in desk.cloud.standing[V1].staying)


def test_a_snowflake_is_replaced_unasked_only_where_the_file_says_so(desk: Desk) -> None:
    desk.roll("1.0.0")
    touch(desk, hours=1000)
    before = machines_of(desk)
    assert desk.run("tend")["did"] == []
    assert machines_of(desk) == before


def test_after_touched_for_a_new_machine_is_proven_before_the_snowflake_ends(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    snowflake, before = touch(desk, hours=1), machines_of(desk)
    assert desk.run("tend")["did"] == [], "it is not that old yet"
    assert "or `phoenix tend` 2h after that" in desk.run("status")["services"][0]["due"][0]
    touch(desk, hours=3)
    (did,) = desk.run("tend")["did"]
    assert did.startswith(f"replaced {snowflake}, a snowflake: ada at ")
    now = machines_of(desk)
    assert snowflake not in now
    assert len(now) == 2
    assert set(before) - {snowflake} < set(now), "the other one stays"
    assert desk.shares == {V1: 100}
    run = desk.run("run", "list")["runs"][0]
    assert (run["kind"], run["state"]) == ("renew", "done")
    steps = [step["id"] for step in desk.run("run", "show", run["id"])["run"]["steps"] if step["part"] == "steps"]
    assert steps == ["measure", "grow", "healthy", "end"]
    assert desk.run("tend")["did"] == [], "twice is once"


def test_a_snowflake_whose_replacement_is_never_proven_stays(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    snowflake, before = touch(desk, hours=3), machines_of(desk)
    desk.cloud.ill.add(f"{V1}-3")
    desk.run("tend", code=6)
    assert snowflake in machines_of(desk)
    assert machines_of(desk) == before


def test_a_machine_with_somebody_inside_is_not_replaced(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    snowflake = touch(desk, hours=1000, inside=True)
    assert desk.run("tend")["did"] == []
    status = desk.run("status")["services"][0]
    assert status["due"][0].startswith(f"{snowflake} is a snowflake: somebody is inside of it now (ada at ")
    assert status["groups"][0]["instances"][0]["inside"] is True
    assert " is inside of it" in desk.page("group", "show", V1)


def test_who_gets_in_again_while_the_replacement_is_started_keeps_the_machine(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    snowflake, before = touch(desk, hours=3), machines_of(desk)

    def once_the_new_one_is_there() -> None:
        if len(machines_of(desk)) == 3:
            touch(desk, hours=0, inside=True)

    desk.clock.on_sleep = once_the_new_one_is_there
    said = desk.run("tend", code=6)["error"]
    assert f"{snowflake} was not replaced: somebody is inside of it" in said["brief"]
    assert machines_of(desk) == before


def test_the_way_back_keeps_the_machine_with_somebody_inside_however_unwell_it_is(desk: Desk) -> None:
    """They stop its app while its replacement is started: the group is made as small as it was, without the new one."""
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    snowflake, before = touch(desk, hours=3), machines_of(desk)

    def once_the_new_one_is_there() -> None:
        if len(machines_of(desk)) == 3:
            desk.cloud.ill.add(touch(desk, hours=0, inside=True))

    desk.clock.on_sleep = once_the_new_one_is_there
    desk.run("tend", code=6)
    assert snowflake in machines_of(desk)
    assert machines_of(desk) == before


def test_a_renewal_that_failed_is_not_tried_by_every_tend(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.edit("size: 2\n", "size: 2\n        touched_for: 2h\n")
    touch(desk, hours=3)
    desk.cloud.ill |= {f"{V1}-{number}" for number in range(3, 9)}

    def due() -> str:
        return str(desk.run("status")["services"][0]["due"][0])

    def tries() -> int:
        return len([run for run in desk.run("run", "list")["runs"] if run["kind"] == "renew"])

    desk.run("tend", code=6)
    assert desk.run("tend")["did"] == []
    assert tries() == 1
    failed = desk.run("run", "list")["runs"][0]
    later = rfc3339(from_rfc3339(failed["ended"]) + timedelta(minutes=10))
    assert due().endswith(f"; the last try failed (`phoenix run show {failed['id']}`), the next is not before {later}")
    desk.clock.seconds += 601
    desk.run("tend", code=6)
    assert tries() == 2
    desk.clock.seconds += 601
    assert desk.run("tend")["did"] == [], "now it is twenty minutes"
    assert "2 tries in a row failed" in due()
    desk.clock.seconds += 601
    desk.cloud.ill.clear()
    assert len(desk.run("tend")["did"]) == 1
    assert "tries" not in "".join(desk.run("status")["services"][0]["due"])


def test_touched_for_is_a_key_of_the_local_cloud(desk: Desk) -> None:
    desk.edit("size: 2\n", "size: 2\n        touched_for: sometimes\n")
    assert "never, or a number with s, m, h or d" in desk.refused("validate", code=2)["details"]
    desk.edit("touched_for: sometimes", "touched_for: 2h")
    desk.on_aws()
    assert "nobody tells who was inside" in desk.refused("validate", code=2)["details"]
