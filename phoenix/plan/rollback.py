"""Rollback: back to the group that served before, while it is kept.

It takes the rollout's actions in another order. A kept group stands at size and stays checked by the
balancer, so one fresh look is the proof and traffic is back in one write.
"""

from __future__ import annotations

from dataclasses import replace

from phoenix.errors import RefusedError
from phoenix.model import Group, Observed
from phoenix.plan.actions import EnsureSize, KeepGroup, MatchLive, Plan, RollAction, SetTraffic, Step, WaitHealthy
from phoenix.plan.blue_green import CREATE, QUICK, observed_fingerprint, retire
from phoenix.spec.services import BlueGreen, Canary, EnvironmentSpec, Rolling, ServiceSpec


def rollback(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed, target: str) -> Plan[RollAction]:
    """The plan that gives `target`, a group that still stands, all traffic again, from whatever serves now, if any."""
    stable, former = observed.stable, observed.group(target)
    if former is None:
        raise RefusedError(
            f"{service.name}/{environment.name} cannot go back to {target}",
            details=f"{target} no longer stands",
            resolution="See `phoenix status`; `phoenix roll` starts a new group.",
        )
    subject = f"{service.name}/{environment.name}"
    mark = observed_fingerprint(former.release, observed)
    if stable is not None and former.name == stable.name:
        return Plan(subject=subject, why=f"{target} serves already: nothing to do", fingerprint=mark)
    return Plan(
        subject=subject,
        why=f"{former.name} takes traffic back{f' from {stable.name}' if stable else ' while nothing serves'}",
        steps=(
            Step(id="unlabel", action=KeepGroup(group=former.name, seconds=None), deadline=QUICK),
            Step(
                id="former-size",
                action=EnsureSize(group=former.name, size=MatchLive(at_least=environment.size.minimum)),
                deadline=CREATE,
            ),
            Step(
                id="former-healthy",
                action=WaitHealthy(group=former.name, health=replace(service.health, healthy_after=0.0)),
                deadline=service.health.deadline,
            ),
            Step(id="shift", action=SetTraffic(shares=((former.name, 100),)), deadline=QUICK),
        ),
        back=(
            Step(
                id="stable-traffic", action=SetTraffic(shares=((stable.name, 100),) if stable else ()), deadline=QUICK
            ),
            Step(id="keep-former", action=KeepGroup(group=former.name, seconds=_keep(environment)), deadline=QUICK),
        ),
        cleanup=retire(service, stable, _keep(environment)) if stable else (),
        fingerprint=mark,
    )


def burn(service: ServiceSpec, environment: EnvironmentSpec, groups: tuple[Group, ...]) -> Plan[RollAction]:
    """The plan that ends groups whose `keep` is over. There is no way back from burning, so all of it is cleanup."""
    cleanup = tuple(
        Step(id=f"{step.id}-{group.name}", action=step.action, deadline=step.deadline)
        for group in groups
        for step in retire(service, group, 0.0)
    )
    named = ", ".join(group.name for group in groups)
    return Plan(subject=f"{service.name}/{environment.name}", why=f"{named} is burnt", cleanup=cleanup)


def _keep(environment: EnvironmentSpec) -> float:
    """How long a former group is kept, in seconds; rolling keeps none."""
    match environment.strategy:
        case BlueGreen(keep=keep) | Canary(keep=keep):
            return keep
        case Rolling():
            return 0.0
