"""What a recipe may write and install that a bake needs, or leaves out, itself: by each builder that does not boot."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import trees
from tests.support.real.builds import build

BUILDERS = ("chroot", "light")
LOOK = """
    - name: Look at the way to names that works here
      ansible.builtin.command: grep -x 'nameserver 10.0.2.3' /etc/resolv.conf
      changed_when: false
"""
OWN = """
    - name: Write files that a builder needs itself
      ansible.builtin.copy:
        content: "# {{ item }}\\n"
        dest: /etc/{{ item }}
        mode: "0644"
      loop: [resolv.conf, hosts]
"""
NAME = """
    - name: See by which name a recipe decides
      ansible.builtin.assert:
        that:
          - ansible_hostname == 'golden'
          - ansible_nodename == 'golden'
          - ansible_fqdn.split('.')[0] == 'golden'
"""
JAVA = """
    - name: Install what puts links beside manuals
      ansible.builtin.apt: {name: openjdk-17-jre-headless, install_recommends: false}
    - name: Run it
      ansible.builtin.command: java --version
"""


@pytest.fixture
def directory(roomy: Path, tmp_path: Path) -> Path:
    """On the disk of trees."""
    made = roomy / "recipe-files" / tmp_path.name
    made.mkdir(parents=True, mode=0o700)
    return made


@pytest.mark.parametrize("builder", ["chroot", pytest.param("light", marks=pytest.mark.full)])
def test_the_way_to_names_is_the_recipes_to_write_and_else_the_images(
    base_tree: Path, directory: Path, builder: str
) -> None:
    """It is replaced in one step, as the module `copy` does, which no mounted file allows."""
    below = directory / "below"
    trees.copy(base_tree, below)
    (below / "etc/resolv.conf").unlink()
    (below / "etc/resolv.conf").write_text("nameserver 192.0.2.1\n")
    kept = build(builder, below, directory / "kept", LOOK).tree
    assert (kept / "etc/resolv.conf").read_text() == "nameserver 192.0.2.1\n"
    written = build(builder, below, directory / "written", LOOK + OWN).tree
    assert [(written / "etc" / name).read_text() for name in ("resolv.conf", "hosts")] == [
        "# resolv.conf\n",
        "# hosts\n",
    ]
    assert not (written / "var/lib/phoenix-bake").exists()


@pytest.mark.parametrize("builder", ["chroot", pytest.param("light", marks=pytest.mark.full)])
def test_the_name_is_the_images_and_not_the_computers(base_tree: Path, directory: Path, builder: str) -> None:
    below = directory / "below"
    trees.copy(base_tree, below)
    (below / "etc/hostname").unlink(missing_ok=True)
    (below / "etc/hostname").write_text("golden\n")
    own = socket.gethostname()
    build(builder, below, directory, NAME, facts=True)
    assert socket.gethostname() == own


def test_directories_of_manuals_are_there_and_manuals_are_not(base_tree: Path) -> None:
    """What installs into one of them, at boot too, finds it."""
    manuals = base_tree / "usr/share/man"
    assert {f"man{section}" for section in range(1, 10)} == {path.name for path in manuals.iterdir()}
    assert [path for path in manuals.rglob("*") if path.is_symlink() or not path.is_dir()] == []


@pytest.mark.full
@pytest.mark.parametrize("builder", BUILDERS)
def test_a_jre_installs(base_tree: Path, directory: Path, builder: str) -> None:
    tree = build(builder, base_tree, directory, JAVA).tree
    assert (tree / "usr/bin/java").is_symlink()
    manuals = (tree / "usr/share/man").rglob("*")
    assert [path for path in manuals if path.is_file() and not path.is_symlink()] == []
