"""What the figures of every emulated cloud have in common: a project there, a roll beside a script, a rollback.

What the emulator takes is in both sides of a ratio. Calls are counted, so they are the same on every machine.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import BIN
from benchmarks.measure import FailedError, Side, run, say, take_turns
from benchmarks.report import Figure, Limit

DRAIN, HEALTHY_AFTER, INTERVAL = 5, 5, 5
"""Seconds, on both sides: what machines that leave are given, how long a machine must have answered, between two of
its checks."""
ROLLBACKS = 3
"""Rounds."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call that a cloud was asked, and when: seconds of the emulator's clock."""

    what: str
    at: float


@dataclass(kw_only=True)
class Account(ABC):
    """A project of phoenix whose service lives in an emulated cloud."""

    project: Path
    address: str
    """Where phoenix's balancer takes requests."""
    releases: int = field(default=0, init=False)

    @abstractmethod
    def asked(self) -> tuple[Asked, ...]:
        """What was asked of the cloud since the last question."""

    @abstractmethod
    def now(self) -> float:
        """What the emulator's clock shows."""

    def phoenix(self, *arguments: str) -> dict[str, Any]:
        """Run phoenix in the project; its result."""
        found: dict[str, Any] = json.loads(run(*self.words(*arguments)))
        return found

    def words(self, *arguments: str) -> tuple[str, ...]:
        """The command line."""
        return (str(BIN / "phoenix"), "-C", str(self.project), *arguments, "--json")

    def next_release(self) -> None:
        """Another release of the same image: another greeting."""
        before, self.releases = self.releases, self.releases + 1
        self.edit(
            "GREETING: Hello" + (f" {before}}}" if before else "}"),
            f"GREETING: Hello {self.releases}}}",
        )

    def edit(self, old: str, new: str) -> None:
        """Change one thing of phoenix.yaml."""
        file = self.project / "phoenix.yaml"
        text = file.read_text()
        if text.count(old) != 1:
            raise FailedError(f"{file} does not have '{old}' once")
        file.write_text(text.replace(old, new))


@dataclass(frozen=True, kw_only=True)
class Words:
    """How the figures of one cloud are called, and what is said of them."""

    cloud: str
    script: str
    roll: str
    calls: str


def rolls(account: Account, script: Callable[[int], object], words: Words, *, rounds: int) -> list[Figure]:
    """A roll of two machines, both sides from a group that serves: in seconds, and in calls.

    `script` rolls from the group of the former number to this one; number 1 is the first.
    """
    script(1)
    account.phoenix("roll", "web-tier")
    seconds: dict[str, list[float]] = {"phoenix": [], "script": []}
    calls: dict[str, list[float]] = {"phoenix": [], "script": []}

    def rolled(side: str, number: int) -> None:
        if side == "script":
            script(number)
        else:
            account.phoenix("roll", "web-tier")

    for number in range(2, rounds + 2):
        account.next_release()
        for side in seconds:
            account.asked()
            seconds[side] += take_turns(1, {side: partial(rolled, side, number)})[side].seconds
            asked = account.asked()
            calls[side].append(len(asked))
            say(f"{side}: {seconds[side][-1]:.1f} s, {len(asked)} calls: {told(asked)}")
    return [
        Figure(
            name=f"roll of 2 machines (emulated {words.cloud})",
            phoenix=Side(seconds=tuple(seconds["phoenix"])),
            beside=words.script,
            other=Side(seconds=tuple(seconds["script"])),
            must=1.1,
            aim=1.05,
            note=words.roll,
        ),
        Figure(
            name=f"the same in calls of {words.cloud}",
            phoenix=Side(seconds=tuple(calls["phoenix"])),
            beside="the same script",
            other=Side(seconds=tuple(calls["script"])),
            must=1.2,
            aim=1.1,
            unit="calls",
            note=words.calls,
        ),
    ]


def rollback(account: Account, cloud: str, writes: Collection[str], note: str) -> Limit:
    """From the start of `phoenix rollback` until the write that moves the traffic, one of `writes`, has come."""
    account.edit("keep: 0s", "keep: 30m")
    account.next_release()
    account.phoenix("roll", "web-tier")
    taken: list[float] = []
    for _round in range(ROLLBACKS):
        former = next(group["name"] for group in account.phoenix("group", "list")["groups"] if not group["share"])
        account.asked()
        began = account.now()
        account.phoenix("rollback", "web-tier", "--to", former)
        write = next(call for call in account.asked() if call.what in writes)
        taken.append(write.at - began)
        say(f"rollback: the write came after {taken[-1]:.2f} s")
    return Limit(
        name=f"rollback within keep ({cloud}), until the write", seen=tuple(taken), unit="s", must=5, aim=3, note=note
    )


def told(calls: Iterable[Asked]) -> str:
    """Which calls they were, the most frequent first."""
    counted = Counter(call.what for call in calls)
    return ", ".join(f"{count} x {what}" for what, count in counted.most_common())
