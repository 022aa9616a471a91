"""A bootstrap is taken again as long as the mirror's index is the one that apt made it from."""

from __future__ import annotations

from pathlib import Path

from phoenix.clouds.local.bake import base
from phoenix.clouds.local.bake.mirror import configured_mirror
from tests.conftest import SUITE


def test_it_is_known_which_index_a_bootstrap_was_made_from(base_tree: Path, tmp_path: Path) -> None:
    where = (SUITE, configured_mirror())
    archive = base.archive_of(*where)
    if not base.is_current(archive, *where, 0.0):  # the mirror has moved since another run of the tests
        base.bootstrap(*where, tmp_path / "tree", tmp_path / "log", lambda _line: None, max_age=0.0)
    assert base.is_current(archive, *where, 0.0), "apt took what the mirror shows"
    assert not list((base_tree / "var/lib/apt").glob("phoenix*")), "the note is not in the image"
    known, other = base.index_of(archive).read_text(), tmp_path / "other.tar.zst"
    other.touch()
    base.index_of(other).write_text(known.replace(known[:64], "0" * 64))
    assert not base.is_current(other, *where, 0.0)
