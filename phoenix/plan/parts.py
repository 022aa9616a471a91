"""What the strategies are composed of: the steps that several of them share, and the one way back.

A strategy is a small file beside this one that puts these parts in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from json import dumps
from typing import Literal

from phoenix.manner import Manner
from phoenix.model import Group, Observed, Release
from phoenix.plan.actions import Step, fingerprint
from phoenix.plan.roll_actions import (
    AsFound,
    CreateGroup,
    DeleteGroup,
    Drain,
    EnsureSize,
    Hold,
    KeepGroup,
    MatchLive,
    Measure,
    Pin,
    RollAction,
    RunHooks,
    SaveLogs,
    SetTraffic,
    Shares,
    Unpin,
    WaitHealthy,
)
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

RollStep = Step[RollAction]
HookPoint = Literal["before_traffic", "after_traffic", "on_abort"]

WHOLE = 100
PIN = 6 * 3600.0
"""Seconds after which a pin is over where nobody gave it back. While a run lives nobody else does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """Everything a strategy decides from."""

    service: ServiceSpec
    environment: EnvironmentSpec
    release: Release
    observed: Observed
    candidate: str
    digests: Mapping[str, str]
    """SHA-256 of each hook command's file, so that a resumed run notices other hooks."""
    hold: bool
    """Whether a person promotes before the first traffic (`--no-traffic`)."""
    former: str | None
    """The group that the record is to name as the one before."""
    alarms: tuple[str, ...] = ()
    """The roll goes back while one of these rings."""

    @property
    def stable(self) -> Group | None:
        """The group that serves now."""
        return self.observed.stable

    @property
    def manner(self) -> Manner:
        """How the balancer behaves, and how long things take there."""
        return self.observed.manner

    def shares(self, share: int) -> Shares:
        """The routes at which the candidate gets `share` percent and the stable group the rest."""
        if share == WHOLE or self.stable is None:
            return ((self.candidate, WHOLE),)
        return tuple(sorted(((self.candidate, share), (self.stable.name, WHOLE - share))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """The three lists of a plan, as a strategy puts them together."""

    steps: tuple[RollStep, ...]
    back: tuple[RollStep, ...]
    cleanup: tuple[RollStep, ...]


def former_of(observed: Observed, name: str) -> str | None:
    """Whom the record names as the one before: for a group that served already whoever it was then."""
    turn = observed.turn(name)
    if turn is not None:
        return turn.former
    others: Mapping[str, int] = {group: share for group, share in observed.route.shares if group != name}
    return max(others, key=lambda group: (others[group], group)) if others else None


def mark(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, *wanted: str) -> str:
    """The fingerprint of what a plan was made for: the spec, identities and routes.

    Never sizes or health, which move while a plan runs.
    """
    place = {name: value for name, value in asdict(environment).items() if name != "stands_on" or value}
    spec = dumps([asdict(replace(service, environments={})), place], sort_keys=True, default=str)
    groups = [f"{group.name}={group.release.id if group.release else ''}" for group in observed.groups]
    routes = [f"{name}:{share}" for name, share in observed.route.shares]
    return fingerprint([spec, *wanted, *groups, *routes])


def opening(rollout: Rollout, share: int) -> tuple[RollStep, ...]:
    """Measure what serves, start the candidate with the machines that `share` needs, prove it, ask who wants asking."""
    service, environment, candidate = rollout.service, rollout.environment, rollout.candidate
    create = CreateGroup(
        group=candidate,
        release=rollout.release,
        size=MatchLive(at_least=environment.size.minimum, share=share),
        machine=environment.machine,
        port=service.port,
        health=service.health,
        least=environment.size.minimum,
        most=environment.size.maximum,
        cpu=environment.size.cpu,
        zones=environment.zones,
        pinned=PIN if rollout.observed.abilities.autoscaler else None,
    )
    held: tuple[RollStep, ...] = ()
    if rollout.hold:
        why = f"{candidate} is ready and gets no traffic before somebody promotes it"
        held = (Step(id="hold-before-traffic", action=Hold(reason=why), deadline=rollout.manner.quick),)
    return (
        *measure(service, rollout.manner, rollout.stable),
        *(pin(rollout.observed, "pin-stable", rollout.stable.name) if rollout.stable else ()),
        Step(id="create-candidate", action=create, deadline=rollout.manner.create),
        Step(
            id="candidate-healthy",
            action=WaitHealthy(group=candidate, health=service.health, min_healthy=service.min_healthy),
            deadline=service.health.deadline,
        ),
        *hooks(rollout, "before_traffic"),
        *held,
    )


def measure(service: ServiceSpec, manner: Manner, stable: Group | None) -> tuple[RollStep, ...]:
    """Write down what serves; nothing where nothing does."""
    if stable is None:
        return ()
    action = Measure(group=stable.name, min_healthy=service.min_healthy)
    return (Step(id="measure", action=action, deadline=manner.quick),)


def grow(rollout: Rollout, share: int, name: str, *, steady: bool) -> tuple[RollStep, ...]:
    """Have the machines that `share` needs on a fresh look at the live size, all healthy.

    `steady`: new machines are expected, and prove themselves as long as the spec says. Otherwise one look is
    enough, for nothing has changed unless the live group has grown meanwhile. Nothing on a first roll.
    """
    service = rollout.service
    if rollout.stable is None:
        return ()
    size = MatchLive(at_least=rollout.environment.size.minimum, share=share)
    ensure = EnsureSize(group=rollout.candidate, size=size)
    return (
        Step(id=f"grow{name}", action=ensure, deadline=rollout.manner.create),
        Step(
            id=f"healthy{name}",
            action=WaitHealthy(
                group=rollout.candidate, health=service.health, min_healthy=service.min_healthy, settled=not steady
            ),
            deadline=service.health.deadline,
        ),
    )


def shift(rollout: Rollout, share: int, name: str, all_shares: tuple[int, ...]) -> RollStep:
    """Give the candidate `share` percent; `all_shares` are those of the whole plan, in order."""
    action = SetTraffic(
        shares=rollout.shares(share),
        known=(rollout.observed.route.shares, *(rollout.shares(each) for each in all_shares)),
        former=rollout.former,
        min_healthy=rollout.service.min_healthy,
        fertile=True,
        alarms=rollout.alarms,
    )
    return Step(id=f"shift{name}", action=action, deadline=rollout.manner.quick + rollout.manner.settles)


def back(rollout: Rollout, all_shares: tuple[int, ...], *, shrinks: bool) -> tuple[RollStep, ...]:
    """Right from any point: the stable group whole and healthy, its traffic, then the candidate away, logs saved.

    Without `shrinks` the stable group was never made smaller, so traffic is back in the first write.
    """
    candidate, stable = rollout.candidate, rollout.stable
    known = (rollout.observed.route.shares, *(rollout.shares(each) for each in all_shares))
    return (
        *(_whole_again(rollout, stable) if shrinks and stable else ()),
        Step(
            id="routes-as-before",
            action=SetTraffic(shares=rollout.observed.route.shares, known=known),
            deadline=rollout.manner.quick + rollout.manner.settles,
        ),
        *hooks(rollout, "on_abort"),
        drain("drain-candidate", candidate, rollout.service.drain, rollout.manner),
        *(unpin(rollout.observed, "unpin-stable", stable.name) if stable else ()),
        Step(id="save-candidate-logs", action=SaveLogs(group=candidate), deadline=rollout.manner.quick),
        Step(id="delete-candidate", action=DeleteGroup(group=candidate), deadline=rollout.manner.create),
    )


def _whole_again(rollout: Rollout, stable: Group) -> tuple[RollStep, ...]:
    service, health = rollout.service, replace(rollout.service.health, healthy_after=0.0)
    return (
        Step(id="stable-size", action=EnsureSize(group=stable.name, size=AsFound()), deadline=rollout.manner.create),
        Step(
            id="stable-healthy",
            action=WaitHealthy(group=stable.name, health=health, min_healthy=service.min_healthy),
            deadline=rollout.service.health.deadline,
        ),
    )


def ending(rollout: Rollout, keep: float) -> tuple[RollStep, ...]:
    """What follows the commit point: the pin is given back, whatever served is retired, one that vanished forgotten."""
    observed, shares = rollout.observed, dict(rollout.observed.route.shares)
    gone = observed.route.stable if observed.stable is None else None
    forget: RollStep = Step(id="forget-vanished", action=DeleteGroup(group=gone or ""), deadline=rollout.manner.create)
    serving = tuple(group for group in observed.groups if group.name in shares)
    return (
        *retire_all(rollout.service, observed, serving, keep),
        *unpin(observed, "unpin-candidate", rollout.candidate),
        *((forget,) if gone else ()),
    )


def retire_all(
    service: ServiceSpec, observed: Observed, groups: tuple[Group, ...], keep: float
) -> tuple[RollStep, ...]:
    """Retire several groups. All labels come first: whatever happens after them, `tend` knows what is due.

    One that phoenix did not make is left standing as it is, without traffic and without a pin.
    """
    made = tuple(group for group in groups if group.made)
    others = tuple(s for g in groups if not g.made for s in unpin(observed, f"unpin-{g.name}", g.name))
    if len(made) == 1:
        return (*retire(service, observed.manner, made[0], keep), *others)
    each = [tuple(replace(s, id=f"{s.id}-{g.name}") for s in retire(service, observed.manner, g, keep)) for g in made]
    return (*(steps[0] for steps in each), *(step for steps in each for step in steps[1:]), *others)


def retire(service: ServiceSpec, manner: Manner, former: Group, keep: float) -> tuple[RollStep, ...]:
    """What becomes of a group that serves no more: labelled first, so that whatever comes, `tend` knows.

    A kept group is not waited for: the run ends and frees the service, so that a rollback can follow at once.
    """
    label: RollStep = Step(id="keep-former", action=KeepGroup(group=former.name, seconds=keep), deadline=manner.quick)
    if keep > 0:
        return (label,)
    burn: RollStep = Step(id="burn-former", action=DeleteGroup(group=former.name), deadline=manner.create)
    return (label, drain("drain-former", former.name, service.drain, manner), burn)


def pin(observed: Observed, step: str, group: str) -> tuple[RollStep, ...]:
    """Keep the group from being made smaller; nothing where nobody would."""
    if not observed.abilities.autoscaler:
        return ()
    return (Step(id=step, action=Pin(group=group, seconds=PIN), deadline=observed.manner.quick),)


def unpin(observed: Observed, step: str, group: str) -> tuple[RollStep, ...]:
    """Give the group's pin back; nothing where there are none."""
    if not observed.abilities.autoscaler:
        return ()
    return (Step(id=step, action=Unpin(group=group), deadline=observed.manner.quick),)


def drain(step: str, group: str, seconds: float, manner: Manner) -> RollStep:
    """See that the group has no request under way, `seconds` at most."""
    return Step(id=step, action=Drain(group=group, seconds=seconds), deadline=seconds + manner.quick)


def hooks(rollout: Rollout, point: HookPoint) -> tuple[RollStep, ...]:
    """The hooks of one point; nothing where the service has none."""
    of_service = rollout.service.hooks
    found_hooks = {
        "before_traffic": of_service.before_traffic,
        "after_traffic": of_service.after_traffic,
        "on_abort": of_service.on_abort,
    }[point]
    if not found_hooks:
        return ()
    action = RunHooks(
        point=point,
        group=rollout.candidate,
        commands=tuple(hook.command for hook in found_hooks),
        timeouts=tuple(hook.timeout for hook in found_hooks),
        digests=tuple(rollout.digests.get(hook.command, "") for hook in found_hooks),
    )
    return (Step(id=point.replace("_", "-"), action=action, deadline=sum(h.timeout for h in found_hooks) + 1),)
