"""What it costs to find what counts: every file is looked at a fixed number of times."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from phoenix.execute.reach import Playbooks
from tests.unit.execute.test_reach import COLLECTIONS, ROLE, TOOLS, write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two playbooks, a role for each, files beside them, and a collection that nothing names."""
    write(tmp_path, "site.yml", ROLE)
    write(tmp_path, "another.yml", "- hosts: all\n  roles: [other]\n")
    write(tmp_path, "roles/web/tasks/main.yml", "- debug: {msg: web}\n")
    write(tmp_path, "roles/other/tasks/main.yml", "- debug: {msg: other}\n")
    write(tmp_path, "files/shared.conf", "shared\n")
    write(tmp_path, f"{TOOLS}/plugins/modules/hammer.py", "# a module\n")
    return tmp_path


def test_a_file_is_read_once_however_many_playbooks_are_asked_about(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    really = Path.read_bytes

    def counted(file: Path) -> bytes:
        read.append(file)
        return really(file)

    monkeypatch.setattr(Path, "read_bytes", counted)
    playbooks = Playbooks.of(project)
    for playbook in ("site.yml", "another.yml", "site.yml"):
        assert playbooks.digests(playbooks.reached([playbook]))
    for path in ("roles/web/tasks/main.yml", "roles/other/tasks/main.yml", "files/shared.conf"):
        assert project / "playbooks" / path in read
    assert len(read) == len(set(read))
    assert not any(COLLECTIONS in str(file) for file in read)


def test_ten_times_the_files_are_no_more_than_some_ten_times_the_work(project: Path) -> None:
    """Counted in calls, as a clock would measure the machine: each file is looked at a fixed number of times."""
    few, many = (_work(project, number) for number in (20, 200))
    assert many < 12 * few


@pytest.mark.timeout(60)
def test_a_long_word_is_gone_through_once(project: Path) -> None:
    """Gone through from each of its characters it would take a quarter of an hour."""
    ufw = f"{COLLECTIONS}/community/general/plugins/modules/ufw.py"  # a module that is found without its collection
    write(project, ufw, "# a module\n")
    write(project, "roles/web/tasks/main.yml", f"- ufw: {{}}\n  vars: {{blob: {'af09' * 500_000}}}\n")
    assert ufw in Playbooks.of(project).reached(["site.yml"])


def _work(project: Path, number: int) -> int:
    for each in range(number):
        write(project, f"roles/web/tasks/{each}.yml", f"- include_role: {{name: role{each}}}\n")
        write(project, f"roles/role{each}/tasks/main.yml", "- debug: {msg: '{{ a }} in files/x'}\n")
    calls = 0

    def count(*_event: object) -> None:
        nonlocal calls
        calls += 1

    playbooks = Playbooks.of(project)
    sys.setprofile(count)
    try:
        found = playbooks.reached(["site.yml"])
    finally:
        sys.setprofile(None)
    assert len(found) >= 2 * number
    return calls
