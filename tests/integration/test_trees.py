"""Trees made flat hold exactly what the overlay showed, and the tree below is left as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import trees
from phoenix.errors import ToolError
from phoenix.tools import overlay
from phoenix.tools.process import Command, run

CHANGES = """
set -eu
cd "$1"
echo changed > etc/config
echo new > etc/new
rm etc/gone
rm -r usr/share/doc
mkdir usr/share/doc
echo again > usr/share/doc/again
rm -r var/log
rm etc/link
ln -s elsewhere etc/link
mv usr/bin/tool usr/bin/renamed
chmod 4755 usr/bin/suid
chown 12:34 etc/owned
rm was-file && mkdir was-file && echo in > was-file/in
rm -r was-directory && echo file > was-directory
mkdir -m 1777 fresh
mkdir fresh/empty
mkfifo fresh/pipe
ln fresh/../etc/new fresh/hard
touch -d 2020-01-01 fresh etc
chmod 700 private
"""


def make_lower(tree: Path) -> None:
    for directory in ("etc", "usr/bin", "usr/share/doc/old", "var/log/journal", "was-directory/deep", "private"):
        (tree / directory).mkdir(parents=True)
    for file in ("etc/config", "etc/gone", "etc/owned", "usr/bin/tool", "usr/bin/suid", "usr/share/doc/old/copyright"):
        (tree / file).write_text(file)
    (tree / "was-file").write_text("file")
    (tree / "was-directory/deep/file").write_text("deep")
    (tree / "private/untouched").write_text("untouched")
    (tree / "etc/link").symlink_to("config")


def picture(tree: Path) -> dict[str, tuple[object, ...]]:
    """Every path of the tree with all that a user of it can see."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted([tree, *tree.rglob("*")]):
        status = path.lstat()
        content: object = None
        if stat.S_ISLNK(status.st_mode):
            content = path.readlink()
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        name = str(path.relative_to(tree))
        seen[name] = (status.st_mode, status.st_uid, status.st_gid, content)
        if not stat.S_ISLNK(status.st_mode):
            seen[name] += (status.st_mtime_ns,)
    return seen


def test_a_flat_tree_is_what_the_overlay_showed(tmp_path: Path) -> None:
    lower, upper, work, merged, flat = (tmp_path / name for name in ("lower", "upper", "work", "merged", "flat"))
    for directory in (lower, upper, work, merged):
        directory.mkdir()
    make_lower(lower)
    before = picture(lower)
    options = overlay.options(lower, upper, work, root=True)
    script = f'mount -t overlay overlay -o "{options}" "$1"\n{CHANGES}\ncp -a "$1" "$2"'
    shown = tmp_path / "shown"
    run(Command(argv=("sh", "-euc", script, "sh", str(merged), str(shown)), contained=True), timeout=60)

    trees.copy(lower, flat)
    trees.apply_upper(upper, flat)

    assert picture(flat) == picture(shown)
    assert picture(lower) == before
    left = [name for path in (flat, *flat.rglob("*")) for name in os.listxattr(path, follow_symlinks=False)]
    assert [name for name in left if "overlay" in name] == []
    assert (flat / "etc/owned").stat().st_uid == 12
    untouched = "private/untouched"
    assert (flat / untouched).stat().st_ino == (lower / untouched).stat().st_ino, "what is the same is shared"
    assert (flat / "etc/new").stat().st_ino == (flat / "fresh/hard").stat().st_ino


def test_removing_twice_is_removing_once(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    make_lower(tree)
    trees.remove(tree)
    trees.remove(tree)
    assert not tree.exists()


def test_a_path_that_overlayfs_cannot_take_is_an_error_before_the_mount(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be used for an overlay"):
        overlay.options(tmp_path / "a:b", tmp_path, tmp_path, root=True)
