"""The packer builder boots a builder machine, runs the same playbook, and must give the same files as the others."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import NewProject
from tests.support.real import marked
from tests.support.real.pictures import differences
from tests.support.real.shell import Shell


@pytest.fixture
def project(project_with_images: Shell, new_project: NewProject, tmp_path: Path) -> Shell:
    return marked.add(new_project(tmp_path / "packer"))


def tree_of(shell: Shell, ref: str) -> Path:
    return Path(shell.run("image", "show", ref)["image"]["where"]["directory"]) / "tree"


def tiny_in(images: Path) -> list[str]:
    """What stands there of os/tiny. Other images and the directory of locks may come meanwhile: a first bake's."""
    return sorted(path.name for path in images.iterdir() if "-os-tiny-" in path.name)


@pytest.fixture
def packer_parent(project: Shell) -> Shell:
    """A project whose os image is small enough to be baked by Packer in a test: the same base, one task."""
    spec = project.directory / "phoenix.yaml"
    text = spec.read_text().replace("os: debian-12, playbook: mark.yml", "os: tiny, playbook: mark.yml")
    text = text.replace("  os:\n", "  os:\n    tiny: {base: {local: bookworm}, playbook: tiny.yml}\n", 1)
    spec.write_text(text)
    (project.directory / "playbooks/tiny.yml").write_text(
        "---\n- name: Nothing to do\n  hosts: all\n  gather_facts: false\n"
    )
    return project


def test_the_builders_give_the_same_files(packer_parent: Shell) -> None:
    """The smallest bake there is, by each: base, unseal, seal."""
    shell, wanted = packer_parent, ("packer", "light", "chroot")
    layers = [shell.run("bake", "os", "tiny", "--builder", builder)["layers"][0] for builder in wanted]
    assert tuple(layer["builder"] for layer in layers) == wanted
    assert len({layer["key"] for layer in layers}) == 3
    booted, *others = (tree_of(shell, layer["id"]) for layer in layers)
    assert [differences(booted, other) for other in others] == [[], []]
    assert [shell.run("run", "show", layer["run"])["run"]["state"] for layer in layers] == ["done"] * 3
    for layer in layers:
        shell.run("image", "delete", layer["id"], "--yes")


@pytest.mark.full
def test_a_failing_task_in_a_builder_machine_is_named_and_the_machine_is_gone(packer_parent: Shell) -> None:
    shell = packer_parent
    (shell.directory / "playbooks/tiny.yml").write_text(
        "---\n- name: Fail\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Do what cannot be done\n      ansible.builtin.raw: ls /no/such/file\n"
    )
    images = marked.images_of(shell)
    before = tiny_in(images)
    error = shell.run("bake", "os", "tiny", "--builder", "packer", code=4)["error"]
    assert "Do what cannot be done" in error["brief"]
    assert marked.processes_naming(str(images)) == []
    assert tiny_in(images) == before


@pytest.mark.full
def test_killed_while_the_builder_machine_boots(packer_parent: Shell) -> None:
    """Packer, its plugins, the machine: all of it ends with phoenix, and the next bake takes away the files."""
    shell = packer_parent
    images = marked.images_of(shell)
    before = tiny_in(images)
    process = marked.start_until(shell, "Waiting for SSH", "bake", "os", "tiny", "--builder", "packer")
    assert any("qemu-system" in line for line in marked.processes_naming(str(images)))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    marked.wait_until_quiet(images)
    baked = shell.run("bake", "os", "tiny", "--builder", "chroot")["layers"][0]
    shell.run("image", "delete", baked["id"], "--yes")
    assert tiny_in(images) == before


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_whole_node_js_foundation_by_packer(project_with_images: Shell) -> None:
    """What people bake, booted: each layer takes minutes on an emulated machine. The same packages come out."""
    shell = project_with_images
    booted = shell.run("bake", "foundation", "nodejs", "--builder", "packer", timeout=3000)["layers"]
    for builder in ("light", "chroot"):
        quick = shell.run("bake", "foundation", "nodejs", "--builder", builder)["layers"]
        for one, other in zip(booted, quick, strict=True):
            lists = [(tree_of(shell, layer["id"]).parent / "packages.txt").read_text() for layer in (one, other)]
            assert lists[0] == lists[1]
            assert differences(tree_of(shell, one["id"]), tree_of(shell, other["id"])) == []
    for layer in reversed(booted):
        shell.run("image", "delete", layer["id"], "--yes")
