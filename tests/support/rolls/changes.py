"""What somebody else changes while a service is rolled, and what is right then: the table of `docs/rolling.md`.

`on`: the roll goes on to the end. `back`: it is undone (6). `stop`: it stops where it is and calls a human (7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from phoenix.manner import Ring
from phoenix.spec.services import BlueGreen, Canary, Rolling, Strategy
from tests.support.rolls.stage import Stage

OLD, NEW, THIRD = "web-tier-local-v001", "web-tier-local-v002", "web-tier-local-v000"
SIZE = 4
STRATEGIES: dict[str, Strategy] = {
    "blue-green": BlueGreen(keep=60.0),
    "rolling": Rolling(step=2, percent=False),
    "canary": Canary(steps=(25, 100), soak=10.0, hold=(25,), keep=60.0),
}
STEPS = {
    "blue-green": "measure create-candidate candidate-healthy grow healthy shift keep-former",
    "rolling": "measure create-candidate candidate-healthy grow-50 healthy-50 shift-50 shrink-50 grow-100 healthy-100 "
    "shift-100 keep-former drain-former burn-former",
    "canary": "measure create-candidate candidate-healthy grow-25 healthy-25 shift-25 soak-25 hold-25 grow-100 "
    "healthy-100 shift-100 soak-100 keep-former",
}
AFTER = ("keep-former", "drain-former", "burn-former", "unpin-candidate")
"""After the commit point."""
Happens = Callable[[Stage], None]
Expected = Callable[[Stage, str], str]
"""Which end is right when the step of that id is the next one to be carried out."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that somebody else does, and what is right then."""

    happens: Happens
    right: Expected
    needs_candidate: bool = False


def resize(stage: Stage, group: str, size: int) -> None:
    stage.cloud.resize(group, size, between=lambda: None)
    stage.cloud.attach(stage.cloud.standing[group])


def stable_grows(stage: Stage) -> None:
    resize(stage, OLD, stage.cloud.standing[OLD].size + 2)


def stable_shrinks(stage: Stage) -> None:
    resize(stage, OLD, 1)


def candidate_grows(stage: Stage) -> None:
    resize(stage, NEW, stage.cloud.standing[NEW].size + 1)


def candidate_shrinks(stage: Stage) -> None:
    resize(stage, NEW, 1)


def stable_removed(stage: Stage) -> None:
    del stage.cloud.standing[OLD]


def candidate_removed(stage: Stage) -> None:
    del stage.cloud.standing[NEW]


def re_routed(stage: Stage) -> None:
    stage.cloud.attached.setdefault(THIRD, ())
    stage.cloud.shares = {THIRD: 100}


def stable_machine_dies(stage: Stage) -> None:
    stage.cloud.kill_machine(stage.cloud.standing[OLD].instances[0].id)


def candidate_machine_dies(stage: Stage) -> None:
    stage.cloud.kill_machine(stage.cloud.standing[NEW].instances[0].id)


def stable_machine_hangs(stage: Stage) -> None:
    stage.cloud.ill.add(stage.cloud.standing[OLD].instances[0].id)


def candidate_machine_hangs(stage: Stage) -> None:
    stage.cloud.ill.add(stage.cloud.standing[NEW].instances[0].id)


def balancer_silent_for_a_while(stage: Stage) -> None:
    until = stage.clock.seconds + 20
    stage.cloud.unreachable = True
    stage.clock.on_sleep = lambda: setattr(stage.cloud, "unreachable", stage.clock.seconds < until)


def image_vanishes(stage: Stage) -> None:
    stage.cloud.imageless.add(NEW)


def goes_on(_stage: Stage, _step: str) -> str:
    return "on"


def back_while_it_is_watched(_stage: Stage, step: str) -> str:
    """Nobody looks at the candidate any more after the last write, but for the soak of a canary."""
    return "on" if step in AFTER else "back"


def back_unless_replaced(stage: Stage, step: str) -> str:
    """A step that grows the group replaces what is dead in it, and a cloud that heals does so by itself."""
    return "on" if step in AFTER or step.startswith("grow") or stage.kind.abilities.heals else "back"


def small_until_measured(_stage: Stage, step: str) -> str:
    """A step that grows it follows, or else the guard before a write or a shrink sends the run back."""
    too_late = ("healthy", "shift", "healthy-50", "shift-50", "shrink-50", "healthy-100", "shift-100")
    return "back" if step in too_late else "on"


def stop_where_traffic_is_looked_at(_stage: Stage, step: str) -> str:
    """Every later write and every soak sees it. What follows the last write leaves the routes alone."""
    return "on" if step in AFTER else "stop"


def measured_or_gone(_stage: Stage, step: str) -> str:
    """What serves must be there to be measured; later, going on is what helps."""
    return "back" if step == "measure" else "on"


def image_needed(stage: Stage, step: str) -> str:
    """Machines are started from it: when the candidate is made, and where it still has to grow."""
    whole = NEW in stage.cloud.standing and stage.cloud.standing[NEW].size == SIZE
    return "on" if whole and step not in ("measure", "create-candidate") else "back"


def alarm_rings(stage: Stage) -> None:
    stage.cloud.alarms["web-5xx"] = Ring.RINGING


def heard(stage: Stage, step: str) -> str:
    """Every write and every soak looks at the alarms, where there are some."""
    return "back" if stage.kind.abilities.alarms and step not in AFTER else "on"


CHANGES = {
    "somebody scales the stable group up": Change(happens=stable_grows, right=goes_on),
    "somebody scales the stable group down": Change(happens=stable_shrinks, right=goes_on),
    "somebody scales the candidate up": Change(happens=candidate_grows, right=goes_on, needs_candidate=True),
    "somebody scales the candidate down": Change(
        happens=candidate_shrinks, right=small_until_measured, needs_candidate=True
    ),
    "somebody removes the stable group": Change(happens=stable_removed, right=measured_or_gone),
    "somebody removes the candidate": Change(
        happens=candidate_removed, right=back_while_it_is_watched, needs_candidate=True
    ),
    "somebody moves traffic": Change(happens=re_routed, right=stop_where_traffic_is_looked_at),
    "a machine of the stable group dies": Change(happens=stable_machine_dies, right=goes_on),
    "a machine of the candidate dies": Change(
        happens=candidate_machine_dies, right=back_unless_replaced, needs_candidate=True
    ),
    "a machine of the stable group hangs": Change(happens=stable_machine_hangs, right=goes_on),
    "a machine of the candidate hangs": Change(
        happens=candidate_machine_hangs, right=back_while_it_is_watched, needs_candidate=True
    ),
    "the balancer is silent for a while": Change(happens=balancer_silent_for_a_while, right=goes_on),
    "an alarm rings": Change(happens=alarm_rings, right=heard),
    "the image vanishes": Change(happens=image_vanishes, right=image_needed),
}
