"""A repository on a bench: a project in a directory, packages to publish, and the processes that belong to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.errors import ToolError
from phoenix.execute import publication
from phoenix.execute.engine import Context, Engine, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.execute.perform.publish import World
from phoenix.execute.publication import Change, Publication
from phoenix.execute.repositories import Writer, repository_here
from phoenix.model import Repository
from phoenix.plan.publish import Needs
from phoenix.plan.publish_actions import PublishAction
from phoenix.record.sqlite import SqliteStore
from phoenix.spec.repositories import RepositorySpec
from phoenix.tools import apt_index, deb, serve
from phoenix.tools.aptly_root import Root
from phoenix.tools.deb import Control
from tests.support.real.ports import free_port

SERVER = "phoenix.tools.serve"


def make_deb(directory: Path, name: str, version: str, *, content: str = "", architecture: str = "all") -> Path:
    """A small package that installs one file, in `directory`."""
    tree = directory / "trees" / f"{name}-{version}"
    tree.mkdir(parents=True, exist_ok=True)
    (tree / "version").write_text(f"{version} {content}\n")
    control = Control(name=name, version=version, description="a test package", architecture=architecture)
    return deb.build(tree, f"/usr/share/{name}", control, directory)


class Ahead(SystemClock):
    """The system's clock, set forward by so many seconds for people (waits are as long as ever)."""

    ahead = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailingWorld(World):
    """The real world, where one step fails."""

    at: str
    after: bool

    def perform(self, action: PublishAction, context: Context) -> Outcome:
        if self.at == context.step and not self.after:
            raise ToolError("failed before it")
        done = World.perform(self, action, context)
        if self.at == context.step:
            raise ToolError("failed after it")
        return done


@dataclass(frozen=True, kw_only=True, slots=True)
class ActingWorld(World):
    """The real world, where something happens before one step."""

    at: str
    act: Callable[[], None]

    def perform(self, action: PublishAction, context: Context) -> Outcome:
        if self.at == context.step:
            self.act()
        return World.perform(self, action, context)


class Bench:
    """A repository of its own, driven in this process, with the real aptly, GnuPG and web server."""

    def __init__(self, directory: Path, *, sign: str = "auto", root: Path | None = None, path: str = "") -> None:
        self.directory = directory
        self.spec = RepositorySpec(
            name="main",
            distribution="bookworm",
            root=root or directory / "aptly",
            url=f"http://127.0.0.1:{free_port()}{path}",
            sign=sign,
            keep=5,
        )
        self.clock = Ahead()
        self.store = SqliteStore(directory / "state.db")
        self.said: list[str] = []
        self.writer = Writer(self.spec, clock=self.clock, say=self.said.append, environment=os.environ)
        self.world = World(writers={"main": self.writer}, clock=self.clock)
        self.performer: Performer[PublishAction] = self.world

    @property
    def root(self) -> Root:
        """The directory that aptly lives in."""
        return self.writer.root

    @property
    def here(self) -> Repository:
        """The repository as this computer reaches it."""
        return repository_here(self.spec)

    def fail(self, at: str, *, after: bool) -> None:
        """From now on one step fails, before or after it is done."""
        self.performer = FailingWorld(writers=self.world.writers, clock=self.clock, at=at, after=after)

    def mend(self) -> None:
        """From now on none does."""
        self.performer = self.world

    def before(self, at: str, act: Callable[[], None]) -> None:
        """From now on something happens before one step."""
        self.performer = ActingWorld(writers=self.world.writers, clock=self.clock, at=at, act=act)

    def signing(self, sign: str) -> None:
        """Change `sign` in the spec."""
        self.use(replace(self.spec, sign=sign))

    def use(self, spec: RepositorySpec) -> None:
        """Go on with another spec."""
        self.spec = spec
        self.writer = Writer(self.spec, clock=self.clock, say=self.said.append, environment=os.environ)
        self.world = World(writers={"main": self.writer}, clock=self.clock)
        self.performer = self.world

    @property
    def change(self) -> Change:
        """What a change of the repository needs besides its plan."""
        engine = Engine(
            performer=self.performer,
            changes_traffic=False,
            clock=self.clock,
            logs=self.directory / "runs",
            tell=lambda told: self.said.append(told.text),
        )
        return Change(
            engine=engine, store=self.store, clock=self.clock, say=self.said.append, tend=lambda: (), why="a test's"
        )

    def publish(self, *files: Path, replace: Needs | None = None) -> Publication:
        """Publish the files as `phoenix publish` does."""
        return publication.publish(self.writer, publication.checked(files), self.change, replace=replace)

    def shown(self) -> list[str]:
        """`name version` of what machines see."""
        return [f"{found.name} {found.version}" for found in apt_index.fetch(self.here)]

    def kept(self) -> list[str]:
        """`name version` of what is in the repository."""
        with self.writer.held():
            return [f"{found.name} {found.version}" for found in self.writer.state().packages]

    def close(self) -> None:
        """End what was started."""
        serve.stop(self.root)
        self.store.close()


@contextmanager
def bench(directory: Path, **options: str | Path) -> Iterator[Bench]:
    """A bench in `directory`, put away at the end."""
    made = Bench(directory, **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def write_project(directory: Path, *, port: int, sign: str = "auto") -> Path:
    """A phoenix.yaml with one repository, in `directory`; gives the repository's root."""
    directory.mkdir(exist_ok=True)
    (directory / "phoenix.yaml").write_text(
        "version: 1\nproject: bench\nclouds:\n  local: {kind: local}\n"
        f"repositories:\n  main: {{distribution: bookworm, root: aptly, url: http://127.0.0.1:{port}, sign: {sign}}}\n"
    )
    return directory / "aptly"


def phoenix(project: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `phoenix` on the project, both streams in pipes."""
    argv = [sys.executable, "-m", "phoenix", *arguments, "-C", str(project)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process that `phoenix` started."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def processes_of(root: Path) -> list[str]:
    """The command lines of living processes that name the root, or its directory for sockets; no web server."""
    run = root / "run"
    marks = [str(root), *([str(run.readlink())] if run.is_symlink() else [])]
    return [line for line in command_lines() if any(mark in line for mark in marks) and SERVER not in line]


def servers_of(root: Path) -> list[str]:
    """The command lines of living web servers of the root."""
    return [line for line in command_lines() if SERVER in line and str(root) in line]


def command_lines() -> list[str]:
    """The command line of every living process."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def eventually(what: Callable[[], bool], *, within: float = 15.0) -> bool:
    """Whether `what` becomes true within so many seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return what()
