"""What a person does to single groups, on real machines behind a real balancer, while requests go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from phoenix.demo.load import running
from tests.support.real.quick import CLOCK, Quick

KEEP = "{kind: blue-green, keep: 30m}"


@dataclass(frozen=True, kw_only=True)
class Two:
    """The group that serves and the one that is kept, two machines each."""

    service: Quick
    kept: str
    serving: str

    def verb(self, *words: str, code: int = 0) -> None:
        """`phoenix group`, as a script says it."""
        self.service.shell.run("group", *words, "--yes", code=code)


@pytest.fixture
def two(service: Quick) -> Iterator[Two]:
    kept = service.serve(strategy=KEEP, size=2, drain="2s")["group"]
    service.next_release()
    serving = service.shell.run("roll", "web-tier")["group"]
    yield Two(service=service, kept=kept, serving=serving)
    service.shell.run("down", "--yes", "--force")


def test_every_verb_and_not_a_request_is_lost(two: Two, tmp_path: Path) -> None:
    service, shell = two.service, two.service.shell
    with running(service.address, rate=100, out=tmp_path / "load.json", clock=CLOCK) as load:
        two.verb("enable", two.kept, "--why", "the new one leaks")
        assert service.shares() == {two.kept: 100}
        two.verb("enable", two.serving, "--share", "30")
        assert service.shares() == {two.kept: 70, two.serving: 30}
        two.verb("disable", two.serving)
        two.verb("resize", two.kept, "4")
        assert service.sizes() == {two.kept: 4, two.serving: 2}
        two.verb("resize", two.kept, "1", code=3)
        two.verb("resize", two.kept, "1", "--force")
        two.verb("disable", two.kept, "--plan")
        two.verb("delete", two.kept, code=3)
        two.verb("delete", two.serving)
        two.verb("disable", two.kept, code=3)
        summary = load.finish()
    assert summary.failed == 0, summary.failures[:5]
    assert summary.sent > 200
    assert (service.shares(), service.sizes()) == ({two.kept: 100}, {two.kept: 1})
    runs = shell.run("run", "list", "web-tier")["runs"][:6]
    told = [(run["kind"], run["started"], run["state"]) for run in runs]
    assert sorted(kind for kind, *_when in told) == ["burn", "disable", "enable", "enable", "resize", "resize"], told


@pytest.mark.full
def test_a_verb_that_is_killed_goes_back(two: Two) -> None:
    service = two.service
    process = service.shell.start("group", "resize", two.serving, "4")
    service.until_began("healthy")
    process.kill()
    process.communicate()
    assert service.shell.service()["run"]["died"] is True
    assert "resize" in service.shell.run("tend")["did"][0]
    assert (service.shares(), service.sizes()) == ({two.serving: 100}, {two.serving: 2, two.kept: 2})


def test_a_dead_machine_of_a_kept_group_is_replaced_before_it_serves(two: Two, tmp_path: Path) -> None:
    service = two.service
    service.kill_machine(f"{two.kept}-1")
    with running(service.address, rate=100, out=tmp_path / "load.json", clock=CLOCK) as load:
        two.verb("enable", two.kept)
        summary = load.finish()
    assert summary.failed == 0, summary.failures[:5]
    assert service.shares() == {two.kept: 100}
    assert service.backend(two.kept).healthy == 2


@pytest.mark.full
def test_a_service_that_left_the_file_is_burnt_to_its_last_group(two: Two) -> None:
    service, file = two.service, two.service.shell.directory / "phoenix.yaml"
    known = file.read_text()
    file.write_text(known.replace("  web-tier:", "  web-front:"))
    try:
        two.verb("delete", two.kept)
        two.verb("delete", two.serving, code=3)
        two.verb("delete", two.serving, "--force")
    finally:
        file.write_text(known)
    assert (service.shares(), service.sizes()) == ({}, {})
