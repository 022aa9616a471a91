"""Which files count for a playbook: both ways, what changes the digests and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.execute import playbook_tree
from phoenix.execute.reach import Playbooks

ROLE = "- hosts: all\n  roles: [web]\n"
NO_ROLE = "- hosts: all\n  tasks: [{debug: {msg: none}}]\n"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with roles of its own, of which `site.yml` reaches one, and a collection that nothing names."""
    write(tmp_path, "site.yml", ROLE)
    write(tmp_path, "another.yml", "- hosts: all\n  roles: [other]\n")
    write(tmp_path, "roles/web/tasks/main.yml", "- debug: {msg: web}\n")
    write(tmp_path, "roles/web/files/deep/motd", "hello\n")
    write(tmp_path, "roles/other/tasks/main.yml", "- debug: {msg: other}\n")
    write(tmp_path, "roles/other/meta/main.yml", "dependencies: [{role: third}]\n")
    write(tmp_path, "roles/third/tasks/main.yml", "- debug: {msg: third}\n")
    write(tmp_path, "roles/requirements.yml", "[{src: web}]\n")
    write(tmp_path, "files/shared.conf", "shared\n")
    write(tmp_path, "vars/common.yml", "a: 1\n")
    write(tmp_path, f"{TOOLS}/plugins/modules/hammer.py", "# a module\n")
    write(tmp_path, f"{TOOLS}/roles/smith/tasks/main.yml", "- debug: {msg: smith}\n")
    write(tmp_path, "collections/requirements.yml", "{collections: [acme.tools]}\n")
    return tmp_path


def write(project: Path, path: str, text: str) -> None:
    file = project / "playbooks" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def own(project: Path, playbook: str = "site.yml", **variables: str) -> set[str]:
    """The project's own files that the playbook reaches."""
    playbooks = Playbooks.of(project)
    paths = playbooks.reached([playbook], variables)
    return {path for path in paths if playbooks.files[path].is_relative_to(project)}


def digests(project: Path, playbook: str = "site.yml") -> dict[str, str]:
    playbooks = Playbooks.of(project)
    return dict(playbooks.digests(playbooks.reached([playbook])))


COLLECTIONS = "collections/ansible_collections"
TOOLS = f"{COLLECTIONS}/acme/tools"
SHARED = {"files/shared.conf", "vars/common.yml"}
WEB = {"roles/web/tasks/main.yml", "roles/web/files/deep/motd"}
OTHER = {"roles/other/tasks/main.yml", "roles/other/meta/main.yml"}
THIRD = {"roles/third/tasks/main.yml"}
ROLES = WEB | OTHER | THIRD
COLLECTION = {f"{TOOLS}/plugins/modules/hammer.py", f"{TOOLS}/roles/smith/tasks/main.yml"}


def test_a_role_counts_with_all_its_files_and_no_other(project: Path) -> None:
    assert own(project) == {"site.yml"} | WEB | SHARED


@pytest.mark.parametrize("path", sorted({"site.yml"} | WEB | SHARED))
def test_a_byte_in_a_file_that_counts_changes_the_digests(project: Path, path: str) -> None:
    before = digests(project)
    file = project / "playbooks" / path
    file.write_text(file.read_text() + "#")
    assert digests(project) != before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("another.yml", "- hosts: all\n  roles: [third]\n"),
        ("new.yml", NO_ROLE),
        ("new.yml", "- import_playbook: another.yml\n"),
        ("new.yml", "- hosts: all\n- hosts: all\n  handlers: []\n"),
        ("roles/other/tasks/main.yml", "# changed\n"),
        ("roles/requirements.yml", "[]\n"),
        ("collections/requirements.yml", "{}\n"),
        (f"{TOOLS}/plugins/modules/hammer.py", "# changed\n"),
        (f"{COLLECTIONS}/acme.tools-1.0.0.info/GALAXY.yml", "x: 1\n"),
        (f"{COLLECTIONS}/acme/more/plugins/modules/x.py", "# changed\n"),
    ],
)
def test_other_playbooks_roles_and_collections_do_not(project: Path, path: str, text: str) -> None:
    before = digests(project)
    write(project, path, text)
    assert digests(project) == before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tasks/common.yml", "- debug: {msg: hosts}\n"),
        ("group_vars/all.yml", "hosts: [a]\n"),
        ("host_vars/builder.yml", "a: 1\n"),
        ("filter_plugins/x.py", ""),
        ("library/x.py", ""),
        ("data/clusters.yml", "- name: one\n  hosts: [a, b]\n"),
        ("files/pull.yml", NO_ROLE),
        ("templates/pull.yml", NO_ROLE),
        ("files/roles/motd", "hello\n"),
        ("vars/odd.yml", "hosts: {% if x %}\n"),
        ("empty.yml", ""),
    ],
)
def test_every_file_outside_roles_that_is_no_playbook_counts(project: Path, path: str, text: str) -> None:
    write(project, path, text)
    assert own(project) == {"site.yml", path} | WEB | SHARED


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
        ("- hosts: all\n  roles: web\n", WEB),
        ("- hosts: all\n  roles: [roles/web]\n", WEB),
        ("- hosts: all\n  tasks: [{include_role: {name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{include_role: {role: third, tasks_from: '{{ x }}'}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{include_role: name=third tasks_from=x}]\n", THIRD),
        ("- hosts: all\n  tasks: [{include_role: , args: {name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{action: include_role name=third}]\n", THIRD),
        ("- hosts: all\n  tasks: [{action: {module: include_role, name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{ansible.builtin.import_role: {name: third}}]\n", THIRD),
        ("- hosts: all\n  tasks: [{block: [], rescue: [{include_role: {name: third}}]}]\n", THIRD),
        ("- hosts: all\n  vars_files: [roles/third/vars/main.yml]\n", THIRD),
        ("- hosts: all\n  tasks: [{copy: {src: '{{ playbook_dir }}/roles/third/files/x', dest: /x}}]\n", THIRD),
        ("- import_playbook: site.yml\n", {"site.yml"} | WEB),
        ("- ansible.builtin.import_playbook: shop/site.yml\n", {"shop/site.yml"} | THIRD),
        ("- hosts: all\n  roles: [nonesuch, ../roles, .., third]\n", THIRD),
        ("- hosts: all\n  vars: {x: !vault abc, y: !unsafe '{{ z }}', roles: [third]}\n", set()),
        ("- hosts: all\n  tasks: [{template: {src: '{{ item }}'}, loop: [a, b]}]\n", set()),
        ("- hosts: all\n  tasks: [{acme.tools.hammer: {}}]\n", COLLECTION),
        ("- hosts: all\n  collections: [acme.tools]\n  tasks: [{hammer: {}}]\n", COLLECTION),
        ("- hosts: all\n  roles: [acme.tools.smith]\n", COLLECTION),
        ("- hosts: all\n  tasks: [{debug: {msg: '{{ x | acme.tools.forge }}'}}]\n", COLLECTION),
        ("- hosts: all\n  tasks: [{debug: {msg: acme.toolset and my.acme.tools}}]\n", set()),
    ],
)
def test_what_a_playbook_names_counts(project: Path, text: str, more: set[str]) -> None:
    write(project, "shop/site.yml", "- hosts: all\n  roles: [third]\n")
    write(project, "one.yml", text)
    assert own(project, "one.yml") == {"one.yml"} | more | SHARED


@pytest.mark.parametrize(
    "text",
    [
        "- hosts: all\n  roles: ['{{ which }}']\n",
        "- hosts: all\n  roles: '{{ which }}'\n",
        "- hosts: all\n  roles: [{role: '{{ which }}'}]\n",
        "- hosts: all\n  tasks: [{include_role: {name: '{{ item }}'}, loop: [web, third]}]\n",
        "- hosts: all\n  tasks: [{include_role: 'name={{ which }}'}]\n",
        "- hosts: all\n  tasks: [{include_role: , args: '{{ which }}'}]\n",
        "- hosts: all\n  tasks: [{action: 'include_role name={{ which }}'}]\n",
        "- hosts: all\n  tasks: [{copy: {src: 'roles/{{ which }}/files/x', dest: /x}}]\n",
    ],
)
def test_a_role_name_made_up_at_run_time_counts_all_roles(project: Path, text: str) -> None:
    write(project, "one.yml", text)
    assert own(project, "one.yml") == {"one.yml"} | ROLES | SHARED


@pytest.mark.parametrize("path", ["roles/web/tasks/main.yml", "roles/web/tasks/main", "roles/web/handlers/more.json"])
def test_tasks_that_are_encrypted_may_name_any_role(project: Path, path: str) -> None:
    write(project, path, "$ANSIBLE_VAULT;1.1;AES256\n3633\n")
    assert own(project) == {"site.yml", path} | ROLES | SHARED


def test_a_playbook_name_made_up_at_run_time_counts_all_playbooks(project: Path) -> None:
    write(project, "one.yml", "- import_playbook: '{{ which }}.yml'\n")
    assert {"one.yml", "site.yml", "another.yml"} | ROLES | SHARED <= own(project, "one.yml")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("roles/web/tasks/deep/more.yml", "- include_role: {name: third}\n"),
        ("roles/web/handlers/main.yaml", "- import_role: {name: third}\n"),
        ("roles/web/meta/main.yml", "dependencies:\n  - third\n"),
        ("roles/web/meta/main.yml", "dependencies: [{src: 'git+https://example.org/x/third.git,v1'}]\n"),
        ("roles/web/tasks/main.yml", "- template: {src: ../../third/templates/x.j2}\n"),
        ("roles/web/templates/a.j2", "{% include '../../third/templates/x.j2' %}\n"),
        ("tasks/common.yml", "- include_role: {name: third}\n"),
        ("roles/web/tasks/main", "- include_role: {name: third}\n"),
        ("roles/web/tasks/more.json", '[{"include_role": {"name": "third"}}]\n'),
        ("roles/web/handlers/main.json", '[{"import_role": {"name": "third"}}]\n'),
        ("roles/web/meta/main.json", '{"dependencies": ["third"]}\n'),
        ("roles/web/meta/main", "dependencies: [third]\n"),
        ("tasks/common", "- include_role: {name: third}\n"),
    ],
)
def test_what_a_role_or_a_shared_file_names_counts_too(project: Path, path: str, text: str) -> None:
    before = own(project)
    write(project, path, text)
    assert own(project) == before | {path} | THIRD


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("roles/web/molecule/default/converge.yml", "- hosts: all\n  roles: ['{{ x }}', third]\n"),
        ("roles/web/molecule/default/verify.yml", "- include_role: {name: third}\n"),
        ("roles/web/tests/test.yml", "- hosts: all\n  roles: [third]\n  tasks: [{acme.tools.hammer: {}}]\n"),
        ("roles/web/.github/ci.yml", "- include_role: {name: third}\n"),
        ("roles/web/README.md", "Needs acme.tools; see roles/third/.\n"),
        ("roles/web/tasks/NOTES", "For include_role: see [the wiki\n"),
        ("roles/web/tasks/.main.swp", "- include_role: {name: third}\n"),
        ("roles/web/defaults/main.yml", "web_roles: [third]\ndependencies: [third]\n"),
    ],
)
def test_what_a_roles_makers_run_for_themselves_names_nothing(project: Path, path: str, text: str) -> None:
    """The file counts, as all of its role's do; what it names does not."""
    before = own(project)
    write(project, path, text)
    assert own(project) == before | {path}


def test_roles_named_as_galaxy_names_them(project: Path) -> None:
    write(project, "roles/geerlingguy.docker/tasks/main.yml", "- debug: {msg: docker}\n")
    write(project, "roles/stack/web/tasks/main.yml", "- debug: {msg: grouped}\n")
    write(project, "roles/stack/db/tasks/main.yml", "- debug: {msg: grouped}\n")
    write(project, "site.yml", "- hosts: all\n  roles: [geerlingguy.docker, stack/web]\n")
    roles = {"roles/geerlingguy.docker/tasks/main.yml", "roles/stack/web/tasks/main.yml"}
    assert own(project) == {"site.yml"} | roles | SHARED


def test_a_collection_counts_with_what_it_names(project: Path) -> None:
    more = f"{COLLECTIONS}/acme/more"
    write(project, f"{more}/plugins/filter/x.py", "from ansible_collections.acme.tools.plugins import hammer\n")
    write(project, f"{more}/roles/smith/tasks/main.yml", "- include_role: {name: third}\n")
    write(project, f"{more}/docs/x.md", "acme.other\n")
    write(project, f"{COLLECTIONS}/acme/other/plugins/x.py", "")
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.more.x: {}}]\n")
    mine = {f"{more}/plugins/filter/x.py", f"{more}/roles/smith/tasks/main.yml"}
    assert own(project) == {"site.yml"} | mine | COLLECTION | THIRD | SHARED


def test_a_collection_that_the_extra_variables_name_counts(project: Path) -> None:
    assert own(project, which="acme.tools.smith") == own(project) | COLLECTION


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("- ufw: {rule: allow}\n", True),
        ("- name: open\n  ufw:\n    rule: allow\n", True),
        ("- action: ufw rule=allow\n", True),
        ('- {"ufw" : {"rule": "allow"}}\n', True),
        ("- debug: {msg: \"{{ x | json_query('a') }}\"}\n", True),
        ("- debug: {msg: \"{{ lookup('dig', 'example.org') }}\"}\n", True),
        ("- debug: {msg: ufw}\n", False),
        ("- set_fact: {ufw_rule: 'ufw: allow'}\n", False),
    ],
)
def test_a_short_name_that_ansible_knows_names_its_collection(project: Path, text: str, named: bool) -> None:
    module = f"{COLLECTIONS}/community/general/plugins/modules/ufw.py"
    write(project, module, "")
    write(project, "roles/web/tasks/main.yml", text)
    assert own(project) == {"site.yml"} | WEB | SHARED | ({module} if named else set())


def test_roles_and_collections_beside_a_playbook_in_a_directory_are_found(project: Path) -> None:
    write(project, "shop/site.yml", "- hosts: all\n  roles: [web]\n  tasks: [{shop.things.x: {}}]\n")
    write(project, "shop/roles/web/tasks/main.yml", "- debug: {msg: shop}\n")
    write(project, "shop/collections/ansible_collections/shop/things/plugins/x.py", "")
    mine = {"shop/roles/web/tasks/main.yml", "shop/collections/ansible_collections/shop/things/plugins/x.py"}
    assert own(project, "shop/site.yml") == {"shop/site.yml"} | mine | WEB | SHARED


OF_NODEJS = tuple(f"roles/{role}/" for role in ("nodejs", "log_shipper", "source"))
"""Every foundation ships logs where it is told to, and a shipper may come from a source of its own."""


def test_the_shipped_playbooks_count_with_their_own_roles_only() -> None:
    assert Playbooks.of(None).reached(["nodejs.yml"]) == {
        "nodejs.yml",
        "connection_plugins/chroot.py",
        "connection_plugins/light.py",
        *(path for path in playbook_tree.merged(None).files if path.startswith(OF_NODEJS)),
    }


def test_a_projects_role_stands_in_for_the_whole_shipped_one(project: Path) -> None:
    assert "roles/nodejs/templates/nodejs.sources.j2" in playbook_tree.merged(None).files
    write(project, "roles/nodejs/tasks/main.yml", "- debug: {msg: mine}\n")
    files = playbook_tree.merged(project).files
    assert [path for path in files if path.startswith("roles/nodejs/")] == ["roles/nodejs/tasks/main.yml"]


def test_a_projects_playbook_stands_in_for_the_shipped_one(project: Path) -> None:
    write(project, "os.yml", ROLE)
    assert own(project, "os.yml") == {"os.yml"} | WEB | SHARED


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


def test_yaml_that_holds_itself_again_and_again_is_read_to_its_end(project: Path) -> None:
    bomb = "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    write(project, "roles/web/tasks/main.yml", f"- &a0 {{include_role: {{name: third}}}}\n{bomb}- &self [*self]\n")
    assert own(project) == {"site.yml"} | WEB | THIRD | SHARED


@pytest.mark.parametrize("name", ["nonesuch.yml", "../phoenix.yaml", "/etc/passwd", "roles"])
def test_a_playbook_that_is_not_there_is_told_with_those_that_are(project: Path, name: str) -> None:
    with pytest.raises(SpecError, match="there is no playbook") as caught:
        own(project, name)
    assert "site.yml" in caught.value.details


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("site.yml", "---\n- hosts: [1\n- b: 2\n"),
        ("roles/web/tasks/main.yml", "---\n- include_role: [1\n- b: 2\n"),
    ],
)
def test_a_file_that_must_be_read_and_is_no_yaml_is_told_with_its_line(project: Path, path: str, text: str) -> None:
    write(project, path, text)
    with pytest.raises(SpecError) as caught:
        own(project)
    assert f"playbooks/{path}:3: " in caught.value.details


def test_every_file_for_ansible_that_is_no_yaml_is_a_mistake(project: Path) -> None:
    wrong = ("roles/web/tasks/debian.yml", "roles/web/vars/main.yml", "roles/web/meta/main.yml", "group_vars/all.yml")
    for path in (*wrong, "roles/web/files/x.yml", "roles/web/molecule/x.yml", "roles/other/tasks/x.yml"):
        write(project, path, "---\na: [1\nb: 2\n")
    playbooks = Playbooks.of(project)
    told = list(playbooks.mistakes(playbooks.reached(["site.yml"])))
    assert [mistake.rpartition(":")[0] for mistake in told] == sorted(f"playbooks/{path}:3" for path in wrong)
