"""What each action of a roll does to the world: one match; the doing is in the files beside this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from phoenix.errors import LostRunError, PhoenixError, UnreachableError
from phoenix.execute.engine import Context, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.execute.ownership import StandstillError
from phoenix.execute.perform import former, health, pins, sizes, traffic
from phoenix.execute.perform.outcomes import OF_ACTIONS, HooksRun
from phoenix.execute.perform.world import World
from phoenix.manner import Preview
from phoenix.plan.roll_actions import (
    CreateGroup,
    DeleteGroup,
    Drain,
    EnsureSize,
    Hold,
    KeepGroup,
    Measure,
    Pin,
    RollAction,
    RunHooks,
    SaveLogs,
    SetTraffic,
    Shrink,
    Soak,
    Unpin,
    WaitHealthy,
)
from phoenix.record.journal import Part
from phoenix.record.store import DamagedError
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Roller(Performer[RollAction]):
    """Rolls, rollbacks and group verbs of one service in one environment."""

    world: World

    def perform(self, action: RollAction, context: Context) -> Outcome:
        """Do `action` and say what it came to.

        While the cloud or the balancer gives no answer it is tried again, as long as the step may take: every action
        is safe to do twice.
        """
        done: list[Outcome] = []

        def renew() -> None:
            self.world.cloud.sight.forget()  # what follows is decided on a fresh look
            context.renew()

        within = replace(context, renew=renew)

        def attempt() -> Look:
            try:
                renew()  # the last check before a write, and so again between two of one step
                self.world.cloud.mend(self.world.place)
                with self.world.cloud.sight.look():
                    done.append(_do(self.world, action, within))
            except UnreachableError as error:
                return retry_while_unknown(error)
            return Look(verdict=Verdict.PASS, seen="")

        wait_for(
            f"an answer for {context.step}",
            attempt,
            clock=self.world.clock,
            deadline=context.deadline,
            on_change=lambda seen: context.say(seen) if seen else None,
            between=context.renew,
        )
        return done[0]

    def outcomes(self, action: RollAction) -> tuple[type[Outcome], ...]:
        """What the action can come to."""
        return OF_ACTIONS[type(action)]

    def waits(self, action: RollAction) -> bool:
        """Whether an action of a roll only waits, so that it is checked again on resume."""
        return isinstance(action, WaitHealthy)

    def holds(self, action: RollAction) -> str:
        """Why the run waits for a person at this action; empty where it does not."""
        return action.reason if isinstance(action, Hold) else ""

    def owes(self, action: RollAction) -> bool:
        """Whether an action writes down what is due later: a run is not over before that is done."""
        return isinstance(action, KeepGroup | Unpin)


def _do(world: World, action: RollAction, context: Context) -> Outcome:
    match action:
        case Measure():
            return sizes.measure(world, action)
        case CreateGroup():
            return sizes.create(world, action, context)
        case EnsureSize():
            return sizes.ensure_size(world, action, context)
        case Shrink():
            return sizes.shrink(world, action, context)
        case WaitHealthy():
            return health.wait_healthy(world, action, context)
        case Soak():
            return health.soak(world, action, context)
        case RunHooks():
            return _hooks(world, action, context)
        case SetTraffic():
            return traffic.set_traffic(world, action, context)
        case Drain():
            return traffic.drain(world, action, context)
        case Hold() | KeepGroup() | Pin() | Unpin() | SaveLogs() | DeleteGroup():
            return _after(world, action, context)
        case _:
            assert_never(action)


def _after(world: World, action: Hold | KeepGroup | Pin | Unpin | SaveLogs | DeleteGroup, context: Context) -> Outcome:
    match action:
        case Hold():
            return Outcome()  # the engine holds; the world is left as it is
        case KeepGroup():
            return former.keep(world, action, context)
        case Pin():
            return pins.pin(world, action)
        case Unpin():
            return pins.unpin(world, action)
        case SaveLogs():
            return former.save_logs(world, action, context)
        case DeleteGroup():
            return former.delete(world, action, context)
        case _:
            assert_never(action)


def _hooks(world: World, action: RunHooks, context: Context) -> Outcome:
    """On the way back a hook that fails, or is no longer what was planned, is told and passed over."""
    variables = {
        "PHOENIX_SERVICE": world.service,
        "PHOENIX_ENVIRONMENT": world.environment,
        "PHOENIX_GROUP": action.group,
        "PHOENIX_RUN": context.run_id,
        **_preview(world.traffic.preview(action.group)),
        "PHOENIX_ADDRESS": world.traffic.read(()).address,
    }
    try:
        world.run_hooks(action, variables, context)
    except (LostRunError, StandstillError, DamagedError):
        raise
    except (PhoenixError, OSError) as error:
        if context.part is Part.STEPS:
            raise
        said = error.brief if isinstance(error, PhoenixError) else str(error)
        context.say(f"passed over: {said}")
        return HooksRun(failed=said)
    return HooksRun()


def _preview(found: Preview | None) -> dict[str, str]:
    """Where the candidate answers by itself. Who forgets a header would ask the stable group, and pass: so a url that
    needs one has a name of its own.
    """
    url, headers = (found.url, found.headers) if found else ("", ())
    return {
        "PHOENIX_PREVIEW": "" if headers else url,
        "PHOENIX_PREVIEW_URL": url,
        "PHOENIX_PREVIEW_HEADERS": "\n".join(f"{name}: {value}" for name, value in headers),
    }
