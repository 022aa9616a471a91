"""A roll's plan: nothing to do, or the course of the environment's strategy for a new numbered group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from phoenix import names
from phoenix.errors import RefusedError
from phoenix.manner import Survey
from phoenix.model import Group, InstanceState, Observed, Release, Repository
from phoenix.plan.actions import Plan
from phoenix.plan.blue_green import blue_green
from phoenix.plan.canary import canary
from phoenix.plan.parts import Course, Rollout, mark
from phoenix.plan.roll_actions import RollAction
from phoenix.plan.rolling import rolling
from phoenix.plan.shapes import shape
from phoenix.spec.services import BlueGreen, Canary, EnvironmentSpec, Rolling, ServiceSpec, Strategy


def roll(
    service: ServiceSpec,
    environment: EnvironmentSpec,
    strategy: Strategy,
    release: Release,
    observed: Observed,
    digests: Mapping[str, str],
    *,
    hold: bool = False,
    adopt: bool = False,
    survey: Survey | None = None,
) -> Plan[RollAction]:
    """The plan that makes `release` serve. Empty where the stable group already runs it at its size.

    `digests`: SHA-256 of each hook command's file. `hold`: a person promotes before the first traffic. `adopt`: a
    group that phoenix did not make may lose its traffic; without, RefusedError. `survey`: of the stable group.
    RefusedError also for a canary where the balancer has no exact shares, where the stable group replaces its machines
    by itself, and for settings that its successor would lack, unless phoenix.yaml accepts that.
    """
    subject, stable = str(names.of_service(service.name, environment.name)), observed.stable
    candidate = _next_group(service, environment, observed)
    fingerprint = mark(service, environment, observed, candidate, release.id, f"hold={hold}", repr(strategy))
    if stable is not None and runs_already(stable, release, service, environment):
        why = f"{stable.name} already serves release {release.id}: nothing to do"
        return Plan(subject=subject, why=why, fingerprint=fingerprint)
    foreign = tuple(g for g in observed.groups if not g.made and dict(observed.route.shares).get(g.name))
    if not adopt:
        _refuse_foreign(foreign, subject)
    _refuse_inexact(strategy, observed, subject)
    if stable is not None and survey is not None:
        _refuse_unfit(stable, survey, environment)
    rollout = Rollout(
        service=service,
        environment=environment,
        release=release,
        observed=observed,
        candidate=candidate,
        digests=digests,
        hold=hold,
        former=observed.route.stable,
        alarms=strategy.alarms,
    )
    return replace(
        planned(rollout, strategy, fingerprint, _why(rollout)),
        notes=tuple(_notes(rollout, foreign, survey or Survey())),
    )


def planned(rollout: Rollout, strategy: Strategy, fingerprint: str, why: str) -> Plan[RollAction]:
    """The plan of the strategy's course."""
    course = _course(rollout, strategy)
    return Plan(
        subject=str(names.of_service(rollout.service.name, rollout.environment.name)),
        why=why,
        steps=course.steps,
        back=course.back,
        cleanup=course.cleanup,
        fingerprint=fingerprint,
    )


def rollback_rollout(
    service: ServiceSpec, environment: EnvironmentSpec, release: Release, observed: Observed, former: str | None
) -> Rollout:
    """The rollout of a former release in a new group. `former`: the group that the record names as the one before."""
    return Rollout(
        service=service,
        environment=environment,
        release=release,
        observed=observed,
        candidate=_next_group(service, environment, observed),
        digests={},
        hold=False,
        former=former,
    )


def runs_already(stable: Group, release: Release, service: ServiceSpec, environment: EnvironmentSpec) -> bool:
    """Whether rolling would change nothing: this release on such machines, enough of them, none dead.

    Machines that would not trust a repository's newest key are others: once it signs alone, new ones install nothing.
    """
    if not stable.made:
        return False  # of another place, as where a service was renamed: it serves here until it is adopted
    whole = all(instance.state is not InstanceState.DEAD for instance in stable.staying)
    same = (
        stable.release is not None
        and stable.release.id == release.id
        and stable.shape
        in (
            "",  # made by a version that did not write it down
            shape(environment.machine, service.port, service.health, environment.size.limits, environment.zones),
        )
    )
    return same and whole and stable.size >= environment.size.minimum and _trusts(stable.release, release)


def _trusts(known: Release | None, release: Release) -> bool:
    """Whether new machines of the release `known` trust the repositories as those of `release` do."""
    newest = {repository.name: repository for repository in release.repositories}
    return all(
        _knows(repository, newest[repository.name])
        for repository in (known.repositories if known else ())
        if repository.name in newest
    )


def _knows(known: Repository, newest: Repository) -> bool:
    """Whether who has the key of `known` trusts what the repository's newest key signs."""
    if not (known.key and newest.key):
        return True  # unsigned: whoever answers is trusted
    return newest.keys[-1] in known.keys if known.keys and newest.keys else known.key == newest.key


def _next_group(service: ServiceSpec, environment: EnvironmentSpec, observed: Observed) -> str:
    taken = frozenset(group.name for group in observed.groups) | {b.group for b in observed.route.backends}
    return names.next_group(service.name, environment.name, taken, observed.last_number)


def _course(rollout: Rollout, strategy: Strategy) -> Course:
    """The strategy's, where exactly one group serves. From none or several there is nothing to divide: one write.

    Rolling makes the stable group smaller, which phoenix does to none but its own.
    """
    stable = rollout.stable
    one = stable is not None and len(rollout.observed.route.shares) == 1
    match strategy:
        case BlueGreen(keep=keep):
            return blue_green(rollout, keep)
        case Canary(keep=keep):
            return canary(rollout, strategy) if one else blue_green(rollout, keep)
        case Rolling():
            return rolling(rollout, strategy) if one and stable and stable.made else blue_green(rollout, 0.0)
        case _:
            assert_never(strategy)


def _refuse_foreign(foreign: tuple[Group, ...], subject: str) -> None:
    if foreign:
        raise RefusedError(
            "; ".join(_serves(group, subject) for group in foreign),
            details="a roll would take its traffic away; the group itself would be left standing",
            resolution="Say so with --adopt.",
        )


def _serves(group: Group, subject: str) -> str:
    if _elsewhere(group, subject):
        return f"{_origin(group, subject)}, and it serves {subject}"
    return f"phoenix did not make {group.name}, which serves {subject}"


def _origin(group: Group, subject: str) -> str:
    """Who made a group that is not this place's; of one whose service was renamed it says by which name."""
    elsewhere = _elsewhere(group, subject)
    return f"phoenix made {group.name} for {elsewhere}" if elsewhere else f"phoenix did not make {group.name}"


def _elsewhere(group: Group, subject: str) -> str:
    """The other place that the group was made for; empty where phoenix did not make it."""
    place = f"{group.service}/{group.environment}"
    return place if group.service and place != subject else ""


def _refuse_unfit(stable: Group, survey: Survey, environment: EnvironmentSpec) -> None:
    if survey.busy:
        raise RefusedError(
            f"{stable.name} replaces its machines by itself just now",
            details=survey.busy,
            resolution="Wait for its end, or end it, then roll.",
        )
    if survey.not_carried and not environment.accepts_not_carried:
        raise RefusedError(
            f"{stable.name} has settings that a new group would lack",
            details=f"not carried over: {', '.join(survey.not_carried)}",
            resolution=f"Take them off, or say `not_carried: accept` in the environment {environment.name}.",
        )


def _notes(rollout: Rollout, foreign: tuple[Group, ...], survey: Survey) -> Iterator[str]:
    """What a person should know of the ground, and of the groups that are replaced. No numbers that move."""
    yield from (f"{output} is {value}" for output, value in rollout.environment.stands_on)
    subject = str(names.of_service(rollout.service.name, rollout.environment.name))
    yield from (_left_standing(group, subject) for group in foreign)
    stable, most = rollout.stable, rollout.environment.size.maximum
    if rollout.manner.first_serves and not rollout.observed.route.backends:
        yield f"{rollout.candidate} is the only group of its balancer, which gives it all traffic from its first moment"
    if stable is None:
        return
    if survey.not_carried:
        yield f"not carried over from {stable.name}: {', '.join(survey.not_carried)}"
    if survey.told:
        yield f"{stable.name}: {', '.join(survey.told)}"
    if stable.size > most:
        yield f"{stable.name} has more machines than the {most} of phoenix.yaml: {rollout.candidate} gets as many"


def _left_standing(group: Group, subject: str) -> str:
    return (
        f"{_origin(group, subject)}: it loses its traffic and is left standing as it is; "
        f"`phoenix group delete {group.name} --adopt` removes it"
    )


def _refuse_inexact(strategy: Strategy, observed: Observed, subject: str) -> None:
    if isinstance(strategy, Canary) and not observed.manner.exact_shares:
        raise RefusedError(
            f"{subject} cannot be rolled as a canary",
            details="its balancer has no exact shares: whoever has a share gets what its machines can bear",
            resolution="Roll blue-green or rolling, or give it a balancer with exact shares.",
        )


def _why(rollout: Rollout) -> str:
    release, stable = rollout.release, rollout.stable
    wanted = ", ".join([release.image_ref, *(f"{p.name}={p.version}" for p in release.packages)])
    if stable is None:
        return f"nothing serves yet: start {rollout.candidate} with {wanted}"
    return f"{stable.name} is replaced by {rollout.candidate} with {wanted}"
