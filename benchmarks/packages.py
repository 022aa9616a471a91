"""Publishing: `phoenix publish` beside bare `aptly repo add` and a signed `aptly publish update`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import BIN
from benchmarks.measure import run, say, take_turns, variables
from benchmarks.report import Figure, Limit
from phoenix.tools import deb
from phoenix.tools.deb import Control

ONES, MANY, ROUNDS = 7, 800, 3
"""Rounds of one package; packages of a large publication, and its rounds."""
SPEC = """\
version: 1
project: bench
clouds:
  local: {{kind: local}}
repositories:
  main: {{distribution: bookworm, root: aptly, url: "http://127.0.0.1:{port}"}}
"""


class Bare:
    """A repository as a person keeps it by hand: aptly's command line and a key of its own."""

    def __init__(self, directory: Path, first: Path) -> None:
        self.home = directory / "g"
        self.home.mkdir(parents=True, mode=0o700)
        self.config = directory / "aptly.json"
        settings = {"rootDir": str(directory), "gpgProvider": "gpg2", "skipContentsPublishing": True}
        self.config.write_text(json.dumps({**settings, "architectures": ["all", "amd64"]}))
        with variables({"GNUPGHOME": str(self.home)}):
            run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "bench", "ed25519", "sign", "never")
            self._aptly("repo", "create", "-distribution=bookworm", "bench")
            self._aptly("repo", "add", "bench", str(first))
            self._aptly("publish", "repo", "-batch", "bench")

    def publish(self, *files: Path) -> None:
        """Add the files and sign the index anew."""
        with variables({"GNUPGHOME": str(self.home)}):
            self._aptly("repo", "add", "bench", *map(str, files))
            self._aptly("publish", "update", "-batch", "bookworm")

    def end(self) -> None:
        """End the agent of its key."""
        run("gpgconf", "--homedir", str(self.home), "--kill", "gpg-agent")

    def _aptly(self, *arguments: str) -> None:
        run("aptly", f"-config={self.config}", *arguments)


class Ours:
    """A project of phoenix with a repository."""

    def __init__(self, directory: Path, first: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            (directory / "phoenix.yaml").write_text(SPEC.format(port=probe.getsockname()[1]))
        self.publish(first)

    def publish(self, *files: Path) -> None:
        """Publish the files: checked, added, signed, shown, read back."""
        self._phoenix("publish", *map(str, files))

    def end(self) -> None:
        """End its web server."""
        self._phoenix("down", "--yes", "--force")

    def _phoenix(self, *arguments: str) -> None:
        run(str(BIN / "phoenix"), "-C", str(self.directory), *arguments, "--json")


def figures(directory: Path) -> tuple[list[Figure], list[Limit]]:
    """What many packages in one call take, and by how much one takes longer than by hand."""
    say(f"preparing {MANY} packages")
    directory = directory / "packages"
    first, *files = _packages(directory / "debs", MANY + 1)
    by_hand = [Bare(directory / f"bare-{number}", first) for number in range(ROUNDS + 1)]
    ours = [Ours(directory / f"ours-{number}", first) for number in range(ROUNDS + 1)]
    try:
        hand, mine = iter(by_hand[1:]), iter(ours[1:])
        many = take_turns(
            ROUNDS, {"aptly": lambda: next(hand).publish(*files), "phoenix": lambda: next(mine).publish(*files)}
        )
        one, other = iter(files), iter(files)
        single = take_turns(
            ONES, {"aptly": lambda: by_hand[0].publish(next(one)), "phoenix": lambda: ours[0].publish(next(other))}
        )
    finally:
        for bare in by_hand:
            bare.end()
        for project in ours:
            project.end()
    figure = Figure(
        name=f"publish of {MANY} packages in one call",
        phoenix=many["phoenix"],
        beside="bare `aptly repo add` and a signed `publish update`",
        other=many["aptly"],
        must=3,
        aim=2,
    )
    more = tuple(mine - hand for mine, hand in zip(single["phoenix"].seconds, single["aptly"].seconds, strict=True))
    name = "publish of one package, longer than bare aptly by"
    return [figure], [Limit(name=name, seen=more, unit="s", must=1.0, aim=0.4)]


def _packages(directory: Path, count: int) -> Iterator[Path]:
    """So many small packages."""
    for number in range(count):
        tree = directory / f"tree-{number}"
        tree.mkdir(parents=True)
        (tree / "content").write_text(f"{number}\n")
        control = Control(name=f"package-{number}", version="1.0", description="a package of a benchmark")
        yield deb.build(tree, f"/usr/share/package-{number}", control, directory)
