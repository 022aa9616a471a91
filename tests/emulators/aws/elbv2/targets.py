"""Targets: registered, checked, healthy or not, draining, gone. moto knows none of it.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape
from tests.emulators.aws.ec2.instances import Instances
from tests.emulators.aws.elbv2 import health, using
from tests.emulators.aws.elbv2.health import Health, Streak
from tests.emulators.aws.emulated import Emulated, Said
from tests.emulators.aws.faults import RefusedError
from tests.emulators.machines.kinds import Check, Probed

AGENT = "ELB-HealthChecker/2.0"
Place = tuple[str, int]
"""A target's id and port."""


@dataclass
class Target:
    """One registration."""

    id: str
    port: int
    since: float
    """When it was registered, or its group came into use."""
    leaving: float | None = None
    """When it was deregistered."""
    streak: Streak = field(default_factory=Streak)


class Targets:
    """The targets of all target groups."""

    def __init__(self, emulated: Emulated, instances: Instances) -> None:
        self._emulated = emulated
        self._instances = instances
        self._of: dict[str, dict[Place, Target]] = {}
        self._used: dict[str, set[str]] = {}
        """The zones in which each used group's balancers stand."""

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto."""
        answers.add(
            "elbv2",
            RegisterTargets=self._register_targets,
            DeregisterTargets=self._deregister_targets,
            DescribeTargetHealth=self._describe_target_health,
        )

    def forget(self) -> None:
        """None is left."""
        self._of.clear()
        self._used.clear()

    def look(self) -> None:
        """See which target groups are used by now: the checks of one that newly is begin."""
        now = {arn: using.zones(balancers) for arn, balancers in using.used().items()}
        for arn in now.keys() - self._used.keys():
            for target in self._of.get(arn, {}).values():
                target.since, target.streak = self._emulated.clock.now, Streak()
        for arn in self._of.keys() - {arn for backend in behind.elbs() for arn in backend.target_groups}:
            del self._of[arn]
        self._used = now

    def used(self, arn: str) -> bool:
        """Whether a rule forwards to the group."""
        return arn in self._used

    def register(self, arn: str, id: str, port: int | None = None) -> None:
        """Register a target, or take back its deregistration."""
        group = using.target_group(arn)
        if group is None:
            return
        place = (id, int(port or group.port))
        there = self._of.setdefault(arn, {}).get(place)
        if there is None or there.leaving is not None:
            self._of[arn][place] = Target(id=id, port=place[1], since=self._emulated.clock.now)

    def deregister(self, arn: str, id: str, port: int | None = None) -> None:
        """Take a target off: it drains where the group is used. One that is not there is off."""
        for place, target in list(self._of.get(arn, {}).items()):
            if id != target.id or (port is not None and port != target.port) or target.leaving is not None:
                continue
            if self.used(arn):
                target.leaving = self._emulated.clock.now
            else:
                del self._of[arn][place]

    def drain(self, arn: str) -> float:
        """Seconds for which targets of the group drain."""
        group = using.target_group(arn)
        if self._emulated.settings.drain is not None:
            return self._emulated.settings.drain
        return float(group.attributes["deregistration_delay.timeout_seconds"]) if group else 0.0

    def registered(self, arn: str, id: str) -> bool:
        """Whether an instance is a target that does not leave."""
        return any(target.id == id and target.leaving is None for target in self._of.get(arn, {}).values())

    def of(self, arn: str) -> list[Target]:
        """All that a group still shows."""
        kept, now, drain = self._of.get(arn, {}), self._emulated.clock.now, self.drain(arn)
        for place, target in list(kept.items()):
            if target.leaving is not None and now >= target.leaving + drain:
                del kept[place]
        return list(kept.values())

    def health_of(self, arn: str, id: str) -> Health:
        """The health of an instance in a group, on whatever port."""
        for target in self.of(arn):
            if target.id == id:
                return self.health(arn, target)
        return health.ABSENT

    def health(self, arn: str, target: Target) -> Health:
        """How the balancer sees it now."""
        if target.leaving is not None:
            return health.LEAVING
        if not self.used(arn):
            return health.UNUSED
        instance = self._instances.get(target.id)
        if target.id.startswith("i-"):
            if instance is None or instance.state in ("stopped", "stopping", "terminated", "shutting-down"):
                return health.STOPPED
            if instance.availability_zone not in self._used[arn]:
                return health.ELSEWHERE
        if self._emulated.clock.now < target.since + self._emulated.settings.initial:
            return health.REGISTERING
        if not self._emulated.machines.real:
            self.checked(arn, target, self.told(target.id) or self._ask(arn, target))
        return target.streak.health

    def checked(self, arn: str, target: Target, probed: Probed) -> None:
        """Take in the answer to one check."""
        group = using.target_group(arn)
        if group is None:
            return
        real = self._emulated.machines.real
        target.streak = target.streak.after(
            probed,
            good=_good(group, probed),
            healthy_after=int(group.healthy_threshold_count) if real else 1,
            unhealthy_after=int(group.unhealthy_threshold_count) if real else 1,
        )

    def told(self, id: str) -> Probed | None:
        """What a test has said of the machine."""
        for name in self._instances.names(id) if self._emulated.told else ():
            told = self._emulated.told.get(name)
            if told:
                return self._as_told(told)
        return None

    def _as_told(self, told: Said) -> Probed | None:
        if self._emulated.clock.now < told.since + self._emulated.settings.unhealthy:
            return None
        return Probed(status=told.status, error=told.error)

    def check(self, arn: str, target: Target) -> Check:
        """The check of the group, as its machine is asked it."""
        group: Any = using.target_group(arn)
        port = group.health_check_port
        return Check(
            agent=AGENT,
            port=target.port if port in (None, "traffic-port") else int(port),
            path=group.health_check_path or "/",
            timeout=float(group.health_check_timeout_seconds),
        )

    def to_check(self) -> Iterator[tuple[str, Target]]:
        """What a balancer sends checks to."""
        for arn in self._used:
            for target in self.of(arn):
                if (
                    target.leaving is None
                    and self._emulated.clock.now >= target.since + self._emulated.settings.initial
                ):
                    yield arn, target

    def _ask(self, arn: str, target: Target) -> Probed:
        return self._emulated.machines.probe(target.id, self.check(arn, target))

    def _register_targets(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html"""
        arn = _group(asked)
        idle = [target["Id"] for target in asked.get("Targets", []) if not self._takes(target["Id"])]
        if idle:
            raise RefusedError(
                "InvalidTarget",
                "The following targets are not in a running state and cannot be registered: "
                + ", ".join(f"'{id}'" for id in idle),
            )
        for target in asked.get("Targets", []):
            self.register(arn, target["Id"], target.get("Port"))
        return {}

    def _takes(self, id: str) -> bool:
        return not id.startswith("i-") or self._instances.state(id) == "running"

    def _deregister_targets(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html"""
        arn = _group(asked)
        for target in asked.get("Targets", []):
            self.deregister(arn, target["Id"], target.get("Port"))
        return {}

    def _describe_target_health(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html"""
        arn = _group(asked)
        group: Any = using.target_group(arn)
        wanted: list[Mapping[str, Any]] = asked.get("Targets", [])
        shown = [(target, self.health(arn, target)) for target in self.of(arn)]
        if wanted:
            shown = [
                found
                for one in wanted
                for found in (
                    [(t, h) for t, h in shown if t.id == one["Id"] and one.get("Port") in (None, t.port)]
                    or [(Target(id=one["Id"], port=int(one.get("Port") or group.port), since=0), health.ABSENT)]
                )
            ]
        return {"TargetHealthDescriptions": [_shape(arn, self.check(arn, t).port, t, h) for t, h in shown]}


def _good(group: Any, probed: Probed) -> bool:
    """A check over HTTP has a matcher; one over TCP passes with any answer."""
    matcher = getattr(group, "matcher", None) or {"HttpCode": "1-999"}
    return health.passes(str(matcher.get("HttpCode") or "200"), probed.status)


def _group(asked: Asked) -> str:
    arn = str(asked.get("TargetGroupArn"))
    if using.target_group(arn) is None:
        raise RefusedError("TargetGroupNotFound", f"Target groups '{arn}' not found")
    return arn


def _shape(arn: str, check: int, target: Target, seen: Health) -> Shape:
    state = {"State": seen.state}
    if seen.reason:
        state |= {"Reason": seen.reason, "Description": seen.description}
    return {
        "Target": {"Id": target.id, "Port": target.port},
        "HealthCheckPort": str(check),
        "TargetHealth": state,
    }
