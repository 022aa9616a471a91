"""`phoenix galaxy install` by the command line: git, archives and directories of this computer, without a network."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from phoenix.execute.reach import Playbooks
from tests.support.real.shell import Shell


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A project whose one playbook uses two roles and a collection of others, and one that uses none."""
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible-home"))
    shell = Shell(directory=tmp_path / "shop")
    write(
        shell.directory / "phoenix.yaml",
        "version: 1\nproject: shop\nclouds: {local: {kind: local}}\nimages:\n"
        "  os: {debian-12: {base: {local: bookworm}, playbook: site.yml}}\n",
    )
    write(
        shell.directory / "playbooks/site.yml",
        "- hosts: all\n  roles: [web, stack]\n  tasks: [{acme.tools.hammer: {}}]\n",
    )
    write(shell.directory / "playbooks/plain.yml", "- hosts: all\n  tasks: [{debug: {msg: plain}}]\n")
    role(tmp_path / "web", "web")
    role(tmp_path / "shared/stack", "stack")
    commit(tmp_path / "web")
    git(tmp_path / "web", "tag", "v1")
    collection(tmp_path)
    asks(shell, web_at("main"))
    return shell


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def role(directory: Path, name: str, says: str = "one") -> None:
    write(directory / "meta/main.yml", f"galaxy_info: {{author: a, description: {name}, license: MIT}}\n")
    write(directory / "tasks/main.yml", f"- debug: {{msg: {says}}}\n")


def commit(directory: Path) -> str:
    if not (directory / ".git").exists():
        git(directory, "init", "-q", "-b", "main")
    git(directory, "add", ".")
    git(directory, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "x")
    return git(directory, "rev-parse", "HEAD")


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def collection(directory: Path, version: str = "1.0.0") -> None:
    """`acme-tools.tar.gz`, as `ansible-galaxy collection build` makes it, and the directory that it is made of."""
    source = directory / "tools"
    write(
        source / "galaxy.yml",
        f"namespace: acme\nname: tools\nversion: {version}\nauthors: [a]\nreadme: README.md\ndependencies: {{}}\n",
    )
    write(source / "README.md", "Tools.\n")
    write(source / "plugins/modules/hammer.py", HAMMER)
    write(source / "meta/runtime.yml", "requires_ansible: '>=2.15.0'\n")


HAMMER = """#!/usr/bin/python
DOCUMENTATION = "module: hammer"
from ansible.module_utils.basic import AnsibleModule


def main():
    AnsibleModule(argument_spec={}).exit_json(changed=False)
"""


def web_at(version: str) -> str:
    return f"  - {{src: ../../web, scm: git, version: {version}, name: web}}\n"


def asks(shell: Shell, *roles: str) -> None:
    write(
        shell.directory / "playbooks/requirements.yml",
        "roles:\n" + "".join(roles) + "  - src: ../../shared/stack\ncollections:\n  - {name: ../../tools, type: dir}\n",
    )


def lock(shell: Shell) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((shell.directory / "playbooks/requirements.lock").read_text())
    return said


def files(shell: Shell, playbook: str) -> dict[str, str]:
    """What a key counts."""
    playbooks = Playbooks.of(shell.directory)
    return dict(playbooks.digests(playbooks.reached([playbook])))


def test_what_is_required_is_installed_counted_and_found(shop: Shell, tmp_path: Path) -> None:
    plain = files(shop, "plain.yml")
    told = shop.run("validate", code=2)["mistakes"][0]["what"]
    assert "phoenix galaxy install" in told
    assert shop.run("galaxy", "install", "--plan")["asked"] == [
        "role ../../web main",
        "role ../../shared/stack",
        "collection ../../tools",
    ]
    assert not (shop.directory / "playbooks/galaxy").exists()

    done = shop.run("galaxy", "install")
    assert [(each["kind"], each["name"], each["version"], each["change"]) for each in done["installed"]] == [
        ("collection", "acme.tools", "1.0.0", "new"),
        ("role", "stack", "", "new"),
        ("role", "web", git(tmp_path / "web", "rev-parse", "HEAD"), "new"),
    ]
    assert shop.run("validate")["ok"]
    counted = files(shop, "site.yml")
    for path in ("galaxy/roles/web", "galaxy/roles/stack", "galaxy/collections/ansible_collections/acme/tools"):
        assert f"playbooks/requirements.lock: {path}" in counted
    assert "galaxy/roles/web/tasks/main.yml" in counted
    assert files(shop, "plain.yml") == plain, "who reaches nothing of it keeps the key"

    before = lock(shop)
    again = shop.run("galaxy", "install")
    assert (again["again"], again["changed"]) == (True, False)
    assert lock(shop) == before
    assert files(shop, "site.yml") == counted, "the same bytes, whenever they were installed"


@pytest.mark.full
def test_a_branch_moves_only_where_that_is_asked_for(shop: Shell, tmp_path: Path) -> None:
    shop.run("galaxy", "install")
    before = files(shop, "site.yml")
    first = git(tmp_path / "web", "rev-parse", "HEAD")
    role(tmp_path / "web", "web", says="two")
    second = commit(tmp_path / "web")
    versions = {each["name"]: each["version"] for each in shop.run("galaxy", "install")["installed"]}
    assert (versions["web"], files(shop, "site.yml")) == (first, before)
    upgraded = shop.run("galaxy", "install", "--upgrade")["installed"]
    assert [(e["version"], e["change"]) for e in upgraded if e["name"] == "web"] == [(second, "changed")]
    assert files(shop, "site.yml") != before
    asks(shop, web_at("v1"))
    changed = {each["name"]: each["version"] for each in shop.run("galaxy", "install")["installed"]}
    assert changed["web"] == first, "another requirement is looked up anew"


def test_what_ansible_galaxy_takes_for_git_unasked_is_pinned_too(
    shop: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses of the world, which git is told to read on this computer."""
    places = {"https://github.com/acme/web": "web", "git@example.org:acme/tools.git": "tools"}
    write(
        tmp_path / "gitconfig",
        "".join(f'[url "{tmp_path}/{here}"]\n  insteadOf = {address}\n' for address, here in places.items()),
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    commits = {"web": git(tmp_path / "web", "rev-parse", "HEAD"), "tools": commit(tmp_path / "tools")}
    role_asked, collection_asked = places
    write(
        shop.directory / "playbooks/requirements.yml",
        f"roles: [{{src: {role_asked}}}]\ncollections: [{{name: '{collection_asked},main'}}]\n",
    )
    shop.run("galaxy", "install")
    before = lock(shop)
    pins = before["pinned"]
    assert [pin["version"] for kind in ("role", "collection") for pin in pins[kind]] == list(commits.values())
    role(tmp_path / "web", "web", says="two")
    commit(tmp_path / "web")
    write(tmp_path / "tools/README.md", "Other tools.\n")
    commit(tmp_path / "tools")
    assert shop.run("galaxy", "install")["again"]
    assert lock(shop) == before


@pytest.mark.full
def test_what_was_changed_afterwards_is_told_and_so_is_another_source(shop: Shell, tmp_path: Path) -> None:
    shop.run("galaxy", "install")
    installed = shop.directory / "playbooks/galaxy/roles/web/tasks/main.yml"
    whole = installed.read_text()
    installed.write_text("- debug: {msg: mine}\n")
    told = shop.run("validate", code=2)["mistakes"][0]["what"]
    assert "playbooks/galaxy/roles/web is not what playbooks/requirements.lock says" in told
    write(tmp_path / "shared/stack/tasks/main.yml", "- debug: {msg: another}\n")
    error = shop.run("galaxy", "install", code=4)["error"]
    assert "playbooks/galaxy/roles/stack" in error["details"]
    assert "--upgrade" in error["resolution"]
    assert installed.read_text() == "- debug: {msg: mine}\n", "nothing was touched"
    shop.run("galaxy", "install", "--upgrade")
    assert installed.read_text() == whole


def test_an_archive_and_what_is_not_there(shop: Shell, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "stack-2.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "shared/stack", arcname="stack-2")
    archive = "roles: [{src: ../../stack-2.tar.gz, name: stack}]\n"
    write(shop.directory / "playbooks/requirements.yml", archive)
    assert [each["name"] for each in shop.run("galaxy", "install")["installed"]] == ["stack"]
    before = lock(shop)
    write(shop.directory / "playbooks/requirements.yml", f"{archive}collections: [{{name: ../../gone, type: dir}}]\n")
    error = shop.run("galaxy", "install", code=4)["error"]
    assert error["brief"] == "ansible-galaxy could not install the collections"
    assert lock(shop) == before
    assert (shop.directory / "playbooks/galaxy/roles/stack/tasks/main.yml").is_file()
    assert list((shop.directory / "playbooks/.ansible").glob("phoenix-galaxy-*")) == []


@pytest.mark.parametrize(
    "at", [pytest.param("fetch", marks=pytest.mark.full), pytest.param("first", marks=pytest.mark.full), "second"]
)
def test_an_install_that_was_killed_leaves_nothing_and_takes_nothing(shop: Shell, tmp_path: Path, at: str) -> None:
    """Killed while it fetches, and before the first and the second of the moves that put the new in place."""
    shop.run("galaxy", "install")
    aside, installed = shop.directory / "playbooks/.ansible", shop.directory / "playbooks/galaxy"
    before = files(shop, "site.yml")
    write(aside / "phoenix-galaxy-mine/notes.txt", "somebody's own\n")
    words = shop.argv("galaxy", "install", "--upgrade")[2:]
    ended = subprocess.run([sys.executable, "-c", KILLED, at, *words], check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(aside.glob("phoenix-galaxy-*"))) == 2
    assert installed.exists() is (at != "second")
    asks(shop, "  - {src: ../../gone.tar.gz, name: gone}\n")
    shop.run("galaxy", "install", code=4)
    assert files(shop, "site.yml") == before, "what was installed is there again, though nothing could be fetched"
    assert [path.name for path in aside.glob("phoenix-galaxy-*")] == ["phoenix-galaxy-mine"]


KILLED = """
import os, pathlib, runpy, signal, sys
from phoenix.tools import ansible_galaxy

at, sys.argv = sys.argv[1], sys.argv[2:]
left = {"fetch": 0, "first": 1, "second": 2}[at]
move = pathlib.Path.rename


def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)


def counted(path, to):
    global left
    if "galaxy" in path.name and path.parent.name.startswith(("playbooks", "phoenix-galaxy-")):
        left -= 1
        if left == 0:
            die()
    return move(path, to)


pathlib.Path.rename = counted
if at == "fetch":
    ansible_galaxy.install = die
runpy.run_module(sys.argv[0], run_name="__main__")
"""
"""Runs the module that is named as Python would, and kills itself at the place that is named."""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("roles: {a: 1}\n", "`roles` is a list"),
        ("roles: [{srk: a}]\n", "role 1 is a name, or has the keys"),
        ("rolls: []\n", "it has `roles` and `collections`"),
        ("roles: [\n", "it is no YAML"),
        ("roles: [{include: more.yml, name: x}]\n", "write its entries here"),
    ],
)
def test_a_mistake_in_the_file_is_told(shop: Shell, text: str, why: str) -> None:
    write(shop.directory / "playbooks/requirements.yml", text)
    assert why in shop.run("galaxy", "install", code=2)["error"]["details"]


def test_without_the_file_and_beside_somebodys_own_directory(shop: Shell) -> None:
    write(shop.directory / "playbooks/galaxy/mine.txt", "mine\n")
    assert "was not made by" in shop.run("galaxy", "install", code=3)["error"]["brief"]
    assert (shop.directory / "playbooks/galaxy/mine.txt").is_file()
    (shop.directory / "playbooks/requirements.yml").unlink()
    assert "there is no playbooks/requirements.yml" in shop.run("galaxy", "install", code=2)["error"]["brief"]


def test_ansible_finds_what_the_projects_configuration_names(shop: Shell, tmp_path: Path) -> None:
    """Roles and a collection that lie elsewhere on this computer, installed by nobody."""
    write(tmp_path / "sets/ansible_collections/acme/tools/plugins/modules/hammer.py", HAMMER)
    (shop.directory / "playbooks/requirements.yml").unlink()
    role(tmp_path / "shared/web", "web")
    assert shop.run("validate", code=2)
    write(shop.directory / "ansible.cfg", "[defaults]\nroles_path = ../shared\ncollections_path = ../sets\n")
    assert shop.run("validate")["warnings"] == []
