"""Many who publish at the same time: nothing is lost, nobody is passed over, and no machine sees a mismatch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.tools import serve, tickets
from phoenix.tools.aptly_root import Root, locked
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import eventually, finish, make_deb, phoenix, processes_of, write_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "project"
    root = Root(path=write_project(directory, port=free_port()))
    yield directory
    serve.stop(root)


def publish(project: Path, *files: Path) -> None:
    code, out, err = finish(phoenix(project, "publish", *map(str, files), "--json"))
    assert code == 0, out + err


def machine_of(project: Path, directory: Path) -> tuple[MachineOfApt, str]:
    """A machine with the project's repository as a source, and the repository's url."""
    shown = json.loads(finish(phoenix(project, "repository", "show", "--json"))[1])["repository"]
    machine = MachineOfApt(directory / "machine")
    key = machine.root / "etc/apt/keyrings/phoenix.asc"
    key.write_text((project / "aptly" / "public" / "key.asc").read_text())
    (machine.root / "etc/apt/sources.list.d/phoenix.sources").write_text(
        f"Types: deb\nURIs: {shown['url']}\nSuites: bookworm\nComponents: main\nSigned-By: {key}\n"
    )
    return machine, shown["url"]


@pytest.mark.parametrize(
    ("processes", "calls", "packages"),
    [pytest.param(3, 2, 3), pytest.param(8, 10, 10, marks=[pytest.mark.full, pytest.mark.timeout(1800)])],
)
def test_nothing_is_lost_and_no_machine_sees_a_mismatch(
    project: Path, tmp_path: Path, processes: int, calls: int, packages: int
) -> None:
    publish(project, make_deb(tmp_path, "first", "1.0"))
    machine, _url = machine_of(project, tmp_path)
    names = {
        (who, call): [f"p{who}-{call}-{number}" for number in range(packages)]
        for who in range(processes)
        for call in range(calls)
    }
    files = {key: [make_deb(tmp_path, name, "1.0") for name in each] for key, each in names.items()}
    failures: list[str] = []

    def publisher(who: int) -> None:
        for call in range(calls):
            code, out, err = finish(phoenix(project, "publish", *map(str, files[who, call]), "--json"))
            if code != 0:
                failures.append(f"{who}/{call}: exit {code}: {out}{err[-2000:]}")

    crowd = [threading.Thread(target=publisher, args=(who,)) for who in range(processes)]
    for each in crowd:
        each.start()
    updates = []
    while any(each.is_alive() for each in crowd):
        updates.append(machine.apt_get("update", "--error-on=any"))
    for each in crowd:
        each.join()
    assert failures == []
    assert processes_of(project / "aptly") == []
    assert [said for code, said in updates if code != 0] == []
    assert len(updates) > 2
    shown = json.loads(finish(phoenix(project, "repository", "show", "--json"))[1])["repository"]["packages"]
    assert {package["name"] for package in shown} == {"first", *(name for each in names.values() for name in each)}
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", names[processes - 1, calls - 1][-1], names[0, 0][0])
    assert code == 0, said


def test_who_came_first_is_served_first(project: Path, tmp_path: Path) -> None:
    files = [make_deb(tmp_path, f"turn-{number}", "1.0") for number in range(4)]
    publish(project, files[0])
    root, started = Root(path=project / "aptly"), []
    with locked(root, "write", holder="a test", clock=SystemClock(), deadline=5, say=print):
        for number, file in enumerate(files[1:], 1):
            started.append(phoenix(project, "publish", str(file)))
            assert eventually(lambda waiting=number: in_the_queue(root) == waiting + 1)  # type: ignore[misc]
    ended = [finish(each) for each in started]
    assert [code for code, _out, _err in ended] == [0, 0, 0], ended
    assert "waiting for a test, and 1 before us" in ended[1][2]
    states = json.loads(finish(phoenix(project, "repository", "history", "--json"))[1])["states"]
    assert [state["what"] for state in states if state["what"].startswith("turn-")] == [
        f"turn-{number} 1.0 is new" for number in (3, 2, 1, 0)
    ]


def in_the_queue(root: Root) -> int:
    """How many hold a ticket."""
    mine = tickets.take(root.path / "write.queue")
    try:
        return tickets.before(root.path / "write.queue", mine)
    finally:
        tickets.give_back(mine)
