"""Arguments and options that several commands declare alike, and what is looked at in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from phoenix import units
from phoenix.cli import completion
from phoenix.errors import SpecError

Service = Annotated[
    str, typer.Argument(help="The service, as phoenix.yaml names it.", autocompletion=completion.services)
]
ServiceOrRun = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE|RUN", help="A service, or a run's id.", autocompletion=completion.services_and_runs
    ),
]
Environment = Annotated[
    str | None,
    typer.Option(
        "-e", "--environment", help="Not needed where the service has one.", autocompletion=completion.environments
    ),
]
Why = Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the record.")]
PlanOut = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Like --plan, and write the plan as JSON for --from-plan.")
]
FromPlan = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Carry out exactly this plan; refused where the world has changed since."),
]
WaitLock = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Wait so long for another run of the service, then plan anew."),
]
Plan = Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def refuse_together(given: Mapping[str, object]) -> None:
    """SpecError where more than one of these options is given; `given` has each option's value by its name."""
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise SpecError(
            f"{' and '.join(named[:2])} exclude each other",
            details=f"given: {', '.join(named)}",
            resolution="Give one of them.",
        )


def refuse_beside(option: str, value: object, others: Mapping[str, object]) -> None:
    """SpecError where the option is given together with any of the others, which may be given together."""
    for name, other in others.items():
        refuse_together({option: value, name: other})


def duration(option: str, text: str | None) -> float | None:
    """Seconds of a duration given with `option`; None where it was not given. SpecError for anything else."""
    if text is None:
        return None
    try:
        return units.duration(text)
    except ValueError as error:
        raise SpecError(str(error), details=f"that is what {option} says", resolution="Say it like 10m.") from error
