"""Rollback: back to the group that served before while it is kept, else to its release in a new group.

A kept group stands at size and stays checked by the balancer, so one fresh look is the proof and traffic is back in
one write. After `keep` the release that served is rolled again, all at once whatever the strategy: who rolls back
is in a hurry. Either way the group takes its predecessor's place in the record, so that a second rollback goes one
release further back, and never to and fro.
"""

from __future__ import annotations

from phoenix import names
from phoenix.errors import RefusedError
from phoenix.manner import Manner
from phoenix.model import Group, Observed, Release
from phoenix.plan.actions import Plan, Step
from phoenix.plan.parts import WHOLE, drain, former_of, mark, pin, retire, retire_all, unpin
from phoenix.plan.roll import planned, rollback_rollout
from phoenix.plan.roll_actions import (
    DeleteGroup,
    EnsureSize,
    KeepGroup,
    MatchLive,
    RollAction,
    SetTraffic,
    WaitHealthy,
)
from phoenix.spec.services import BlueGreen, Canary, EnvironmentSpec, Rolling, ServiceSpec

PATIENCE = 30.0
"""Seconds that a rollback waits for all of the kept group; then what answers has to do."""


def rollback(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, target: str) -> Plan[RollAction]:
    """The plan that makes `target` serve again: the group itself where it stands, else what it ran.

    RefusedError where it no longer stands and the record does not know what it ran.
    """
    group = observed.group(target)
    if group is not None:
        return _to_group(service, environment, observed, group)
    remembered = observed.turn(target)
    if remembered is None:
        raise RefusedError(
            f"{service.name}/{environment.name} cannot go back to {target}",
            details=f"{target} no longer stands, and the record does not know what it ran",
            resolution="See `phoenix status`; `phoenix roll` starts a new group.",
        )
    return to_release(service, environment, observed, remembered.release, remembered.former)


def to_release(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, release: Release, former: str | None
) -> Plan[RollAction]:
    """The plan that rolls a former release in a new group. `former`: whom the record names as the one before it."""
    rollout = rollback_rollout(service, environment, release, observed, former)
    why = f"{rollout.candidate} brings release {release.id} ({release.image_ref}) back"
    fingerprint = mark(service, environment, observed, rollout.candidate, release.id, "rollback")
    return planned(rollout, BlueGreen(keep=keep_of(environment)), fingerprint, why)


def _to_group(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, target: Group
) -> Plan[RollAction]:
    stable, manner = observed.stable, observed.manner
    subject = str(names.of_service(service.name, environment.name))
    fingerprint = mark(service, environment, observed, target.name)
    before = observed.route.shares
    if before == ((target.name, WHOLE),):
        return Plan(subject=subject, why=f"{target.name} serves already: nothing to do", fingerprint=fingerprint)
    after = ((target.name, WHOLE),)
    others = tuple(g for g in observed.groups if g.name != target.name and dict(before).get(g.name))
    keep: tuple[Step[RollAction], ...] = ()
    if target.keep_until is not None:
        action = KeepGroup(group=target.name, seconds=keep_of(environment), anew=False)
        keep = (Step(id="keep-former", action=action, deadline=manner.quick),)
    shift = SetTraffic(shares=after, known=(before, after), former=former_of(observed, target.name), guarded=False)
    return Plan(
        subject=subject,
        why=f"{target.name} takes traffic back{f' from {stable.name}' if stable else ' while nothing serves'}",
        steps=(
            *pin(observed, "pin-former", target.name),
            *_readied(service, environment, manner, target),
            Step(id="shift", action=shift, deadline=manner.quick + manner.settles),
            Step(id="unlabel", action=KeepGroup(group=target.name, seconds=None), deadline=manner.quick),
        ),
        back=(
            Step(
                id="routes-as-before",
                action=SetTraffic(shares=before, known=(before, after)),
                deadline=manner.quick + manner.settles,
            ),
            *(keep or unpin(observed, "unpin-former-again", target.name)),
        ),
        cleanup=(
            *retire_all(service, observed, others, keep_of(environment)),
            *unpin(observed, "unpin-former", target.name),
        ),
        fingerprint=fingerprint,
    )


def _readied(
    service: ServiceSpec, environment: EnvironmentSpec, manner: Manner, target: Group
) -> tuple[Step[RollAction], ...]:
    """As large as what serves, as far as that can be had, and healthy: what answers has to do in the end."""
    size = MatchLive(at_least=environment.size.minimum)
    healthy = WaitHealthy(
        group=target.name,
        health=service.health,
        min_healthy=service.min_healthy,
        settled=True,
        patience=PATIENCE,
    )
    return (
        Step(
            id="former-size",
            action=EnsureSize(group=target.name, size=size, best_effort=True),
            deadline=manner.create,
        ),
        Step(id="former-healthy", action=healthy, deadline=service.health.deadline),
    )


def burn(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    observed: Observed,
    groups: tuple[Group, ...],
    *,
    adopt: bool = False,
) -> Plan[RollAction]:
    """The plan that ends groups whose `keep` is over. There is no way back from burning, so all of it is cleanup.

    RefusedError for a group that phoenix did not make, unless `adopt`.
    """
    for group in groups:
        if not adopt:
            refuse_foreign(group, f"Remove it with what made it, or say `phoenix group delete {group.name} --adopt`.")
    cleanup = tuple(
        Step(id=f"{step.id}-{group.name}", action=step.action, deadline=step.deadline)
        for group in groups
        for step in _ended(service, observed.manner, group)
    )
    named = ", ".join(group.name for group in groups)
    return Plan(
        subject=str(names.of_service(service.name, environment.name)),
        why=f"{named} is burnt",
        cleanup=cleanup,
        fingerprint=mark(service, environment, observed, *(group.name for group in groups)),
    )


def give_back(
    service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, groups: tuple[Group, ...]
) -> Plan[RollAction]:
    """The plan that gives back the pins of these groups, which a run that died or failed has left."""
    named = ", ".join(group.name for group in groups)
    return Plan(
        subject=f"{service.name}/{environment.name}",
        why=f"the pin of {named} is over",
        cleanup=tuple(step for group in groups for step in unpin(observed, f"unpin-{group.name}", group.name)),
        fingerprint=mark(service, environment, observed, *(group.name for group in groups)),
    )


def _ended(service: ServiceSpec, manner: Manner, group: Group) -> tuple[Step[RollAction], ...]:
    """One that phoenix did not make bears none of its labels, and so gets none first."""
    if group.made:
        return retire(service, manner, group, 0.0)
    burn: Step[RollAction] = Step(
        id="burn-former", action=DeleteGroup(group=group.name, adopt=True), deadline=manner.create
    )
    return (drain("drain-former", group.name, service.drain, manner), burn)


def refuse_foreign(group: Group, resolution: str) -> None:
    """RefusedError for a group that phoenix did not make: it is never made smaller and never deleted."""
    if not group.made:
        raise RefusedError(
            f"phoenix did not make {group.name} and does not change it",
            details=f"it was made for {group.service}/{group.environment}"
            if group.service
            else "it has no label of this project",
            resolution=resolution,
        )


def keep_of(environment: EnvironmentSpec) -> float:
    """How long a former group is kept, in seconds; rolling keeps none."""
    match environment.strategy:
        case BlueGreen(keep=keep) | Canary(keep=keep):
            return keep
        case Rolling():
            return 0.0


def release_of(observed: Observed, group: str) -> Release | None:
    """What the group runs or ran, as far as the world or the record knows."""
    standing, turn = observed.group(group), observed.turn(group)
    return standing.release if standing else turn.release if turn else None
