"""A desk at which whole commands are tried: the real command line, store and repository, and a cloud in memory.

Each `run` is what a new process would do. Time moves only by waiting, so a test can let things happen meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli import app
from phoenix.clock import Clock
from phoenix.execute.children import Ended, Hear
from phoenix.execute.ownership import OwnedRun, this_process
from phoenix.orders.clouds import Clouds
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan, to_json
from phoenix.record import journal
from phoenix.record.history import History
from phoenix.record.journal import Owner, Run
from phoenix.record.sqlite import SqliteStore
from phoenix.record.store import Store
from phoenix.tell import Level, Teller, Told, nobody
from phoenix.tools.aptly_root import Root
from phoenix.wait import Look, Verdict
from tests.support.fakes.cloud import FakeCloud
from tests.support.fakes.doubles import FakeClock
from tests.support.fakes.manners import AWS

SUBJECT = "web-tier/local"
PROJECT = """\
version: 1
project: hello
clouds:
  local: {{kind: local}}
repositories:
  main: {{distribution: bookworm, root: aptly, url: "{url}", sign: none}}
images:
  os:
    debian-12: {{base: {{local: bookworm}}, playbook: base.yml}}
  foundation:
    nodejs: {{os: debian-12, playbook: stack.yml}}
  immutable:
    hello: {{foundation: nodejs, packages: [hello]}}
services:
  web-tier:
    image: foundation/nodejs
    packages: [hello]
    port: 8080
    health: {{path: /healthz, healthy_after: 2s, deadline: 60s}}
    drain: 10s
    environments:
      local:
        cloud: local
        size: 2
        load_balancer: {{listen: 127.0.0.1:8000}}
        strategy: {{kind: blue-green, keep: 30m}}
"""
PLAYBOOK = "- hosts: all\n  tasks: []\n"


@dataclass
class Desk:
    """A project with a published repository, one image, and a cloud in memory."""

    directory: Path
    capsys: pytest.CaptureFixture[str]
    clock: FakeClock = field(default_factory=FakeClock)
    said: str = ""
    """What the last command told on stderr."""
    clouds: Clouds | None = None
    """What opens a cloud, instead of the one in memory."""
    shared: Store | None = None
    """A state that other computers see as well, instead of the project's own."""

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock)
        self.door = self.cloud.door
        self.images = self.cloud.images
        self.root = Root(path=self.directory / "aptly")

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The JSON object of a command, which must end with exit code `code`."""
        self.capsys.readouterr()
        ended = app.run(["-C", str(self.directory), *arguments, "--json"], opener=self.open)
        out, self.said = self.capsys.readouterr()
        assert ended == code, f"exit {ended}: {out}\n{self.said}"
        assert "Traceback" not in self.said
        result: dict[str, Any] = json.loads(out)
        assert result["ok"] is (code == 0)
        return result

    def page(self, *arguments: str, code: int = 0) -> str:
        """What a command prints for people; it must end with exit code `code`."""
        self.capsys.readouterr()
        assert app.run(["-C", str(self.directory), *arguments], opener=self.open) == code
        out, self.said = self.capsys.readouterr()
        return out

    def open(self, file: Path, environment: Mapping[str, str], teller: Teller = nobody) -> Site:
        """The project as an order sees it: with the clock and the cloud in memory."""
        site = Site.open(
            file,
            environment,
            teller,
            clock=self.clock,
            clouds=self.clouds or (lambda *_cloud: self.door),
            ask=self._ask,
            apart=self._apart,
        )
        if self.shared is not None:
            site.store = self.shared
        return site

    def _apart(
        self, commands: Mapping[str, tuple[str, ...]], *, environment: Mapping[str, str], clock: Clock, hear: Hear
    ) -> Mapping[str, Ended]:
        """One after the other, in this process."""
        ended = {}
        for name, words in commands.items():
            out, told = StringIO(), StringIO()
            with redirect_stdout(out), redirect_stderr(told):
                code = app.run(words, opener=self.open)
            for line in told.getvalue().splitlines():
                hear(name, Told(level=Level.SAY, text=line))
            ended[name] = Ended(code=code, result=out.getvalue())
        return ended

    def _ask(self, url: str, *, clock: Clock, status: int = 200) -> Look:
        return Look(verdict=Verdict.PASS, seen=f"{url} answers {status}")

    def roll(self, version: str = "1.0.0", *options: str, code: int = 0) -> dict[str, Any]:
        """Roll the image and that version of the package."""
        return self.run("roll", "web-tier", "--image", "image-1", "--package", f"hello={version}", *options, code=code)

    def refused(self, *arguments: str, code: int = 3) -> dict[str, str]:
        """The error of a command, told in three sentences."""
        error: dict[str, str] = self.run(*arguments, code=code)["error"]
        assert error["brief"]
        assert error["details"]
        assert error["resolution"]
        return error

    def edit(self, old: str, new: str) -> None:
        """Change phoenix.yaml."""
        file = self.directory / "phoenix.yaml"
        assert old != new
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    @property
    def spec(self) -> str:
        """The text of phoenix.yaml."""
        return (self.directory / "phoenix.yaml").read_text()

    def on_aws(self, *keys: str) -> None:
        """The service's cloud is an AWS region: phoenix.yaml says so, and the cloud in memory behaves so.

        `keys` are added to the environment. What is published is read at this computer all the same.
        """
        self.edit("base: {local: bookworm}", "base: {local: bookworm, aws: '1/debian'}")
        self.edit(
            "  local: {kind: local}", "  local: {kind: aws, region: eu-west-1, subnets: [a]}\n  here: {kind: local}"
        )
        url = next(line for line in self.spec.splitlines() if "url: " in line).split('"')[1]
        self.edit(f'url: "{url}"', f'url: {{here: "{url}", local: "https://apt.acme.internal"}}')
        balancer = "load_balancer: {listen: 127.0.0.1:8000}"
        self.edit(balancer, "\n        ".join(["load_balancer: {listener: arn}", "machine: {type: t3.small}", *keys]))
        self.cloud.kind = AWS

    def publish(self, *versions: str, contents: str = "") -> None:
        """Make these the versions of the package hello in the repository, as apt would read it."""
        names = [(version, hashlib.sha256(f"{version}{contents}".encode()).hexdigest()) for version in versions]
        paragraphs = [
            f"Package: hello\nVersion: {version}\nArchitecture: all\nSHA256: {digest}\n" for version, digest in names
        ]
        index = "\n".join(paragraphs).encode()
        dists = self.root.public / "dists" / "bookworm"
        (dists / "main" / "binary-amd64").mkdir(parents=True, exist_ok=True)
        (dists / "main" / "binary-amd64" / "Packages").write_bytes(index)
        line = f" {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages\n"
        (dists / "Release").write_text(f"Suite: bookworm\nSHA256:\n{line}")

    @property
    def store(self) -> SqliteStore:
        return SqliteStore(self.directory / ".phoenix" / "state.db")

    @property
    def history(self) -> History:
        return History(self.store)

    @property
    def shares(self) -> dict[str, int]:
        return {group: share for group, share in self.cloud.shares.items() if share}

    def begin(self, kind: str = "roll", plan: Plan[Any] | None = None, subject: str = SUBJECT) -> OwnedRun:
        """A run of the subject that a living process (this one) has begun and works on."""
        data = to_json(plan or Plan(subject=subject, why="a test's own"))
        return OwnedRun.begin(self.store, self.clock, kind=kind, subject=subject, plan=data)

    def owner(self, owner: Owner, subject: str = SUBJECT) -> Run:
        """Make it somebody else's run."""
        key = journal.live_key(subject)
        value = self.store.get(key)
        assert value is not None
        run = replace(journal.load(value.data), owner=owner)
        self.store.put_if(key, journal.dump(run), value.tag)
        return run

    def bury(self, subject: str = SUBJECT) -> Run:
        """The process that works on the live run has died."""
        return self.owner(replace(this_process(1), pid=2**22 + 1), subject)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The url at which a real web server shows the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def desk_in(directory: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk with hello 1.0.0, 2.0.0 and 3.0.0 published; nothing serves yet."""
    desk = Desk(directory=directory, capsys=capsys)
    with served(desk.root.public) as url:
        desk.root.prepare()
        (directory / "phoenix.yaml").write_text(PROJECT.format(url=url))
        (directory / "playbooks").mkdir()
        for name in ("base.yml", "stack.yml"):
            (directory / "playbooks" / name).write_text(PLAYBOOK)
        desk.publish("1.0.0", "2.0.0", "3.0.0")
        desk.images.put("image-1")
        for variable in ("CI", "BUILD_URL", "PHOENIX_PROJECT"):
            patch.delenv(variable, raising=False)
        yield desk
