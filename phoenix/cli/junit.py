"""A JUnit report, so that Jenkins shows the steps of a roll, or the layers and tests of a bake, as tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer

from phoenix.cli.session import Session
from phoenix.cli.text.cases import Case, cases_of, cases_of_layers
from phoenix.errors import PhoenixError, SpecError
from phoenix.orders.facts import dump

if TYPE_CHECKING:  # a publication's report needs no bakes
    from phoenix.orders.bake import BakeResult
    from phoenix.orders.facts import RunFacts


class HasRun(Protocol):
    """A result that names its run."""

    @property
    def run(self) -> str | RunFacts | None:
        """The run, or its id; None where none was needed."""
        ...


R = TypeVar("R", bound=HasRun)
File = Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report into this file.")]

_CONTROL = r"[^\t\n\r -\ud7ff\ue000-\ufffd]"
"""Characters that XML 1.0 cannot hold, such as a console's escape. Compiled (4 ms) where a report is written alone."""


def write(file: Path, suite: str, cases: tuple[Case, ...]) -> None:
    """Write the report."""
    import xml.etree.ElementTree as ET

    failures = sum(1 for case in cases if case.failure)
    root = ET.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(failures))
    for case in cases:
        element = ET.SubElement(root, "testcase", classname=suite, name=case.name, time=f"{case.seconds:.1f}")
        if case.failure:
            ET.SubElement(
                element, "failure", message=re.sub(_CONTROL, "?", case.failure.splitlines()[0])
            ).text = re.sub(_CONTROL, "?", case.failure)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def refuse_unwritable(file: str | None) -> None:
    """SpecError where no report could be written there: said before the work, not after it."""
    if file is not None and (not file or Path(file).is_dir() or not Path(file).absolute().parent.is_dir()):
        raise SpecError(
            f"no report can be written to '{file}'",
            details="it is a directory, or not in a directory that is there",
            resolution="Name a file in a directory that is there, with --junit.",
        )


def of_run(session: Session, file: str | None, kind: str, work: Callable[[], R]) -> R:
    """What `work` gives; the report of its run, or of the run that its error knows, is written however it ends."""
    run: str | None = None
    try:
        done = work()
        run = done.run if isinstance(done.run, str | None) else done.run.id
    except PhoenixError as error:
        run = error.facts.get("run")
        raise
    else:
        return done
    finally:
        if file is not None and run is not None:
            _try(session, file, lambda: _run_report(session, str(run), kind))


def of_layers(session: Session, file: str | None, work: Callable[[], BakeResult]) -> BakeResult:
    """What `work` gives; the report of its layers, or of those that its error knows, is written however it ends."""
    layers: Sequence[Mapping[str, Any]] = ()
    tests: Sequence[Mapping[str, Any]] = ()
    failure = ""
    try:
        done = work()
        layers = dump(done)["layers"]
    except PhoenixError as error:
        layers, tests, failure = error.facts.get("layers", ()), error.facts.get("tests", ()), str(error)
        raise
    else:
        return done
    finally:
        if file is not None:
            _try(session, file, lambda: ("phoenix bake", cases_of_layers(layers, failure, tests)))


def _run_report(session: Session, run_id: str, kind: str) -> tuple[str, tuple[Case, ...]]:
    from phoenix.orders import history  # a bake's report needs no record

    run = history.show(session.site, run_id).run
    return f"phoenix {kind} {run.subject}", cases_of(run.events)


def _try(session: Session, file: str, report: Callable[[], tuple[str, tuple[Case, ...]]]) -> None:
    """Write the report. That it cannot be written is told and changes nothing about how the work ended."""
    try:
        write(Path(file), *report())
    except (PhoenixError, OSError) as error:
        session.out.warn(f"the report {file} could not be written: {error}")
