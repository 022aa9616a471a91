"""What a collection counts with, and that what was read of it is neither read twice nor believed too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from phoenix.execute import collection_files
from tests.unit.execute.test_reach import COLLECTION, COLLECTIONS, TOOLS, digests, own, write


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a collection of one module and one role, and the files that every playbook reaches."""
    write(tmp_path, f"{TOOLS}/plugins/modules/hammer.py", "# a module\n")
    write(tmp_path, f"{TOOLS}/roles/smith/tasks/main.yml", "- debug: {msg: smith}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("MANIFEST.json", '{"collection_info": {"dependencies": {"acme.tools": ">=1.0"}}}'),
        ("galaxy.yml", "namespace: acme\nname: more\ndependencies: {acme.tools: '*'}\n"),
        ("meta/runtime.yml", "plugin_routing: {modules: {x: {redirect: acme.tools.hammer}}}\n"),
    ],
)
def test_a_collection_brings_those_that_it_depends_on(project: Path, path: str, text: str) -> None:
    more = f"{COLLECTIONS}/acme/more"
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.more.x: {}}]\n")
    write(project, f"{more}/plugins/modules/x.py", "# see acme.tools.hammer\n")
    alone = own(project)
    write(project, f"{more}/{path}", text)
    assert own(project) == alone | {f"{more}/{path}"} | COLLECTION


def test_a_collection_counts_by_what_it_holds(project: Path) -> None:
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.tools.hammer: {}}]\n")
    before = digests(project)
    assert TOOLS in before
    assert not any(path.startswith(f"{TOOLS}/") for path in before), "one digest for all of its files"
    write(project, f"{TOOLS}/tests/unit/test_hammer.py", "")
    write(project, f"{TOOLS}/docs/hammer.md", "")
    os.utime(project / "playbooks" / TOOLS / "plugins/modules/hammer.py", (1, 1))
    assert digests(project) == before
    write(project, f"{TOOLS}/plugins/modules/saw.py", "")
    assert digests(project) != before


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen_in_what_was_read_before(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection_files, "SETTLED", -60.0)
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.tools.hammer: {}}]\n")
    module = project / "playbooks" / TOOLS / "plugins/modules/hammer.py"
    os.utime(module, (1, 1))
    before = digests(project)
    assert digests(project) == before
    module.write_text(module.read_text().swapcase())
    os.utime(module, (1, 1))
    assert digests(project) != before


def test_a_collection_that_did_not_change_is_not_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.tools.hammer: {}}]\n")
    first = digests(project)
    monkeypatch.setattr(collection_files, "SETTLED", -60.0)
    digests(project)
    monkeypatch.setattr(collection_files, "_read", None)
    assert digests(project) == first


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"signature": 1}'])
def test_what_is_kept_and_broken_is_read_again(project: Path, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    monkeypatch.setattr(collection_files, "SETTLED", -60.0)
    write(project, "site.yml", "- hosts: all\n  tasks: [{acme.tools.hammer: {}}]\n")
    first = digests(project)
    (file,) = (Path(os.environ["PHOENIX_CACHE"]) / "collections").glob("*.json")
    file.write_text(kept)
    assert digests(project) == first
