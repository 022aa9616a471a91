"""Bakes by the command line as a user has it: a real machine or tree, real Ansible, real apt, one boot."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.support.real import marked
from tests.support.real.hello import Hello
from tests.support.real.loaded import loaded_by
from tests.support.real.shell import Shell


@pytest.fixture
def project(project_with_images: Shell, new_project: NewProject, tmp_path: Path) -> Shell:
    """A project with a small foundation image of its own, `marked`, on the shared os image."""
    return marked.add(new_project(tmp_path / "marks"))


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


def directory_of(shell: Shell, ref: str) -> Path:
    return Path(shell.run("image", "show", ref)["image"]["where"]["directory"])


def test_a_baked_image_is_whole_and_its_parent_untouched(project_with_images: Shell) -> None:
    node = directory_of(project_with_images, "foundation/nodejs")
    below = directory_of(project_with_images, "os/debian-12")
    manifest = json.loads((node / "manifest.json").read_text())
    assert sorted(path.name for path in node.iterdir()) == sorted(
        ["tree", "disk.raw", "vmlinuz", "initrd", "packages.txt", "manifest.json"]
    )
    assert manifest["image"]["verified"] is True
    assert manifest["image"]["parent"] == below.name
    assert manifest["image"]["builder"] == "light", "the default where light machines run"
    assert {test["name"] for test in manifest["image"]["tests"]} >= {
        "node --version",
        "no failed units",
        "boot finished",
    }
    assert manifest["made_with"]["ansible-core"]
    packages = (node / "packages.txt").read_text().splitlines()
    assert packages == sorted(packages)
    assert any(re.fullmatch(r"nodejs \S+ amd64", line) for line in packages)
    assert (node / "tree/usr/bin/node").exists()
    assert not (below / "tree/usr/bin/node").exists()


def test_nothing_of_the_bake_or_of_a_machine_is_in_an_image(project_with_images: Shell) -> None:
    tree = directory_of(project_with_images, "foundation/nodejs") / "tree"
    assert list((tree / "etc/ssh").glob("ssh_host_*")) == []
    assert (tree / "etc/machine-id").read_text() == ""
    assert not (tree / "usr/sbin/policy-rc.d").exists()
    for empty in (
        "proc",
        "dev/pts",
        "dev/shm",
        "tmp",
        "var/cache/apt/archives",
        "var/lib/apt/lists",
        "root/.ansible",
    ):
        assert not (tree / empty).is_dir() or list((tree / empty).iterdir()) == [], empty
    assert (tree / "var/lib/apt/lists").stat().st_mtime == 0, "a machine must not take it for fresh"
    assert "phoenix-tests" not in mounts()


def test_a_tree_shares_what_did_not_change_with_the_one_below(project_with_images: Shell) -> None:
    node = directory_of(project_with_images, "foundation/nodejs") / "tree"
    below = directory_of(project_with_images, "os/debian-12") / "tree"
    assert (node / "usr/bin/python3.11").stat().st_ino == (below / "usr/bin/python3.11").stat().st_ino
    assert (node / "var/lib/dpkg/status").stat().st_ino != (below / "var/lib/dpkg/status").stat().st_ino


def test_what_is_there_is_a_hit_in_every_project_that_shares_the_images(
    project_with_images: Shell, new_project: NewProject, tmp_path: Path
) -> None:
    other = new_project(tmp_path / "other")
    os.utime(other.directory / "playbooks/nodejs.yml", (1, 1))
    with (other.directory / "phoenix.yaml").open("a") as spec:
        spec.write("# a comment changes nothing\n")
    layers = other.run("bake", "foundation", "nodejs")["layers"]
    assert [(layer["hit"], layer["run"]) for layer in layers] == [(True, None), (True, None)]


def test_a_hit_starts_no_program_and_enters_no_room_of_machines(project_with_images: Shell) -> None:
    loaded = loaded_by(project_with_images, "bake", "foundation", "nodejs")
    assert loaded.programs == ()
    rooms = "phoenix.clouds.local"
    assert loaded.of(f"{rooms}.images", f"{rooms}.machines.probe") == [f"{rooms}.images", f"{rooms}.machines.probe"]
    trials = ("light", "light_trial", "virtual", "virtual_trial", "lifecycle", "network")
    of_machines = [f"{rooms}.machines.{name}" for name in trials]
    assert loaded.of(*of_machines, f"{rooms}.groups", f"{rooms}.traffic", f"{rooms}.bake.base") == []
    assert loaded.of("sqlite3", "phoenix.execute.engine", "phoenix.tools.fence", "jinja2", "httpx") == []


def test_the_key_follows_what_the_recipe_reaches(project: Shell) -> None:
    def keys() -> list[str]:
        plans = project.run("bake", "foundation", "marked", "--plan")["plans"]
        return [plan["subject"].rpartition("/")[2] for plan in plans]

    first = keys()
    marked.write_playbook(project, content="two")
    second = keys()
    marked.write_playbook(project)
    assert keys() == first
    role = project.directory / "playbooks/roles/os/tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text("---\n- name: Nothing\n  ansible.builtin.meta: noop\n")
    third = keys()
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert third[0] != first[0], "a role of the layer below was replaced"
    assert third[1] != first[1], "and with the parent's key the child's"


def test_bake_force_list_and_delete(project: Shell) -> None:
    shell = project
    baked = shell.run("bake", "foundation", "marked", "--junit", str(shell.directory / "report.xml"))
    again = shell.run("bake", "foundation", "marked", "--force")
    assert [layer["hit"] for layer in baked["layers"]] == [True, False]
    assert [layer["hit"] for layer in again["layers"]] == [True, False]
    first, second = baked["layers"][1], again["layers"][1]
    assert (first["key"], first["parent"]) == (second["key"], second["parent"])
    assert first["id"] != second["id"]
    assert "grep -q one" in (shell.directory / "report.xml").read_text()

    listed = shell.run("image", "list", "--name", "marked")["images"]
    assert [image["id"] for image in listed] == [second["id"], first["id"]]
    proven = shell.run("image", "verify", first["id"])["tests"]
    assert {test["name"]: test["ok"] for test in proven}[f"grep -q one /etc/{marked.FILE}"] is True
    chain = shell.run("image", "lineage", "foundation/marked")["lineage"]
    assert [image["type"] for image in chain] == ["foundation", "os"]
    for image in listed:
        shell.run("image", "delete", image["id"], "--yes")
        assert not Path(directory_of(shell, "os/debian-12").parent, image["id"]).exists()
    shell.run("image", "show", "foundation/marked", code=3)
    assert shell.run("run", "list")["runs"][0]["state"] == "done"


def test_an_image_is_verified_once_more_by_a_whole_boot_and_not_baked_again(project_with_images: Shell) -> None:
    """The shipped playbooks' own image, as a user who turns to whole machines would."""
    light = project_with_images.run("bake", "foundation", "nodejs", "--verify", "light")["layers"]
    assert [layer["hit"] for layer in light] == [True, True]
    whole = project_with_images.run("bake", "foundation", "nodejs", "--verify", "qemu")
    assert whole["baked"] == 0
    assert [layer["id"] for layer in whole["layers"]] == [layer["id"] for layer in light]
    assert whole["layers"][-1]["verified_on"] == "qemu"
    shown = project_with_images.run("image", "show", "foundation/nodejs")["image"]
    assert (shown["verified_on"], [test["name"] for test in shown["tests"] if not test["ok"]]) == ("qemu", [])
    again = project_with_images.run("bake", "foundation", "nodejs", "--verify", "qemu")["layers"]
    assert [layer["hit"] for layer in again] == [True, True]


def test_a_failing_test_is_shown_and_the_image_is_gone(project: Shell) -> None:
    marked.write_playbook(project, content="two")
    images = directory_of(project, "os/debian-12").parent
    before = sorted(path.name for path in images.iterdir())
    error = project.run("bake", "foundation", "marked", code=4)["error"]
    assert "failed 1 of" in error["brief"]
    assert f"grep -q one /etc/{marked.FILE}" in error["details"]
    assert "systemd" in error["details"], "the end of the machine's console"
    console = Path(error["resolution"].rpartition(" is in ")[2].rstrip("."))
    assert "multi-user.target" in console.read_text(errors="replace")
    assert sorted(path.name for path in images.iterdir()) == before
    assert "phoenix-tests" not in mounts()


def test_a_failing_task_is_named_and_nothing_is_left(project: Shell) -> None:
    (project.directory / "playbooks/mark.yml").write_text(
        "---\n- name: Mark\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Do what cannot be done\n      ansible.builtin.command: {argv: [ls, /no/such/file]}\n"
    )
    images = directory_of(project, "os/debian-12").parent
    before = sorted(path.name for path in images.iterdir())
    error = project.run("bake", "foundation", "marked", code=4)["error"]
    assert "Do what cannot be done" in error["brief"]
    assert "/no/such/file" in error["details"]
    assert sorted(path.name for path in images.iterdir()) == before


def test_a_task_on_localhost_runs_beside_the_tree(project: Shell, tmp_path: Path) -> None:
    """It has Python, its workspace and a home; of this computer it changes nothing, whoever bakes."""
    outside = tmp_path / "outside"
    (project.directory / "playbooks/mark.yml").write_text(
        "---\n- name: Mark\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Change an address\n      ansible.builtin.command: ip address add 127.9.9.9/32 dev lo\n"
        "    - name: Work beside\n      delegate_to: localhost\n      register: beside\n"
        "      ansible.builtin.copy: {content: 'one', dest: '{{ playbook_dir }}/made.conf', mode: '0644'}\n"
        "    - name: Touch this computer\n      delegate_to: localhost\n      register: touched\n"
        f"      ansible.builtin.command: touch {outside}\n      failed_when: touched.rc == 0\n"
        f"    - name: Write it\n      ansible.builtin.copy:\n        src: made.conf\n        dest: /etc/{marked.FILE}\n"
        "        mode: '0644'\n"
    )
    baked = project.run("bake", "foundation", "marked")["layers"][1]
    assert not outside.exists()
    assert "127.9.9.9" not in subprocess.run(["ip", "address"], check=True, capture_output=True, text=True).stdout
    project.run("image", "delete", baked["id"], "--yes")


def test_two_bakes_of_one_key_bake_once(project: Shell) -> None:
    first, second = (project.start("bake", "foundation", "marked") for _ in range(2))
    outputs = [process.communicate(timeout=300) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    layers = [json.loads(stdout)["layers"][1] for stdout, _stderr in outputs]
    assert sorted(layer["hit"] for layer in layers) == [False, True]
    assert layers[0]["id"] == layers[1]["id"]
    assert any("waiting for" in stderr for _stdout, stderr in outputs)
    project.run("image", "delete", layers[0]["id"], "--yes")


def test_two_projects_that_share_images_bake_once(project: Shell, new_project: NewProject, tmp_path: Path) -> None:
    """They have no record in common: the images' own locks make one wait for the other."""
    other = new_project(tmp_path / "elsewhere" / "marks")
    for file in ("phoenix.yaml", "playbooks/mark.yml"):
        (other.directory / file).write_bytes((project.directory / file).read_bytes())
    running = [shell.start("bake", "foundation", "marked") for shell in (project, other)]
    outputs = [process.communicate(timeout=300) for process in running]
    layers = [json.loads(stdout)["layers"][1] for stdout, _stderr in outputs]
    assert layers[0]["id"] == layers[1]["id"]
    listed = project.run("image", "list", "--name", "marked")["images"]
    assert [image["id"] for image in listed] == [layers[0]["id"]]
    project.run("image", "delete", layers[0]["id"], "--yes")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("bake",), "TYPE is one of os, foundation, immutable"),
        (("bake", "golden", "nodejs"), "TYPE is one of os, foundation, immutable"),
        (("bake", "foundation", "nodjes"), "nodejs"),
        (("bake", "foundation", "nodejs", "--builder", "docker"), "packer"),
        (("bake", "foundation", "nodejs", "--cloud", "gcp"), "local"),
        (("image", "show", "nodejs/x/y"), "TYPE/NAME@KEYPREFIX"),
        (("image", "list", "--type", "golden"), "foundation"),
    ],
)
def test_wrong_words_are_told_the_right_ones(project: Shell, arguments: tuple[str, ...], word: str) -> None:
    error = project.run(*arguments, code=2)["error"]
    assert word in error["details"]
    assert error["resolution"]


def test_an_immutable_image_without_its_package_is_refused_before_anything_is_baked(project: Shell) -> None:
    error = project.run("bake", "immutable", "hello", code=3)["error"]
    assert "publish" in error["resolution"]


def test_a_recipe_says_what_commit_it_came_from(project: Shell) -> None:
    def git(*arguments: str) -> str:
        command = [
            "git",
            "-C",
            str(project.directory),
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    (project.directory / "untracked").touch()
    baked = project.run("bake", "foundation", "marked")["layers"][1]
    shown = project.run("image", "show", baked["id"])["image"]
    assert (shown["commit"], shown["dirty"]) == (git("rev-parse", "HEAD"), True)
    project.run("image", "delete", baked["id"], "--yes")


def test_an_immutable_image_holds_its_exact_package_and_follows_the_newest(project: Shell) -> None:
    hello = Hello(project)
    try:
        hello.publish("1.0.0")
        baked = project.run("bake", "immutable", "hello", "--force")["layers"]  # another test may have baked it
        assert [layer["hit"] for layer in baked] == [True, True, False]
        shown = project.run("image", "show", "immutable/hello")["image"]
        assert [(package["name"], package["version"]) for package in shown["packages"]] == [("hello", "1.0.0")]
        tree = Path(shown["where"]["directory"]) / "tree"
        assert "hello 1.0.0 all" in (tree.parent / "packages.txt").read_text().splitlines()
        assert list((tree / "etc/apt/sources.list.d").glob("phoenix-*")) == [], "no machine needs the repository"
        assert (tree / "etc/systemd/system/multi-user.target.wants/hello.service").is_symlink()
        assert project.run("bake", "immutable", "hello")["baked"] == 0
        hello.publish("1.1.0")
        newer = project.run("bake", "immutable", "hello", "--plan")["plans"][-1]
        assert newer["steps"][0]["action"]["packages"][0]["version"] == "1.1.0"
        assert newer["steps"][0]["action"]["key"] != baked[-1]["key"]
        project.run("image", "delete", shown["id"], "--yes")
    finally:
        project.run("down", "--yes", "--force")
