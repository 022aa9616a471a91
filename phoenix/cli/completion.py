"""What a shell completes beside commands and options: names from phoenix.yaml, the record and the local cloud.

Only looks, starts nothing, and never fails: who presses Tab wants names or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.cli.session import Session

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

RUNS = 30
"""How many runs are offered, the newest."""


def services(incomplete: str) -> list[str]:
    """The services of the project."""
    return _offered(incomplete, _services)


def services_and_runs(incomplete: str) -> list[str]:
    """The services of the project and the ids of its newest runs."""
    return _offered(incomplete, _services, _runs)


def groups(incomplete: str) -> list[str]:
    """The groups of the local clouds."""
    return _offered(incomplete, _groups)


def environments(incomplete: str) -> list[str]:
    """The environments of all services."""
    return _offered(incomplete, _environments)


def _offered(incomplete: str, *sources: Callable[[Wiring], Iterator[str]]) -> list[str]:
    found: list[str] = []
    try:
        wiring = _wiring()
        for source in sources:
            found += [name for name in source(wiring) if name.startswith(incomplete)]
    except Exception:  # a shell that completes has no place for an error: what was found so far is offered
        return found
    return found


def _wiring() -> Wiring:
    from phoenix.cli.wiring import Wiring

    return Wiring(Session(wanted_directory=_directory(os.environ.get("COMP_WORDS", "").split())))


def _directory(words: list[str]) -> Path | None:
    """The project that the command line names so far."""
    named = [after for word, after in pairwise(words) if word in ("-C", "--project")]
    return Path(named[-1]) if named else None


def _services(wiring: Wiring) -> Iterator[str]:
    yield from sorted(wiring.project.services)


def _environments(wiring: Wiring) -> Iterator[str]:
    yield from sorted({name for service in wiring.project.services.values() for name in service.environments})


def _runs(wiring: Wiring) -> Iterator[str]:
    """From a state on this machine only: a bucket answers too slowly for a key press."""
    if "://" not in wiring.project.state and (wiring.project.state_directory / "state.db").exists():
        yield from (run.id for run in islice(wiring.history.newest(lambda _trouble: None), RUNS))


def _groups(wiring: Wiring) -> Iterator[str]:
    from phoenix.clouds.local.group_files import GroupFiles
    from phoenix.spec.clouds import LocalCloud

    for spec in wiring.project.clouds.values():
        if isinstance(spec, LocalCloud):
            yield from GroupFiles(spec.root).names()
