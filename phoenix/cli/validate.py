"""`phoenix validate`: every mistake of the project at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.errors import SpecError

if TYPE_CHECKING:
    from phoenix.spec.mistakes import Mistake

app = command_app()


@command(app, "phoenix validate", "phoenix validate -C shop --json")
def validate(ctx: typer.Context) -> None:
    """Report every mistake of phoenix.yaml, its playbooks and its templates at once; change nothing."""
    from phoenix.cli.inspection import inspect
    from phoenix.spec.cautions import warnings
    from phoenix.spec.mistakes import MistakesError

    session = session_of(ctx)
    try:
        project = session.project
    except MistakesError as error:
        session.out.evidence({"mistakes": [_as_data(error.file, mistake) for mistake in error.mistakes]})
        raise
    cautions = warnings(project)
    for caution in cautions:
        session.out.warn(caution)
    wrong = inspect(project, session.out.say)
    if wrong:
        session.out.evidence({"mistakes": [{"file": "", "line": 0, "path": "", "what": what} for what in wrong]})
        raise SpecError(
            f"{len(wrong)} mistakes in the project" if len(wrong) > 1 else "a mistake in the project",
            details="\n".join(wrong),
            resolution="Correct what is listed; nothing was done.",
        )
    session.out.result({"file": str(project.file), "warnings": list(cautions)}, f"{project.file}: no mistakes")


def _as_data(file: Path, mistake: Mistake) -> dict[str, str | int]:
    return {"file": str(file), "line": mistake.line, "path": mistake.path, "what": mistake.what}
