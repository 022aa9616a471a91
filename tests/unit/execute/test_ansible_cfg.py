"""What of a project's ansible.cfg a bake honours: directories that are searched; what is named instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.execute import ansible_cfg
from phoenix.execute.reach import Playbooks
from tests.unit.execute.test_reach import own, write

SITE = "- hosts: all\n  roles: [web]\n  tasks: [{acme.tools.hammer: {}}]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a directory of its own; roles, a collection and a filter lie beside it."""
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "shop", "site.yml", SITE)
    write(tmp_path / "shop", "none.yml", "- hosts: all\n  tasks: [{debug: }]\n")
    for path, text in (
        ("roles/web/tasks/main.yml", "- debug: {msg: web}\n"),
        ("roles/other/tasks/main.yml", "- debug: {msg: other}\n"),
        ("sets/ansible_collections/acme/tools/plugins/modules/hammer.py", "# a module\n"),
        ("filters/forge.py", "# a filter\n"),
    ):
        file = tmp_path / "shared" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "shop"


def configure(project: Path, *lines: str, place: str = "ansible.cfg") -> None:
    (project / place).write_text("\n".join(("[defaults]", *lines, "")))


def test_what_lies_elsewhere_counts_as_what_stands_in_playbooks(project: Path) -> None:
    configure(
        project,
        f"roles_path = nonesuch:../shared/roles:{project}/nonesuch",
        "collections_path = ../shared/sets",
        "filter_plugins = ../shared/filters",
    )
    playbooks = Playbooks.of(project)
    assert playbooks.reached(["none.yml"]) == {
        "none.yml",
        "connection_plugins/chroot.py",
        "outside/2/filter_plugins/forge.py",
    } | {path for path in playbooks.files if path.startswith("connection_plugins/")}
    assert {path for path in playbooks.reached(["site.yml"]) if path.startswith("outside/")} == {
        "outside/0/roles/web/tasks/main.yml",
        "outside/1/collections/ansible_collections/acme/tools/plugins/modules/hammer.py",
        "outside/2/filter_plugins/forge.py",
    }
    written = ansible_cfg.for_a_bake(playbooks.searched)
    assert "roles_path = roles:galaxy/roles:outside/0/roles\n" in written
    assert "collections_path = collections:galaxy/collections:outside/1/collections\n" in written
    assert "filter_plugins = outside/2/filter_plugins\n" in written


def test_directories_of_the_tree_are_searched_where_they_are(project: Path) -> None:
    write(project, "team/roles/web/tasks/main.yml", "- debug: {msg: web}\n")
    configure(project, "roles_path = team/roles", place="playbooks/ansible.cfg")
    assert "team/roles/web/tasks/main.yml" in own(project)
    assert "roles_path = roles:galaxy/roles:team/roles\n" in ansible_cfg.for_a_bake(Playbooks.of(project).searched)


@pytest.mark.parametrize("path", [".", "..", "playbooks", "/"])
def test_a_directory_that_the_project_lies_in_is_a_mistake(project: Path, path: str) -> None:
    configure(project, f"roles_path = {path}")
    with pytest.raises(SpecError) as caught:
        Playbooks.of(project)
    assert "roles_path names" in caught.value.details


def test_the_rest_is_named(project: Path) -> None:
    configure(
        project, "forks = 9", "roles_path = roles", "[galaxy]", "server_list = a", "[ssh_connection]", "pipelining = 1"
    )
    found = ansible_cfg.read(project)
    assert found is not None
    assert [line.partition(" is not")[0] for line in found.passed_over(project)] == [
        "ansible.cfg: [defaults] forks",
        "ansible.cfg: [ssh_connection] pipelining",
    ]


def test_what_is_no_configuration_is_told(project: Path) -> None:
    (project / "ansible.cfg").write_text("roles_path = x\n")
    with pytest.raises(SpecError, match=r"ansible\.cfg has a mistake"):
        Playbooks.of(project)
