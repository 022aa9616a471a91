"""The history of a repository by the real aptly: states, how they differ, going back, replacing what was published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from phoenix.debs import Need, State
from phoenix.errors import RefusedError
from phoenix.execute import publication, states
from phoenix.plan import states as plans
from phoenix.tools import apt_index, serve
from phoenix.tools.aptly_root import Root
from tests.support.real.machine_of_apt import MachineOfApt
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import Bench, bench, make_deb, write_project
from tests.support.real.shell import Shell


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def machine(tmp_path: Path) -> MachineOfApt:
    return MachineOfApt(tmp_path / "machine")


def history(shop: Bench) -> tuple[State, ...]:
    with shop.writer.held():
        return states.states(shop.writer)


def go_back(shop: Bench, to: str = "", *needs: Need, force: bool = False) -> publication.Publication:
    def decide(state: Any) -> Any:
        every = states.states(shop.writer)
        target = plans.pick(shop.spec, every, to) if to else plans.way_back(every, state.published)
        assert target is not None
        contents = states.contents(shop.writer, target)
        return plans.rollback(shop.spec, state, target, contents=contents, needs=needs, why="a test's", force=force)

    return publication.carry_out(shop.writer, decide, shop.change)


def publish_versions(shop: Bench, *versions: str) -> None:
    for version in versions:
        shop.publish(make_deb(shop.directory, "hello", version))


def test_every_change_is_a_state_that_says_who_when_how_and_why(shop: Bench) -> None:
    publish_versions(shop, "1.0", "1.1")
    before, first, second = history(shop)
    assert (before.name, before.number) == ("main-0000", 0)
    assert (first.what, first.why, second.what) == ("hello 1.0 is new", "a test's", "hello 1.1 is new")
    assert second.run.startswith("publish-")
    assert second.who
    assert second.host
    assert second.at.endswith("Z")
    assert len(second.at) == 20


def test_after_a_rollback_apt_gets_the_former_version(shop: Bench, machine: MachineOfApt) -> None:
    publish_versions(shop, "1.0", "2.0")
    machine.use(shop.here)
    go_back(shop)
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", "hello")
    assert code == 0, said
    assert (machine.root / "usr/share/hello/version").read_text() == "1.0 \n"
    assert shop.shown() == shop.kept() == ["hello 1.0"]
    newest = history(shop)[-1]
    assert (newest.name, newest.of, newest.what) == ("main-0003", "main-0001", "back to main-0001")


def test_what_is_published_next_stands_on_what_was_gone_back_to(shop: Bench) -> None:
    publish_versions(shop, "1.0", "2.0")
    go_back(shop)
    publish_versions(shop, "2.1")
    assert shop.shown() == ["hello 1.0", "hello 2.1"]
    shop.publish(make_deb(shop.directory, "hello", "2.0", content="mended"))  # nobody sees the old 2.0 any more
    assert shop.shown() == ["hello 1.0", "hello 2.0", "hello 2.1"]


def test_a_second_rollback_goes_further_back_and_not_forth(shop: Bench) -> None:
    publish_versions(shop, "1.0", "1.1", "1.2")
    go_back(shop)
    assert shop.shown() == ["hello 1.0", "hello 1.1"]
    go_back(shop)
    assert shop.shown() == ["hello 1.0"]
    go_back(shop, "3")
    assert shop.shown() == ["hello 1.0", "hello 1.1", "hello 1.2"]
    assert go_back(shop, "main-0003").run is None


def test_a_rollback_that_takes_away_what_is_needed_is_refused_unless_forced(shop: Bench) -> None:
    publish_versions(shop, "1.0", "2.0")
    (found,) = apt_index.resolve(shop.here, [("hello", "2.0")])
    need = Need(name="hello", version="2.0", sha256=found.sha256, who="group web-tier-local-v002")
    with pytest.raises(RefusedError) as refused:
        go_back(shop, "1", need)
    assert refused.value.details == "hello=2.0: group web-tier-local-v002"
    assert shop.shown() == ["hello 1.0", "hello 2.0"]
    go_back(shop, "1", need, force=True)
    assert shop.shown() == ["hello 1.0"]


def test_other_contents_replace_the_old_ones_where_that_is_meant(shop: Bench, machine: MachineOfApt) -> None:
    publish_versions(shop, "1.0")
    machine.use(shop.here)
    changed = make_deb(shop.directory, "hello", "1.0", content="changed")
    shop.publish(changed, replace=lambda: ())
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", "hello")
    assert code == 0, said
    assert (machine.root / "usr/share/hello/version").read_text() == "1.0 changed\n"
    assert history(shop)[-1].what == "hello 1.0 has other contents"
    go_back(shop)
    assert machine.apt_get("update", "--error-on=any")[0] == 0
    code, said = machine.apt_get("install", "--reinstall", "hello")
    assert code == 0, said
    assert (machine.root / "usr/share/hello/version").read_text() == "1.0 \n"


def test_what_somebody_needs_is_not_replaced(shop: Bench) -> None:
    publish_versions(shop, "1.0")
    (old,) = apt_index.resolve(shop.here, [("hello", "1.0")])
    need = Need(name="hello", version="1.0", sha256=old.sha256, who="group web-tier-local-v001")
    with pytest.raises(RefusedError, match="cannot be replaced") as refused:
        shop.publish(make_deb(shop.directory, "hello", "1.0", content="changed"), replace=lambda: (need,))
    assert "web-tier-local-v001" in refused.value.details
    assert apt_index.resolve(shop.here, [("hello", "1.0")]) == (old,)


def test_a_state_that_there_never_was_is_told_with_those_there_are(shop: Bench) -> None:
    publish_versions(shop, "1.0")
    with pytest.raises(Exception, match="has no state 'main-0007'") as wrong:
        plans.pick(shop.spec, history(shop), "main-0007")
    assert "main-0001" in str(wrong.value)


class Desk(Shell):
    """The command line on a project of its own."""

    @property
    def root(self) -> Root:
        return Root(path=self.directory / "aptly")

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        return self.run(*arguments, code=code)

    def hello(self, version: str, content: str = "") -> str:
        return str(make_deb(self.directory, "hello", version, content=content))


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Desk]:
    write_project(tmp_path, port=free_port())
    made = Desk(directory=tmp_path)
    yield made
    serve.stop(made.root)


def test_history_diff_rollback_and_replace_on_the_command_line(shell: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    report = shell.directory / "report.xml"
    shell("publish", shell.hello("1.0"), "--why", "the first", "--junit", str(report))
    assert [case.get("name") for case in ElementTree.parse(report).iter("testcase")] == [
        f"steps.{step}" for step in ("snapshot-before", "add", "snapshot", "switch", "read-back")
    ]
    with monkeypatch.context() as job:
        job.setenv("BUILD_TAG", "jenkins-hello-2")
        job.setenv("GIT_COMMIT", "3f2a91c04d5b6e7f8091a2b3c4d5e6f708192a3b")
        shell("publish", shell.hello("2.0"))
    found = shell("repository", "history")["states"]
    origin = found[0]["origin"]
    assert (origin["build_tag"], origin["git_commit"][:8], origin["build_url"]) == ("jenkins-hello-2", "3f2a91c0", "")
    assert [(s["name"], s["why"], s["shown"]) for s in found] == [
        ("main-0002", "", True),
        ("main-0001", "the first", False),
        ("main-0000", "", False),
    ]
    difference = shell("repository", "diff", "1", "main-0002")
    assert [(p["name"], p["version"]) for p in difference["added"]] == [("hello", "2.0")]
    assert difference["removed"] == difference["replaced"] == []
    planned = shell("repository", "rollback", "--plan")["plan"]
    assert [step["id"] for step in planned["steps"]] == ["match", "snapshot", "switch", "read-back"]
    done = shell("repository", "rollback", "--why", "2.0 is slow")
    assert (done["changed"], done["state"], done["of"]) == (True, "main-0003", "main-0001")
    assert shell("repository", "history")["states"][0]["why"] == "2.0 is slow"
    assert shell("run", "list")["runs"][0]["kind"] == "restore"
    refused = shell("repository", "rollback", code=3)["error"]
    assert refused["brief"] == "there is no state before main-0003"
    changed = shell.hello("1.0", "changed")
    assert "--replace --why" in shell("publish", changed, code=3)["error"]["resolution"]
    assert shell("publish", changed, "--replace", code=2)["error"]["brief"] == "--replace needs a reason"
    assert shell("publish", changed, "--replace", "--why", "nobody had it")["changed"]
    assert shell("repository", "diff", "3", "4")["replaced"][0]["version"] == "1.0"
