"""What the group verbs share: find the group, plan, ask, begin a run of that plan and walk it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.cli.observing import Standing, place_of_group
from phoenix.cli.running import carry_out, revive
from phoenix.cli.show import plan_data, plan_text
from phoenix.errors import CloudError, PhoenixError, RefusedError, SpecError
from phoenix.model import Group, Observed
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction
from phoenix.record.journal import Run
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

Decide = Callable[[ServiceSpec, EnvironmentSpec, Observed], Plan[RollAction]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One group verb on the command line."""

    kind: str
    """Which kind of run it becomes."""
    group: str
    why: str
    yes: bool
    plan: bool


def change(wiring: Wiring, request: Request, decide: Decide, *, extra: dict[str, Any] | None = None) -> None:
    """Do what `decide` plans for the group's service; tell the result, with `extra` in its data.

    SpecError where there is no such group; RefusedError by a guard, a taken service or a no at the terminal; else
    what a roll raises.
    """
    place = place_of_group(wiring, request.group)
    spec, where = place.service, place.environment
    if not request.plan:
        for done in revive(wiring, spec, where):
            wiring.session.out.say(done)

    def again() -> Plan[RollAction]:
        return decide(spec, where, wiring.observed(spec, where))

    decided = again()
    if request.plan:
        wiring.session.out.result({"plan": plan_data(decided)}, plan_text(decided))
        return
    if decided.empty:
        wiring.session.out.result({"changed": False, "group": request.group}, decided.why)
        return
    wiring.session.out.confirm(f"{decided.why}. Do it?", assume_yes=request.yes)
    run = carry_out(wiring, spec, where, kind=request.kind, plan=decided, remade=again, why=request.why)
    _tell(wiring, place, request, run, decided.why, extra or {})


def standing_group(observed: Observed, name: str) -> Group:
    """The group of the service; SpecError where it is none of its, RefusedError where it no longer stands."""
    group = observed.group(name)
    if group is None and observed.route.backend(name) is None:
        raise SpecError(
            f"{name} is no group of this service",
            details=f"its groups: {', '.join(each.name for each in observed.groups) or 'none'}",
            resolution="Name one of these.",
        )
    if group is None:
        raise RefusedError(
            f"{name} no longer stands",
            details="the balancer still has it; somebody removed its machines",
            resolution="`phoenix group disable` gives its traffic to another group.",
        )
    return group


def _tell(wiring: Wiring, place: Standing, request: Request, run: Run, done: str, extra: dict[str, Any]) -> None:
    """The result. What the cloud or the balancer does not answer now is null: the run has ended all the same.

    CloudError where a burnt group still stands: deleting it failed after the commit point.
    """
    observed: Observed | None = None
    try:
        observed = wiring.observed(place.service, place.environment)
    except (PhoenixError, OSError) as error:
        wiring.session.out.warn(f"{run.id} has ended; what stands and serves now could not be seen: {error}")
    group = observed.group(request.group) if observed else None
    if request.kind == "burn" and group is not None:
        raise CloudError(
            f"{request.group} could not be burnt",
            details=str(run.errors[-1].data.get("brief")) if run.errors else "it still stands",
            resolution=f"See `phoenix run show {run.id}`; `phoenix tend` tries again.",
        )
    data = {
        "changed": True,
        "run": run.id,
        "state": run.state,
        "group": request.group,
        "size": (group.size if group else 0) if observed else None,
        "shares": dict(observed.route.shares) if observed else None,
        **extra,
    }
    wiring.session.out.result(data, f"{done}: done ({run.id})")
