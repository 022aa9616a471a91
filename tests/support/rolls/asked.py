"""What a roll asks of a cloud, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from functools import partial


def by_step(
    steps: Iterable[str],
    meddle: MutableMapping[str, Callable[[], object]],
    asked: Callable[[], list[str]],
    roll: Callable[[], object],
) -> dict[str, list[str]]:
    """The calls of each step that began in this roll, in their order. `asked`: all calls up to now, by name."""
    began: dict[str, int] = {}

    def note(step: str) -> None:
        began[step] = len(asked())

    meddle.update({step: partial(note, step) for step in steps})
    roll()
    called = asked()
    ends = [*list(began.values())[1:], len(called)]
    return {step: called[start:end] for (step, start), end in zip(began.items(), ends, strict=True)}
