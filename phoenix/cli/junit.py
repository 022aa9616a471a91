"""A JUnit report, so that Jenkins shows the steps of a bake or a roll as tests."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import from_rfc3339
from phoenix.errors import PhoenixError, SpecError
from phoenix.record.journal import Run, What

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring


_CONTROL = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd]")
"""Characters that XML 1.0 cannot hold, such as a console's escape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One step: how long it took in seconds, and why it failed (empty: it did not)."""

    name: str
    seconds: float = 0.0
    failure: str = ""


def cases_of(run: Run) -> tuple[Case, ...]:
    """A case per step that began, and one for what went wrong."""
    cases: list[Case] = []
    began: dict[str, str] = {}
    for event in run.events:
        name = f"{event.part}.{event.step}"
        if event.what is What.INTENT:
            began[name] = event.at
        elif event.what is What.OUTCOME:
            started = began.pop(name, event.at)
            cases.append(Case(name=name, seconds=(from_rfc3339(event.at) - from_rfc3339(started)).total_seconds()))
        elif event.what is What.ERROR:
            failed = next(iter(began), f"{event.part}")
            began.pop(failed, None)
            cases.append(Case(name=failed, failure=f"{event.data.get('brief')}\n{event.data.get('details')}"))
    return tuple(cases)


def write(file: Path, suite: str, cases: tuple[Case, ...]) -> None:
    """Write the report."""
    failures = sum(1 for case in cases if case.failure)
    root = ET.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(failures))
    for case in cases:
        element = ET.SubElement(root, "testcase", classname=suite, name=case.name, time=f"{case.seconds:.1f}")
        if case.failure:
            ET.SubElement(
                element, "failure", message=_CONTROL.sub("?", case.failure.splitlines()[0])
            ).text = _CONTROL.sub("?", case.failure)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def refuse_unwritable(file: str | None) -> None:
    """SpecError where no report could be written there: said before the work, not after it."""
    if file is not None and (not file or Path(file).is_dir() or not Path(file).absolute().parent.is_dir()):
        raise SpecError(
            f"no report can be written to '{file}'",
            details="it is a directory, or not in a directory that is there",
            resolution="Name a file in a directory that is there, with --junit.",
        )


@contextmanager
def written(file: str | None, wiring: Wiring, subject: str) -> Iterator[None]:
    """Write the report of the subject's newest run when the block ends, well or not."""
    if file is None:
        yield
        return
    before = _newest(wiring, subject)
    try:
        yield
    finally:
        try:
            newest = _newest(wiring, subject)
            if newest is not None and (before is None or newest.id != before.id):
                write(Path(file), f"phoenix {newest.kind} {subject}", cases_of(newest))
        except (PhoenixError, OSError) as error:  # how the run ended is not changed by that
            wiring.session.out.warn(f"the report {file} could not be written: {error}")


def _newest(wiring: Wiring, subject: str) -> Run | None:
    runs = wiring.history.newest(lambda trouble: wiring.session.out.warn(trouble.details))
    return next((run for run in runs if run.subject == subject), None)
