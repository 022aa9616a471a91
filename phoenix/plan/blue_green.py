"""Blue-green: start a whole candidate group, prove it healthy, move all traffic in one write, keep the former.

The stable group is never shrunk, so the way back returns traffic at once.
"""

from __future__ import annotations

from typing import Literal

from phoenix import names
from phoenix.model import Group, InstanceState, Observed, Release
from phoenix.plan.actions import (
    CreateGroup,
    DeleteGroup,
    Drain,
    KeepGroup,
    MatchLive,
    Plan,
    RollAction,
    RunHooks,
    SaveLogs,
    SetTraffic,
    Step,
    WaitHealthy,
    fingerprint,
)
from phoenix.spec.services import BlueGreen, EnvironmentSpec, ServiceSpec

RollStep = Step[RollAction]
HookPoint = Literal["before_traffic", "after_traffic", "on_abort"]

QUICK = 60.0
"""Deadline in seconds for a step that is a call or two."""
CREATE = 300.0
"""Deadline in seconds for starting machines, without their boot."""


def blue_green(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    strategy: BlueGreen,
    release: Release,
    observed: Observed,
    hook_digests: dict[str, str],
) -> Plan[RollAction]:
    """The plan that makes `release` serve. Empty where the stable group already runs it at its size.

    `hook_digests`: SHA-256 of each hook command's file, so that a resumed run notices other hooks.
    """
    subject = f"{service.name}/{environment.name}"
    stable = observed.stable
    mark = observed_fingerprint(release, observed)
    if stable is not None and runs_already(stable, release, environment):
        why = f"{stable.name} already serves release {release.id}: nothing to do"
        return Plan(subject=subject, why=why, fingerprint=mark)
    taken = frozenset(group.name for group in observed.groups) | {b.group for b in observed.route.backends}
    candidate = names.next_group(service.name, environment.name, taken, observed.last_number)
    size = MatchLive(at_least=environment.size.minimum)
    return Plan(
        subject=subject,
        why=_why(stable, candidate, release),
        steps=(
            _create(service, environment, candidate, release, size),
            Step(
                id="candidate-healthy",
                action=WaitHealthy(group=candidate, health=service.health),
                deadline=service.health.deadline,
            ),
            *_hooks(service, "before_traffic", candidate, hook_digests),
            Step(id="shift", action=SetTraffic(shares=((candidate, 100),)), deadline=QUICK),
            *_hooks(service, "after_traffic", candidate, hook_digests),
        ),
        back=_back(service, _shares(observed), candidate, hook_digests),
        cleanup=retire(service, stable, strategy.keep) if stable else _forget_vanished(observed),
        fingerprint=mark,
    )


def runs_already(stable: Group, release: Release, environment: EnvironmentSpec) -> bool:
    """Whether rolling `release` would change nothing: it serves, at the size asked for at least, no machine dead."""
    whole = all(instance.state is not InstanceState.DEAD for instance in stable.instances)
    return stable.release.id == release.id and stable.size >= environment.size.minimum and whole


def observed_fingerprint(release: Release, observed: Observed) -> str:
    """Identities and routes a plan was made for; never sizes or health, which move while a plan runs."""
    groups = [f"{group.name}={group.release.id}" for group in observed.groups]
    routes = [f"{backend.group}:{backend.share}" for backend in observed.route.backends]
    return fingerprint([release.id, *groups, *routes])


def retire(service: ServiceSpec, former: Group, keep: float) -> tuple[RollStep, ...]:
    """What becomes of a group that serves no more: labelled first, so that whatever comes, `tend` knows.

    A kept group is not waited for: the run ends and frees the service, so that a rollback can follow at once.
    """
    label: RollStep = Step(id="keep-former", action=KeepGroup(group=former.name, seconds=keep), deadline=QUICK)
    if keep > 0:
        return (label,)
    burn: RollStep = Step(id="burn-former", action=DeleteGroup(group=former.name), deadline=CREATE)
    return (label, _drain("drain-former", former.name, service.drain), burn)


def _shares(observed: Observed) -> tuple[tuple[str, int], ...]:
    """The routes as they are, also to a group that somebody removed by hand."""
    return tuple((backend.group, backend.share) for backend in observed.route.backends if backend.share)


def _forget_vanished(observed: Observed) -> tuple[RollStep, ...]:
    """A group that gets traffic and no longer stands is taken off the balancer once another serves."""
    gone = observed.route.stable
    if gone is None:
        return ()
    return (Step(id="forget-vanished", action=DeleteGroup(group=gone), deadline=CREATE),)


def _why(stable: Group | None, candidate: str, release: Release) -> str:
    wanted = ", ".join([release.image_ref, *(f"{p.name}={p.version}" for p in release.packages)])
    if stable is None:
        return f"nothing serves yet: start {candidate} with {wanted}"
    return f"{stable.name} is replaced by {candidate} with {wanted}"


def _create(
    service: ServiceSpec, environment: EnvironmentSpec, candidate: str, release: Release, size: MatchLive
) -> RollStep:
    action = CreateGroup(
        group=candidate,
        release=release,
        size=size,
        machine=environment.machine,
        port=service.port,
        health=service.health,
    )
    return Step(id="create-candidate", action=action, deadline=CREATE)


def _back(
    service: ServiceSpec, shares: tuple[tuple[str, int], ...], candidate: str, digests: dict[str, str]
) -> tuple[RollStep, ...]:
    """Right from any point: give every group the share it had, then take the candidate away with its logs saved.

    The stable group was never shrunk, so it needs no size and no wait: traffic is back in the first write.
    """
    return (
        Step(id="routes-as-before", action=SetTraffic(shares=shares), deadline=QUICK),
        *_hooks(service, "on_abort", candidate, digests),
        _drain("drain-candidate", candidate, service.drain),
        Step(id="save-candidate-logs", action=SaveLogs(group=candidate), deadline=QUICK),
        Step(id="delete-candidate", action=DeleteGroup(group=candidate), deadline=CREATE),
    )


def _drain(step: str, group: str, seconds: float) -> RollStep:
    return Step(id=step, action=Drain(group=group, seconds=seconds), deadline=seconds + QUICK)


def _hooks(service: ServiceSpec, point: HookPoint, group: str, digests: dict[str, str]) -> tuple[RollStep, ...]:
    hooks = {
        "before_traffic": service.hooks.before_traffic,
        "after_traffic": service.hooks.after_traffic,
        "on_abort": service.hooks.on_abort,
    }[point]
    if not hooks:
        return ()
    action = RunHooks(
        point=point,
        group=group,
        commands=tuple(hook.command for hook in hooks),
        timeouts=tuple(hook.timeout for hook in hooks),
        digests=tuple(digests.get(hook.command, "") for hook in hooks),
    )
    return (Step(id=point.replace("_", "-"), action=action, deadline=sum(h.timeout for h in hooks) + 1),)
