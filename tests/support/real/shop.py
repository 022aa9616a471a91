"""A project whose service lives on an emulated cloud with real machines, behind a balancer that takes real requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.demo import load
from tests.support.real.hello import Hello
from tests.support.real.instant import get
from tests.support.real.shell import Shell
from tests.support.real.story import Asked

RATE = 50
"""Requests a second, through the emulated balancer."""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project, and where its balancer takes requests."""

    shell: Shell
    address: str
    word: str
    """What its balancer says of machines that do not answer, in its own words."""
    service: str = "web-tier"
    layers: tuple[str, ...] = ("os/debian-12", "foundation/nodejs")

    def released(self, version: str, *, broken: bool = False) -> tuple[str, ...]:
        """Publish that version of the app, which crashes where it is broken."""
        hello = Hello(self.shell)
        if broken:
            hello.publish_broken(version)
        else:
            hello.publish(version)
        return ("--package", f"hello={version}")

    def answer(self) -> str:
        """What a client is told now."""
        return get(f"http://{self.address}")[1]

    @contextmanager
    def asking(self, out: Path) -> Iterator[Callable[[], Asked]]:
        """A load through the balancer."""
        url = f"http://{self.address}/"
        with load.running(url, rate=RATE, out=out, clock=SystemClock()) as running:

            def finish() -> Asked:
                told = running.finish()
                failures = tuple(f"{failure.second:.1f} s: {failure.reason}" for failure in told.failures)
                assert len(failures) == min(told.failed, 1000)
                return Asked(sent=told.sent, answered=told.answered, failures=failures)

            yield finish


def write(shell: Shell, text: str) -> None:
    """The project of `phoenix init` in the shell's directory, with `text` as its phoenix.yaml."""
    shell.run("init", str(shell.directory), project=False)
    spec: Path = shell.directory / "phoenix.yaml"
    assert re.search(r"^services:", spec.read_text(), re.MULTILINE)
    spec.write_text(text)
