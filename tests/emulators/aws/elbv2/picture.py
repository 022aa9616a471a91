"""What a balancer knows at a moment: the rules of its listeners and where their targets are.

It is drawn anew whenever something may have changed, and read by the threads that serve requests without a lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.aws import behind
from tests.emulators.aws.ec2.instances import Instances
from tests.emulators.aws.elbv2 import using
from tests.emulators.aws.elbv2.routes import Rule, rules_of
from tests.emulators.aws.elbv2.targets import Targets
from tests.emulators.aws.emulated import Emulated
from tests.emulators.machines.proxy import Place


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One picture."""

    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """By listener."""
    targets: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """By target group: the healthy ones, or all where none is (the balancer fails open)."""
    sticky: Mapping[str, int] = field(default_factory=dict)
    """Seconds for which a client stays with one target of a group, by group; none where it does not."""


class Pictures:
    """The pictures of the listeners that are served."""

    def __init__(self, emulated: Emulated, instances: Instances, targets: Targets) -> None:
        self._emulated = emulated
        self._instances = instances
        self._targets = targets
        self._served: set[str] = set()
        self._written: dict[str, list[tuple[float, tuple[Rule, ...]]]] = {}
        """The rules of a listener, with the moment since which they stand; the oldest first."""
        self.now = Drawn()

    def forget(self) -> None:
        """No listener is served."""
        self._served.clear()
        self._written.clear()
        self.now = Drawn()

    def serve(self, listener: str) -> None:
        """Draw this listener, too, from now on."""
        if _record(listener) is None:
            raise LookupError(f"no listener {listener}")
        self._served.add(listener)
        self.draw()

    def draw(self) -> None:
        """Draw what is."""
        if not self._served:
            return
        rules = {listener: self._rules(listener) for listener in self._served}
        groups = {arn for found in rules.values() for rule in found for arn, _weight in rule.weights}
        self.now = Drawn(
            rules=rules,
            targets={arn: self._places(arn) for arn in groups},
            sticky={arn: _sticky(arn) for arn in groups},
        )

    def _rules(self, listener: str) -> tuple[Rule, ...]:
        """Those that stand for `settings.lag`: a change reaches a balancer's nodes after it is accepted."""
        record, now = _record(listener), self._emulated.clock.now
        current = rules_of(record) if record else ()
        written = self._written.setdefault(listener, [(float("-inf"), current)])
        if written[-1][1] != current:
            written.append((now, current))
        while len(written) > 1 and written[1][0] + self._emulated.settings.lag <= now:
            written.pop(0)
        return written[0][1]

    def _places(self, arn: str) -> tuple[Place, ...]:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health.html

        "If there are no healthy targets, the load balancer sends requests to all targets."
        """
        seen = [(target, self._targets.health(arn, target).state) for target in self._targets.of(arn)]
        staying = [(target, state) for target, state in seen if state in ("healthy", "unhealthy", "initial")]
        chosen = [target for target, state in staying if state == "healthy"] or [target for target, _state in staying]
        places = ((target, self._instances.get(target.id)) for target in chosen)
        return tuple(
            Place(id=target.id, address=instance.private_ip_address if instance else target.id, port=target.port)
            for target, instance in places
        )


def _record(listener: str) -> Any | None:
    for backend in behind.elbs():
        for balancer in backend.load_balancers.values():
            if listener in balancer.listeners:
                return balancer.listeners[listener]
    return None


def _sticky(arn: str) -> int:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html"""
    group = using.target_group(arn)
    if group is None or str(group.attributes.get("stickiness.enabled")).lower() != "true":
        return 0
    return int(group.attributes.get("stickiness.lb_cookie.duration_seconds", 86400))
