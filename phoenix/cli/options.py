"""Arguments and options that several commands declare alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli import completion

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
