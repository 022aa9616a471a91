"""Pruning and promoting by the real aptly, on the command line: what stays can be installed, what goes is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from phoenix.tools import serve
from phoenix.tools.aptly_root import Root
from tests.support.real.ports import free_port
from tests.support.real.repository_bench import make_deb
from tests.support.real.shell import Shell

SPEC = """\
version: 1
project: bench
clouds:
  local: {kind: local}
repositories:
  main: {distribution: bookworm, root: aptly, url: "http://127.0.0.1:MAIN", keep: 2}
  staging: {distribution: bookworm, root: staging, url: "http://127.0.0.1:STAGING"}
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    spec = SPEC.replace("MAIN", str(free_port())).replace("STAGING", str(free_port()))
    (tmp_path / "phoenix.yaml").write_text(spec)
    yield Shell(directory=tmp_path)
    for name in ("aptly", "staging"):
        serve.stop(Root(path=tmp_path / name))


def publish(shell: Shell, repository: str, name: str, *versions: str) -> None:
    for version in versions:
        file = make_deb(shell.directory, name, version)
        shell.run("publish", str(file), "--repository", repository)


def versions(shell: Shell, repository: str) -> list[str]:
    shown = shell.run("repository", "show", repository)["repository"]["packages"]
    return [f"{package['name']} {package['version']}" for package in shown]


def pool(shell: Shell) -> list[str]:
    """The package files on the disk of the repository main: those machines get, and aptly's own."""
    return sorted(file.name for file in (shell.directory / "aptly").glob("**/*.deb"))


def test_pruning_says_why_and_gives_the_room_back(shell: Shell) -> None:
    publish(shell, "main", "hello", "1.8", "1.9", "1.10", "1.11")
    planned = shell.run("repository", "prune", "main", "--plan")
    verdicts = {version["version"]: (version["stays"], version["why"]) for version in planned["versions"]}
    assert verdicts == {
        "1.8": (False, "not among the newest 2, and nobody needs it"),
        "1.9": (False, "not among the newest 2, and nobody needs it"),
        "1.10": (True, "among the newest 2; a rollback to main-0003 would offer it"),
        "1.11": (True, "among the newest 2"),
    }
    shown = shell.run("repository", "show", "main")["repository"]["packages"]
    assert [(p["version"], p["needed_by"]) for p in shown] == [(v, []) for v in ("1.11", "1.10", "1.9", "1.8")]
    assert shown[0]["size"] == (shell.directory / "hello_1.11_all.deb").stat().st_size
    done = shell.run("repository", "prune", "main", "--why", "room")
    assert (done["changed"], done["why"]) == (True, "2 versions retired")
    assert versions(shell, "main") == ["hello 1.11", "hello 1.10"]
    assert len(pool(shell)) == 4
    assert not [name for name in pool(shell) if "1.8" in name or "1.9" in name]
    assert shell.run("repository", "prune", "main")["changed"] is False
    states: list[dict[str, Any]] = shell.run("repository", "history", "main")["states"]
    assert [(s["name"], s["shown"], bool(s["retired"])) for s in states] == [
        ("main-0006", True, False),
        ("main-0005", False, False),
        *((f"main-000{number}", False, True) for number in (4, 3, 2, 1)),
        ("main-0000", False, False),
    ]
    assert states[2]["what"] == "hello 1.11 is new"
    gone = shell.run("repository", "rollback", "main", "--to", "main-0003", code=3)["error"]
    assert gone["brief"] == "main-0003 is gone"
    shell.run("repository", "rollback", "main")
    assert versions(shell, "main") == ["hello 1.10"]


def test_a_package_is_promoted_with_the_same_bytes(shell: Shell) -> None:
    publish(shell, "staging", "hello", "1.0", "1.1")
    refused = shell.run("repository", "promote", "hello=3", "--from", "staging", "--to", "main", code=3)
    assert "it has the versions 1.1, 1.0" in refused["error"]["details"]
    done = shell.run("repository", "promote", "hello=1.0", "--from", "staging", "--to", "main", "--why", "proven")
    assert done["changed"]
    (shown,) = shell.run("repository", "show", "main")["repository"]["packages"]
    file = shell.directory / "hello_1.0_all.deb"
    assert (shown["version"], shown["sha256"]) == ("1.0", hashlib.sha256(file.read_bytes()).hexdigest())
    assert shell.run("repository", "history", "main")["states"][0]["why"] == "promoted from staging: proven"
    again = shell.run("repository", "promote", "hello=1.0", "--from", "staging", "--to", "main")
    assert again["changed"] is False
    same = shell.run("repository", "promote", "hello=1.0", "--from", "main", "--to", "main", code=2)
    assert same["error"]["brief"] == "a promotion goes from one repository to another"
    unsaid = shell.run("repository", "promote", "hello", "--from", "staging", "--to", "main", code=2)
    assert unsaid["error"]["resolution"] == "Say NAME=VERSION."


def test_what_the_source_serves_must_be_what_its_index_says(shell: Shell) -> None:
    publish(shell, "staging", "hello", "1.0")
    (file,) = (shell.directory / "staging" / "public" / "pool").glob("**/*.deb")
    content = file.read_bytes()
    file.unlink()  # a link to aptly's own
    file.write_bytes(content[:-1] + b"x")
    refused = shell.run("repository", "promote", "hello=1.0", "--from", "staging", "--to", "main", code=4)
    assert "is not what the index of 'staging' says" in refused["error"]["brief"]
    assert not (shell.directory / "aptly" / "db").exists()
    url = shell.run("repository", "show", "staging")["repository"]["url"]
    assert httpx.get(f"{url}/dists/bookworm/InRelease").status_code == 200
