"""Which files count for a playbook: both ways, what changes the digests and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.execute import playbook_tree
from phoenix.execute.reach import reached

ROLE = "- hosts: all\n  roles: [web]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two roles of its own, of which `site.yml` reaches one."""
    write(tmp_path, "site.yml", ROLE)
    write(tmp_path, "roles/web/tasks/main.yml", "- debug: {msg: web}\n")
    write(tmp_path, "roles/web/files/deep/motd", "hello\n")
    write(tmp_path, "roles/other/tasks/main.yml", "- debug: {msg: other}\n")
    write(tmp_path, "roles/other/meta/main.yml", "dependencies: [{role: third}]\n")
    write(tmp_path, "roles/third/tasks/main.yml", "- debug: {msg: third}\n")
    write(tmp_path, "files/shared.conf", "shared\n")
    write(tmp_path, "vars/common.yml", "a: 1\n")
    return tmp_path


def write(project: Path, path: str, text: str) -> None:
    file = project / "playbooks" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def own(project: Path, playbook: str = "site.yml") -> set[str]:
    """The project's own files that the playbook reaches."""
    tree = playbook_tree.merged(project)
    return {path for path in reached(tree, [playbook]) if tree[path].is_relative_to(project)}


def digests(project: Path) -> dict[str, str]:
    tree = playbook_tree.merged(project)
    return dict(playbook_tree.digests(tree, reached(tree, ["site.yml"])))


WEB = {"site.yml", "roles/web/tasks/main.yml", "roles/web/files/deep/motd"}
OTHER = {"roles/other/tasks/main.yml", "roles/other/meta/main.yml"}
THIRD = {"roles/third/tasks/main.yml"}


def test_a_role_counts_with_all_its_files_and_no_other(project: Path) -> None:
    assert own(project) == WEB


@pytest.mark.parametrize("path", sorted(WEB))
def test_a_byte_in_a_reached_file_changes_the_digests(project: Path, path: str) -> None:
    before = digests(project)
    file = project / "playbooks" / path
    file.write_text(file.read_text() + "#")
    assert digests(project) != before


@pytest.mark.parametrize("path", ["roles/other/tasks/main.yml", "files/shared.conf", "vars/common.yml", "new.yml"])
def test_a_byte_in_another_file_does_not(project: Path, path: str) -> None:
    before = digests(project)
    write(project, path, "# changed\n")
    assert digests(project) == before


def test_times_do_not_count_and_being_executable_does(project: Path) -> None:
    before = digests(project)
    file = project / "playbooks" / "roles/web/files/deep/motd"
    os.utime(file, (1, 1))
    assert digests(project) == before
    file.chmod(0o755)
    assert digests(project) != before


def test_what_tools_leave_behind_does_not_count(project: Path) -> None:
    before = digests(project)
    for litter in ("roles/web/library/__pycache__/x.pyc", "roles/web/.git/HEAD", "roles/web/site.retry"):
        write(project, litter, "litter")
    assert digests(project) == before


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("- hosts: all\n  roles: [{role: other}]\n", OTHER | THIRD),
        ("- hosts: all\n  roles: [{name: other, vars: {a: 1}}]\n", OTHER | THIRD),
        ("- hosts: all\n  tasks: [{include_role: {name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{ansible.builtin.import_role: {name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{block: [{include_role: {name: third}}]}]\n", THIRD),
        ("- hosts: all\n  vars_files: [vars/common.yml]\n", {"vars/common.yml"}),
        ("- hosts: all\n  tasks: [{copy: {src: shared.conf, dest: /etc/x}}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{copy: src=shared.conf dest=/etc/x}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{copy: {src: files/, dest: /etc/x}}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{script: files/shared.conf now}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{debug: {msg: \"{{ lookup('file', 'shared.conf') }}\"}}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{debug: {msg: \"{{ q('fileglob', '*.conf') }}\"}}]\n", {"files/shared.conf"}),
        ("- hosts: all\n  tasks: [{command: id, with_fileglob: [files/*]}]\n", {"files/shared.conf"}),
        ("- import_playbook: site.yml\n", WEB),
        ("- hosts: all\n  vars: {x: !vault abc, y: !unsafe '{{ z }}'}\n", set()),
        ("- hosts: all\n  tasks: [{file: {src: '/usr/share/{{ x }}', dest: /x, state: link}}]\n", set()),
        ("- hosts: all\n  tasks: [{debug: {msg: \"{{ lookup('env', 'HOME') }}\"}}]\n", set()),
        ("- hosts: all\n  tasks: [{debug: {msg: '{{ a }} and {{ b }}'}}]\n", set()),
    ],
)
def test_a_name_written_out_leads_to_its_files(project: Path, text: str, more: set[str]) -> None:
    write(project, "one.yml", text)
    assert own(project, "one.yml") == {"one.yml"} | more


@pytest.mark.parametrize(
    "text",
    [
        "- hosts: all\n  roles: ['{{ which }}']\n",
        "- hosts: all\n  tasks: [{include_role: {name: '{{ which }}'}}]\n",
        "- hosts: all\n  tasks: [{include_tasks: '{{ which }}.yml'}]\n",
        "- hosts: all\n  tasks: [{include_vars: {file: '{{ which }}.yml'}}]\n",
        "- hosts: all\n  vars_files: ['vars/{{ which }}.yml']\n",
        "- hosts: all\n  tasks: [{copy: {src: '{{ item }}', dest: /x}, loop: [a, b]}]\n",
        "- hosts: all\n  tasks: [{debug: {msg: \"{{ lookup('file', which) }}\"}}]\n",
        "- hosts: all\n  tasks: [{debug: {msg: '{{ lookup(which) }}'}}]\n",
        "- hosts: all\n  tasks: [{command: 'cat {{ playbook_dir }}/x'}]\n",
        "- import_playbook: '{{ which }}.yml'\n",
    ],
)
def test_a_name_made_up_later_makes_the_whole_tree_count(project: Path, text: str) -> None:
    write(project, "one.yml", text)
    assert reached(tree := playbook_tree.merged(project), ["one.yml"]) == tree.keys()


def test_with_a_dynamic_include_any_byte_counts(project: Path) -> None:
    write(project, "roles/web/tasks/main.yml", "- include_tasks: '{{ which }}.yml'\n")
    before = digests(project)
    write(project, "files/shared.conf", "changed\n")
    assert digests(project) != before


def test_a_template_of_a_role_may_include_one_of_the_playbooks(project: Path) -> None:
    write(project, "roles/web/templates/a.j2", "{% include 'shared.j2' %}\n")
    write(project, "templates/shared.j2", "shared\n")
    assert "templates/shared.j2" in own(project)
    write(project, "roles/web/templates/a.j2", "{% include which %}\n")
    assert own(project) == {path for path in playbook_tree.merged(project) if (project / "playbooks" / path).exists()}


@pytest.mark.parametrize("path", ["group_vars/all.yml", "filter_plugins/x.py", "library/x.py", "collections/a/b.yml"])
def test_what_ansible_loads_unasked_always_counts(project: Path, path: str) -> None:
    write(project, path, "a: 1\n")
    assert path in own(project)


def test_roles_beside_a_playbook_in_a_directory_are_found(project: Path) -> None:
    write(project, "shop/site.yml", ROLE)
    write(project, "shop/roles/web/tasks/main.yml", "- debug: {msg: shop}\n")
    assert own(project, "shop/site.yml") == {"shop/site.yml", "shop/roles/web/tasks/main.yml"} | (WEB - {"site.yml"})


def test_a_projects_role_stands_in_for_the_whole_shipped_one(project: Path) -> None:
    shipped = playbook_tree.merged(None)
    assert "roles/nodejs/templates/nodejs.sources.j2" in shipped
    write(project, "roles/nodejs/tasks/main.yml", "- debug: {msg: mine}\n")
    assert playbook_tree.below(playbook_tree.merged(project), "roles/nodejs") == {"roles/nodejs/tasks/main.yml"}


def test_a_projects_playbook_stands_in_for_the_shipped_one(project: Path) -> None:
    write(project, "os.yml", ROLE)
    assert own(project, "os.yml") == {"os.yml"} | (WEB - {"site.yml"})


def test_roles_shared_by_a_link_count_by_their_contents(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared")
    (shared / "tasks").mkdir()
    (shared / "tasks/main.yml").write_text("- debug: {msg: shared}\n")
    (project / "playbooks/roles/team").symlink_to(shared)
    write(project, "site.yml", "- hosts: all\n  roles: [team]\n")
    before = digests(project)
    assert "roles/team/tasks/main.yml" in before
    (shared / "tasks/main.yml").write_text("- debug: {msg: changed}\n")
    assert digests(project) != before


def test_a_link_in_circles_is_refused(project: Path) -> None:
    (project / "playbooks/roles/web/again").symlink_to(project / "playbooks")
    with pytest.raises(SpecError, match="hold a directory twice"):
        playbook_tree.merged(project)


@pytest.mark.parametrize("name", ["nonesuch.yml", "../phoenix.yaml", "/etc/passwd", "roles"])
def test_a_playbook_that_is_not_there_is_told_with_those_that_are(project: Path, name: str) -> None:
    with pytest.raises(SpecError, match="there is no playbook") as caught:
        own(project, name)
    assert "site.yml" in caught.value.details


@pytest.mark.parametrize("path", ["site.yml", "roles/web/tasks/main.yml"])
def test_a_file_that_is_no_yaml_is_told_with_its_line(project: Path, path: str) -> None:
    write(project, path, "---\n- a: [1\n- b: 2\n")
    with pytest.raises(SpecError) as caught:
        own(project)
    assert f"playbooks/{path}:3" in caught.value.details
