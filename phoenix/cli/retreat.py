"""What `phoenix rollback` does: abort the roll that is under way, or go to where the goal is in a run of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phoenix.cli import goals, plan_file, releasing, running
from phoenix.cli.goals import Goal
from phoenix.cli.places import subject_of
from phoenix.cli.plan_file import SavedPlan
from phoenix.cli.preflight import refuse_unusable
from phoenix.cli.turns import in_turn
from phoenix.errors import RefusedError
from phoenix.execute.ownership import describe
from phoenix.plan.actions import Plan, roll_plan
from phoenix.plan.roll_actions import RollAction
from phoenix.record.journal import Run, RunState
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

Result = tuple[dict[str, Any], str]
"""JSON data, and the same as a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retreat:
    """One rollback as the command line asks for it."""

    wiring: Wiring
    service: ServiceSpec
    environment: EnvironmentSpec
    to: str | None = None
    packages: tuple[str, ...] = ()
    saved: SavedPlan | None = None
    """A plan that was made before and decides all the rest."""
    why: str = ""

    def preview(self) -> tuple[Plan[RollAction], Goal | None]:
        """What would be done now, and where it goes; no goal where a roll would be aborted."""
        run = self._roll_under_way()
        if run is not None and run.state is not RunState.COMMITTED:
            planned = roll_plan(run.plan)
            why = f"{run.id} is {run.state}: it is aborted"
            return replace(planned, why=why, steps=planned.back, back=(), cleanup=()), None
        goal = self._goal(dry=True)
        return self._plan(goal), goal

    def as_file(self, plan: Plan[RollAction], goal: Goal | None) -> SavedPlan:
        """The plan as it is saved. RefusedError for an abort: that is what the run's own plan says already."""
        if goal is None:
            raise RefusedError(
                f"{plan.subject} has a run that a rollback aborts",
                details=plan.why,
                resolution="Say `phoenix rollback` without a plan, or `phoenix abort`.",
            )
        return SavedPlan(kind="rollback", plan=plan, release=goal.release, group=goal.group, former=goal.former)

    def go(self, patience: float | None) -> Result:
        """Go back; what came of it. Raises like a roll."""
        refuse_unusable(self.wiring, self.service, self.environment)
        for done in running.wake_balancer(self.wiring, self.service, self.environment):
            self.wiring.session.out.say(done)
        aborted = self._abort()
        if aborted is not None and not self._goes_somewhere_else:
            return aborted
        return in_turn(self.wiring, self.service, self.environment, patience, self._carry_out)

    @property
    def _goes_somewhere_else(self) -> bool:
        """Whether the command line says where to, so that an abort alone is not what it asks for."""
        return self.to is not None or bool(self.packages) or self.saved is not None

    def _roll_under_way(self) -> Run | None:
        """The roll that has the service. Never a rollback: to abort that would bring back what somebody fled from."""
        run = self.wiring.history.live_run(subject_of(self.service, self.environment))
        return run if run is not None and run.kind == "roll" and not run.state.ended else None

    def _abort(self) -> Result | None:
        """Abort the roll that is under way or held; None where there is none, or where it had been done by then."""
        run = self._roll_under_way()
        if run is None:
            return None
        self.wiring.session.out.say(f"aborting {describe(run)}: that is the way back to what served before it")
        ended = running.undo_live(self.wiring, run, self.why or "rolled back by hand")
        if ended.state is not RunState.UNDONE:
            self.wiring.session.out.say(f"{ended.id} had passed its commit point: going back from what it brought")
            return None
        return self._done(ended, f"{ended.id} is {ended.state}: routes are as before it", aborted=ended.id)

    def _carry_out(self) -> Result:
        before = self.wiring.history.live_run(subject_of(self.service, self.environment))
        for done in running.revive(self.wiring, self.service, self.environment):
            self.wiring.session.out.say(done)
        if before is not None and before.kind == "rollback" and not self._goes_somewhere_else:
            ended = self.wiring.history.run(before.id)
            if ended is not None and ended.state is RunState.DONE:
                return self._done(ended, f"{ended.id}, whose process had died, was finished")
        goal = self._goal(dry=False) if self.saved is None else self._saved_goal(self.saved)
        plan = self.saved.plan if self.saved else self._plan(goal)
        if plan.empty:
            return {"changed": False, "group": running.seen(self.wiring, self.service, self.environment)[0]}, plan.why
        run = running.carry_out(
            self.wiring,
            self.service,
            self.environment,
            kind="rollback",
            plan=plan,
            remade=lambda: self._plan(goal),
            why=self.why,
        )
        return self._done(run, f"{plan.subject}: {plan.why}: done ({run.id})")

    def _done(self, run: Run, text: str, **more: str) -> Result:
        stable = running.seen(self.wiring, self.service, self.environment)[0]
        return {"changed": True, "run": run.id, "state": run.state, "group": stable, **more}, text

    def _goal(self, *, dry: bool) -> Goal:
        return goals.find(self.wiring, self.service, self.environment, self.to, list(self.packages), dry=dry)

    def _saved_goal(self, saved: SavedPlan) -> Goal:
        """The goal of a saved plan. RefusedError where today it would be another plan, or could not be carried out."""
        goal = Goal(group=saved.group, release=saved.release, former=saved.former)
        plan_file.refuse_stale(saved, self._plan(goal), self.wiring.project.directory)
        release = goal.release
        if release and releasing.startable(self.wiring, self.environment, release, dry=False) != release:
            raise plan_file.stale(saved, "a repository has another address or key by now")
        return goal

    def _plan(self, goal: Goal) -> Plan[RollAction]:
        observed = self.wiring.observed(self.service, self.environment)
        return goals.plan(self.service, self.environment, observed, goal)
