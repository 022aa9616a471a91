"""What happens to a service while it is rolled: machines die, people meddle, processes are killed and replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from phoenix.errors import CloudError, PhoenixError
from phoenix.execute.ownership import LEASE
from phoenix.manner import Ring
from phoenix.model import InstanceState
from phoenix.record.journal import RunState
from tests.support.fakes.doubles import Killed
from tests.support.rolls.judge import JudgedCloud
from tests.support.rolls.plays import Play, judge
from tests.support.rolls.stage import Stage

HAND = frozenset({"scale-down", "reroute", "delete-group"})
"""Events after which the world cannot be expected to look as the run found it."""


@dataclass
class Fate(dict[str, Callable[[], object]]):
    """Lets events happen at moments: before each step, and in each sleep. Stands where a stage's `meddle` stands."""

    stage: Stage
    play: Play
    random: Random
    due: dict[int, str] = field(default_factory=dict)
    """Events by the moment at which they happen."""
    moment: int = 0
    asleep: bool = False
    """Whether nothing happens for now."""
    happened: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """The events that have happened."""
    ends: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    """What passes by itself, and at which moment."""

    def pop(self, key: str, default: Any = None) -> Any:
        """A step is about to be carried out."""
        return self.tick

    def tick(self) -> None:
        """A moment goes by."""
        if self.asleep:
            return
        self.moment += 1
        self.let_pass()
        name = self.due.pop(self.moment, None)
        if name is not None:
            self.names.add(name)
            EVENTS[name](self)

    def let_pass(self) -> None:
        """Whatever was to last until now ends."""
        passed = [end for end in self.ends if end[0] <= self.moment]
        self.ends = [end for end in self.ends if end not in passed]
        for _moment, end in passed:
            end()

    def calm(self) -> None:
        """Whatever passes has passed, and nothing happens any more."""
        for _moment, end in self.ends:
            end()
        self.ends, self.asleep, self.due = [], True, {}
        self.cloud.failure_passes()

    @property
    def cloud(self) -> JudgedCloud:
        """The cloud of the stage."""
        return judge(self.stage)

    @property
    def stable(self) -> str:
        """The group that served when the run began."""
        return next(iter(self.cloud.found))

    def note(self, what: str) -> None:
        """Write down what happened, for the story."""
        self.happened.append(f"{self.moment}: {what}")

    def passes(self, within: int, end: Callable[[], None]) -> None:
        """Something ends after at most `within` moments."""
        self.ends.append((self.moment + self.random.randint(1, within), end))

    def any_group(self) -> str | None:
        """One of the groups of the roll that stands, or None."""
        there = [g for g in (self.stable, self.play.target) if g in self.cloud.standing]
        return self.random.choice(there) if there else None


def machine_dies(fate: Fate) -> None:
    group = fate.any_group()
    alive = [i.id for i in fate.cloud.standing[group].instances if i.state is not InstanceState.DEAD] if group else []
    if alive:
        machine = fate.random.choice(alive)
        fate.note(f"{machine} dies")
        with fate.cloud.by_hand(harm=True):
            fate.cloud.kill_machine(machine)


def machine_falls_ill(fate: Fate) -> None:
    """It runs and does not answer, for a while."""
    group = fate.any_group()
    machines = [i.id for i in fate.cloud.standing[group].instances] if group else []
    if machines:
        machine = fate.random.choice(machines)
        fate.note(f"{machine} falls ill")
        with fate.cloud.by_hand(harm=True):
            fate.cloud.ill.add(machine)
        fate.passes(30, lambda: fate.cloud.ill.discard(machine))


def candidate_is_slow(fate: Fate) -> None:
    """Its machines do not answer, for a while or for good."""
    fate.note("the candidate does not answer")
    with fate.cloud.by_hand(harm=True):
        fate.cloud.sick.add(fate.play.target)
    fate.passes(40, lambda: fate.cloud.sick.discard(fate.play.target))


def scale(fate: Fate, by: int) -> None:
    group = fate.cloud.standing.get(fate.stable)
    if group is None or group.size + by < 1:
        return
    fate.note(f"{group.name} is scaled by hand to {group.size + by}")
    with fate.cloud.by_hand(harm=by < 0):
        size = group.size + by
        machines = fate.cloud.some_machines(group, size, 1000 * fate.moment)
        fate.cloud.standing[group.name] = replace(group, size=size, instances=machines)
        new = [i.id for i in machines if i not in group.instances]
        known = [*fate.cloud.attached.get(group.name, ()), *new]
        fate.cloud.attached[group.name] = tuple(i.id for i in machines if i.id in known)


def reroute(fate: Fate) -> None:
    """Somebody gives the traffic to whom they like, or to nobody."""
    there = [g for g in (fate.stable, fate.play.target) if g in fate.cloud.attached]
    chosen = fate.random.choice([{}, *({g: 100} for g in there), dict.fromkeys(there, 100 // max(1, len(there)))])
    fate.note(f"traffic is given by hand to {chosen}")
    with fate.cloud.by_hand(harm=True):
        fate.cloud.shares = chosen
        fate.cloud.take_effect()


def delete_group(fate: Fate) -> None:
    group = fate.any_group()
    if group is None:
        return
    fate.note(f"{group} is deleted by hand")
    with fate.cloud.by_hand(harm=True):
        del fate.cloud.standing[group]
        if fate.random.random() < 0.3 and not fate.cloud.shares.get(group):
            fate.cloud.attached.pop(group, None)


def silence(fate: Fate) -> None:
    """No read gets an answer for a while."""
    fate.note("the cloud is silent")
    fate.cloud.unreachable = True
    fate.passes(30, lambda: setattr(fate.cloud, "unreachable", False))


def silent_record(fate: Fate) -> None:
    """No write to the record arrives for a while."""
    fate.note("the record is silent")
    fate.cloud.silent_record = True
    fate.passes(60, lambda: setattr(fate.cloud, "silent_record", False))


def refusal(fate: Fate) -> None:
    """The next write call is refused or its answer is lost."""
    fate.cloud.failure = CloudError
    which = fate.random.choice(["fail_before_call", "fail_after_call"])
    fate.note(f"{which}: the next call")
    setattr(fate.cloud, which, fate.cloud.calls + 1)


def autoscaler(fate: Fate) -> None:
    """Whatever is not pinned and could do with fewer machines gets fewer."""
    fate.note("the autoscaler looks at every group")
    with fate.cloud.by_hand(harm=False):
        fate.cloud.autoscale()


def image_goes(fate: Fate) -> None:
    """No machine can be started any more."""
    fate.note("the image is gone")
    fate.cloud.images_gone = True


def alarm_rings(fate: Fate) -> None:
    """For a while."""
    _alarm(fate, Ring.RINGING)


def alarm_has_no_data(fate: Fate) -> None:
    """For a while."""
    _alarm(fate, Ring.UNKNOWN)


def _alarm(fate: Fate, ring: Ring) -> None:
    fate.note(f"the alarm is {ring}")
    fate.cloud.alarms["web-5xx"] = ring
    fate.passes(30, lambda: fate.cloud.alarms.update({"web-5xx": Ring.QUIET}))


def abort_is_asked_for(fate: Fate) -> None:
    run = fate.cloud.run()
    if run is not None and run.state is RunState.RUNNING:
        fate.note("somebody asks to abort")
        fate.stage.ask_to_abort()


def kill(fate: Fate) -> None:
    fate.note("the process is killed")
    raise Killed


def frozen(fate: Fate) -> None:
    """The process is stopped for so long that another takes its run over, to its end; then it wakes up."""
    run = fate.cloud.run()
    if run is None or run.state.ended:
        return
    abort = fate.random.random() < 0.5
    fate.note(f"the process is stopped; another takes over to {'abort' if abort else 'resume'}")
    fate.asleep, fate.cloud.owner, fate.cloud.writer = True, fate.cloud.owner + 1, fate.cloud.owner + 1
    fate.stage.clock.seconds += LEASE + 1
    unreachable, fate.cloud.unreachable = fate.cloud.unreachable, False
    fate.cloud.silent_record = False
    try:
        fate.stage.take_over(abort=abort)
    except PhoenixError as error:
        fate.note(f"which ended with {error.exit_code}")
    fate.cloud.unreachable = unreachable
    fate.asleep, fate.cloud.writer = False, fate.cloud.owner - 1


EVENTS: dict[str, Callable[[Fate], None]] = {
    "machine-dies": machine_dies,
    "machine-ill": machine_falls_ill,
    "slow": candidate_is_slow,
    "scale-up": lambda fate: scale(fate, fate.random.randint(1, 3)),
    "scale-down": lambda fate: scale(fate, -fate.random.randint(1, 3)),
    "reroute": reroute,
    "delete-group": delete_group,
    "silence": silence,
    "silent-record": silent_record,
    "refusal": refusal,
    "image-gone": image_goes,
    "autoscaler": autoscaler,
    "alarm": alarm_rings,
    "alarm-silent": alarm_has_no_data,
    "abort": abort_is_asked_for,
    "kill": kill,
    "frozen": frozen,
}
