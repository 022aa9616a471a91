"""How long each step of a run took the last time: in the newest run of its kind, about the same, that was done."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from phoenix import names
from phoenix.clock import from_rfc3339
from phoenix.errors import PhoenixError
from phoenix.record import timeline
from phoenix.record.history import History
from phoenix.record.journal import Part, Run, RunState

LastTimes = Mapping[tuple[Part, str], int]
"""Seconds, by part of the plan and step."""
LOOKED_AT = 5
"""Runs of the kind that are read: a figure to compare with is not worth a whole history in a bucket."""


def last_times(history: History, run: Run) -> LastTimes:
    """The seconds of the steps that were done; empty where no such run was before it, or the record cannot be read."""
    with suppress(PhoenixError):
        for former in islice(history.ended(run.kind), LOOKED_AT):
            before = former.id != run.id and former.started <= run.started
            if before and former.state is RunState.DONE and _thing(former) == _thing(run):
                lines = timeline.steps_of(former, from_rfc3339(former.ended))
                return {(line.part, line.id): line.seconds for line in lines if line.seconds is not None}
    return {}


def _thing(run: Run) -> names.Subject | tuple[str, ...]:
    """What the run is about; an image whatever its content is."""
    return run.about.parts[:-1] if run.about.noun is names.Noun.IMAGE else run.about
