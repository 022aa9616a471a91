"""The cases of a JUnit report: the steps of a run, the layers and tests of a bake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.clock import from_rfc3339

if TYPE_CHECKING:  # the report of a bake needs no record
    from phoenix.orders.history import EventFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One step: how long it took in seconds, and why it failed (empty: it did not)."""

    name: str
    seconds: float = 0.0
    failure: str = ""


def cases_of(events: Sequence[EventFacts]) -> tuple[Case, ...]:
    """A case per step that began, and one for what went wrong."""
    cases: list[Case] = []
    began: dict[str, str] = {}
    for event in events:
        name = f"{event.part}.{event.step}"
        if event.what == "intent":
            began[name] = event.at
        elif event.what == "outcome":
            started = began.pop(name, event.at)
            cases.append(Case(name=name, seconds=(from_rfc3339(event.at) - from_rfc3339(started)).total_seconds()))
        elif event.what == "error":
            failed = next(iter(began), f"{event.part}")
            began.pop(failed, None)
            cases.append(Case(name=failed, failure=f"{event.data.get('brief')}\n{event.data.get('details')}"))
    return tuple(cases)


def cases_of_layers(
    layers: Sequence[Mapping[str, Any]], failure: str, tests: Sequence[Mapping[str, Any]] = ()
) -> tuple[Case, ...]:
    """A case per layer and per test of it, and one for what went wrong. `tests`: of an image that did not pass them."""
    cases = [Case(name=f"{layer['cloud']}: {layer['image']}", seconds=layer["seconds"]) for layer in layers]
    cases += [Case(name=f"{layer['image']}: {test['name']}") for layer in layers for test in layer["tests"]]
    cases += [Case(name=f"{test['image']}: {test['name']}", failure=_broken(test)) for test in tests]
    return (*cases, *([Case(name="bake", failure=failure)] if failure else []))


def _broken(test: Mapping[str, Any]) -> str:
    """Why a test of an image failed; empty where it did not."""
    return "" if test["ok"] else f"it did not exit 0\n{test['output']}".rstrip()
