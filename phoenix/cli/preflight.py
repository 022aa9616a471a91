"""What is looked at before a run begins: nothing here changes anything, and a no ends the command with 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError, SpecError
from phoenix.execute import hooks
from phoenix.model import Place
from phoenix.plan.actions import roll_plan
from phoenix.record.journal import Run
from phoenix.spec import cautions, units
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring


def refuse_unsafe(wiring: Wiring, environment: EnvironmentSpec) -> None:
    """RefusedError on a build server that keeps the state to itself: nobody else would know of the run."""
    cautions.refuse_unshared_state(wiring.project, environment, wiring.session.environment)


def refuse_unusable(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> None:
    """RefusedError where a roll could not end well: `refuse_unsafe`, or a stranger at the balancer's address."""
    refuse_unsafe(wiring, environment)
    place = Place(service=service.name, environment=environment.name)
    wiring.cloud(environment.cloud).traffic(place).check()


def refuse_other_hooks(wiring: Wiring, run: Run) -> None:
    """RefusedError where the run's hooks are not, in this checkout, the files that were planned."""
    other = hooks.differing(roll_plan(run.plan), wiring.project.directory)
    if other:
        raise RefusedError(
            f"the hooks of {run.id} are not those that were planned",
            details=f"other or missing in {wiring.project.directory}: {', '.join(other)}",
            resolution=f"Go on from the checkout that began it, or `phoenix abort {run.id}`.",
        )


def refuse_together(given: Mapping[str, object]) -> None:
    """SpecError where more than one of these options is given; `given` has each option's value by its name."""
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise SpecError(
            f"{' and '.join(named[:2])} exclude each other",
            details=f"given: {', '.join(named)}",
            resolution="Give one of them.",
        )


def duration(option: str, text: str | None) -> float | None:
    """Seconds of a duration given with `option`; None where it was not given. SpecError for anything else."""
    if text is None:
        return None
    try:
        return units.duration(text)
    except ValueError as error:
        raise SpecError(str(error), details=f"that is what {option} says", resolution="Say it like 10m.") from error
