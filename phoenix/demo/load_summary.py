"""What a load generator counts, and the JSON file it writes it to."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FAILURES_TOLD = 1000
"""Failed requests that are told one by one; all are counted."""
ANSWERS_TOLD = 50
"""Different answers that are counted apart; any further ones are counted under OTHER."""
OTHER = "(other)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A failed request: seconds after the start of the load, and why."""

    second: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Second:
    """One second of the load: requests that ended in it, and who answered how many."""

    second: int
    failed: int
    answers: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A load so far. Times in seconds. `sent` is `answered + failed`, and those under way until `done`."""

    url: str
    rate: float
    started: str
    """RFC 3339."""
    seconds: float
    sent: int
    answered: int
    """Answers with a status of 200 to 299."""
    failed: int
    skipped: int
    """Requests that were never sent, because the generator itself had no processor for over a second."""
    p50: float
    """Latency that half of the answers stayed within, from the moment a request was due; within 2 %."""
    p99: float
    max: float
    answers: Mapping[str, int]
    """How often each different answer came."""
    timeline: tuple[Second, ...]
    failures: tuple[Failure, ...]
    done: bool
    """Whether the generator has ended, with nothing under way."""


class Tally:
    """Counts what happens; time is told to it, in seconds after the start."""

    def __init__(self, url: str, rate: float, started: str) -> None:
        self._fixed: dict[str, Any] = {"url": url, "rate": rate, "started": started}
        self._sent = self._answered = self._failed = self._skipped = 0
        self._latencies: Counter[int] = Counter()
        self._max = 0.0
        self._answers: Counter[str] = Counter()
        self._seconds: dict[int, Counter[str]] = {}
        self._failed_in: Counter[int] = Counter()
        self._failures: list[Failure] = []

    def sent(self) -> None:
        """A request was begun."""
        self._sent += 1

    def skipped(self, count: int) -> None:
        """So many requests were not sent at all."""
        self._skipped += count

    def answered(self, second: float, latency: float, answer: str) -> None:
        """A good answer came."""
        known = answer if answer in self._answers or len(self._answers) < ANSWERS_TOLD else OTHER
        self._answered += 1
        self._latencies[_bucket(latency)] += 1
        self._max = max(self._max, latency)
        self._answers[known] += 1
        self._seconds.setdefault(int(second), Counter())[known] += 1

    def failed(self, second: float, reason: str) -> None:
        """A request failed."""
        self._failed += 1
        self._failed_in[int(second)] += 1
        if len(self._failures) < FAILURES_TOLD:
            self._failures.append(Failure(second=round(second, 3), reason=reason))

    def summary(self, seconds: float, *, done: bool) -> Summary:
        """Everything so far."""
        timeline = tuple(
            Second(second=second, failed=self._failed_in[second], answers=dict(self._seconds.get(second, {})))
            for second in sorted(self._seconds.keys() | self._failed_in.keys())
        )
        return Summary(
            **self._fixed,
            seconds=round(seconds, 3),
            sent=self._sent,
            answered=self._answered,
            failed=self._failed,
            skipped=self._skipped,
            p50=self._quantile(0.50),
            p99=self._quantile(0.99),
            max=round(self._max, 6),
            answers=dict(sorted(self._answers.items())),
            timeline=timeline,
            failures=tuple(self._failures),
            done=done,
        )

    def _quantile(self, part: float) -> float:
        wanted, seen = math.ceil(part * self._answered), 0
        for bucket in sorted(self._latencies):
            seen += self._latencies[bucket]
            if seen >= wanted:
                return min(round(_upper(bucket), 6), round(self._max, 6))
        return 0.0


_STEP = math.log(1.02)


def _bucket(latency: float) -> int:
    """Latencies within 2 % of each other are counted together, so that an hour takes no more room than a second."""
    return math.ceil(math.log(max(latency, 1e-6)) / _STEP)


def _upper(bucket: int) -> float:
    return math.exp(bucket * _STEP)


def write(path: Path, summary: Summary) -> None:
    """Write the summary so that a reader sees the former or this one, never a half."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(asdict(summary)))
    new.replace(path)


def read(path: Path) -> Summary | None:
    """The summary in `path`; None where none was written yet."""
    try:
        facts = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    facts["timeline"] = tuple(Second(**second) for second in facts["timeline"])
    facts["failures"] = tuple(Failure(**failure) for failure in facts["failures"])
    return Summary(**facts)
