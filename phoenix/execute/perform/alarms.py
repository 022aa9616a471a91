"""What a roll makes of alarms that its strategy names: one that rings undoes it, one that tells nothing is waited for.

The way back, rollbacks and what people do to single groups never look at alarms: whoever wants to get away from what
serves is not kept by what rings because of it.
"""

from __future__ import annotations

from phoenix.errors import CloudError
from phoenix.execute.perform.world import World
from phoenix.manner import Alarm, Ring
from phoenix.wait import Look, Verdict, retry_while_unknown


class RingingError(CloudError):
    """An alarm rings: the roll goes back at once, for the cloud has looked long enough already."""


def refuse_ringing(world: World, names: tuple[str, ...]) -> tuple[Alarm, ...]:
    """The alarms as they are now. RingingError where one rings; one that tells nothing is no reason to go back."""
    found = world.cloud.alarms(names) if names else ()
    ringing = [alarm for alarm in found if alarm.ring is Ring.RINGING]
    if ringing:
        raise RingingError(
            f"the alarm {', '.join(alarm.name for alarm in ringing)} rings",
            details="\n".join(_told(alarm) for alarm in ringing),
            resolution="See with the cloud what it watches; `phoenix roll --ignore-alarms` looks at none.",
        )
    return found


def look(world: World, names: tuple[str, ...]) -> Look:
    """Whether all of them tell that they do not ring. No data is no answer. RingingError where one rings."""
    if not names:
        return Look(verdict=Verdict.PASS, seen="no alarms are watched")
    try:
        found = refuse_ringing(world, names)
    except RingingError:
        raise
    except CloudError as error:
        return retry_while_unknown(error)
    quiet = {alarm.name for alarm in found if alarm.ring is Ring.QUIET}
    silent = ", ".join(name for name in names if name not in quiet)
    if silent:
        return Look(verdict=Verdict.UNKNOWN, seen=f"the alarm {silent} has no data: it does not tell that all is well")
    return Look(verdict=Verdict.PASS, seen="no alarm rings")


def _told(alarm: Alarm) -> str:
    return f"{alarm.name}: {alarm.why}" if alarm.why else f"{alarm.name} is {alarm.ring}"
