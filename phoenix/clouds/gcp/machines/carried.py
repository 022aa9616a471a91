"""What of a live group its successor gets: what Google tells of the one, turned into what is asked of the other.

Size, machines and release are phoenix.yaml's. The autoscaler's signals, schedules and controls are taken over, and
where machines may be; what is not is named, so that nobody finds out at night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phoenix.clouds.gcp import labels, links
from phoenix.clouds.gcp.calls import Answer
from phoenix.clouds.gcp.machines import group_reading, pins

SPREAD = "BALANCED"
_SIGNALS = ("cpuUtilization", "customMetricUtilizations", "loadBalancingUtilization", "scalingSchedules")
"""What tells an autoscaler how many machines are needed."""
_CONTROLS = ("coolDownPeriodSec", "stabilizationPeriodSec", "scaleInControl")
_USUAL_SHAPES = ("", "EVEN", SPREAD)


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """What Google tells of a live group, call by call."""

    group: Answer
    autoscaler: Answer | None = None
    own_configs: tuple[str, ...] = ()
    """The machines that have a configuration of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What is asked for the successor."""

    policy: Mapping[str, Any] = field(default_factory=dict)
    """Signals, and how they are acted on, of its autoscaler; empty: it had none."""
    mode: str = "ON"
    """The autoscaler's, without a pin."""
    zones: tuple[str, ...] = ()
    """Where phoenix.yaml says nothing."""
    spread: str = SPREAD
    """The target shape of a group in a region."""
    size: int = 0
    """How many machines the live group wants; 0: nobody knows of one."""
    recommended: int = 0
    """How many its autoscaler would have, in whatever mode it is."""


NOTHING = Carried()


def carried(live: Live, *, to: str, cpu: bool) -> Carried:
    """What the group `to` gets of `live`. `cpu`: phoenix.yaml has a signal for the load, which wins.

    The zones of a group that phoenix made are phoenix.yaml's of then; those of another are somebody's choice.
    """
    seen = group_reading.found(live.group)
    shape = live.group.get("distributionPolicy", {}).get("targetShape", "")
    return Carried(
        policy=_policy(live, to, cpu=cpu),
        mode=_mode(live),
        zones=() if seen.made else _zones(live.group),
        spread=SPREAD if shape in _USUAL_SHAPES else shape,
        size=seen.size,
        recommended=int(live.autoscaler.get("recommendedSize", 0)) if live.autoscaler else 0,
    )


def not_carried(live: Live) -> tuple[str, ...]:
    """What the successor would lack, in words, each with its name."""
    return tuple(_not_carried(live))


def _not_carried(live: Live) -> Iterator[str]:
    group = live.group
    if group.get("statefulPolicy", {}).get("preservedState"):
        yield f"stateful policy{_kept(group['statefulPolicy']['preservedState'])}"
    for name in live.own_configs:
        yield f"per-instance config of {name}"
    if group.get("targetSuspendedSize") or group.get("targetStoppedSize") or _standby(group):
        yield "standby pool of suspended or stopped machines"
    for version in group.get("versions", ())[1:]:
        yield f"version {version.get('name') or links.name_of(version.get('instanceTemplate', ''))} beside the first"
    if group.get("instanceFlexibilityPolicy"):
        yield "instance flexibility policy"
    if group.get("resourcePolicies", {}).get("workloadPolicy"):
        yield f"workload policy {links.name_of(group['resourcePolicies']['workloadPolicy'])}"
    for pool in group.get("targetPools", ()):
        yield f"target pool {links.name_of(pool)}"
    yield from _of_all_machines(group)
    if group.get("updatePolicy", {}).get("type") == "PROACTIVE" and not group_reading.found(group).made:
        yield "proactive update policy: phoenix replaces groups, and never machines in one"


def _of_all_machines(group: Answer) -> Iterator[str]:
    properties = group.get("allInstancesConfig", {}).get("properties", {})
    own = [key for key in properties.get("labels", {}) if not key.startswith(labels.PREFIX)]
    for kind, keys in (("label", own), ("metadata", properties.get("metadata", {}))):
        for key in sorted(keys):
            yield f"all-instances {kind} {key}"


def _kept(state: Mapping[str, Any]) -> str:
    names = sorted({name for kind in state.values() if isinstance(kind, Mapping) for name in kind})
    return f" for {', '.join(names)}" if names else ""


def _standby(group: Answer) -> bool:
    return group.get("standbyPolicy", {}).get("mode", "") not in ("", "MANUAL")


def told(live: Live) -> tuple[str, ...]:
    """What is special about the live group just now: machines set aside, an autoscaler that somebody stopped."""
    seen, scaler = live.group, live.autoscaler
    aside = int(seen.get("targetSuspendedSize", 0)) + int(seen.get("targetStoppedSize", 0))
    found = []
    if aside:
        found.append(f"{aside} of its machines are suspended or stopped: somebody has set them aside")
    if scaler and _mode(live) == "OFF":
        wanted = scaler.get("recommendedSize")
        recommends = "" if wanted is None else f"; it would have {wanted} machines"
        found.append(f"its autoscaler {scaler['name']} is off{recommends}")
    return tuple(found)


def busy(live: Live) -> str:
    """What replaces the machines of the live group by itself just now; empty: nothing."""
    group = live.group
    if group.get("updatePolicy", {}).get("type") != "PROACTIVE":
        return ""
    status = group.get("status", {})
    reached = status.get("versionTarget", {}).get("isReached", True)
    if reached:
        return ""
    names = ", ".join(links.name_of(each.get("instanceTemplate", "")) for each in group.get("versions", ()))
    return f"the group's own updater brings its machines to {names or links.name_of(group['instanceTemplate'])}"


def _zones(group: Answer) -> tuple[str, ...]:
    return tuple(links.name_of(each["zone"]) for each in group.get("distributionPolicy", {}).get("zones", ()))


def _mode(live: Live) -> str:
    """The autoscaler's mode as somebody set it: a pin of ours is not taken over."""
    if live.autoscaler is None:
        return "ON"
    owed = pins.owed(group_reading.found(live.group), live.autoscaler)
    now = str(live.autoscaler.get("autoscalingPolicy", {}).get("mode") or "ON")
    return owed.mode if owed and owed.mode and now == pins.PINNED else now


def _policy(live: Live, to: str, *, cpu: bool) -> Mapping[str, Any]:
    """Nothing where no signal is left: controls alone make no autoscaler."""
    if live.autoscaler is None:
        return {}
    policy = live.autoscaler.get("autoscalingPolicy", {})
    ours = labels.CPU in labels.from_description(live.autoscaler.get("description", ""))
    dropped = {"cpuUtilization"} if ours and not cpu else set()
    signals = {key: policy[key] for key in _SIGNALS if policy.get(key) and key not in dropped}
    if not signals:
        return {}
    controls = {key: policy[key] for key in _CONTROLS if key in policy}
    renamed: Mapping[str, Any] = _replaced({**signals, **controls}, {live.group["name"]: to})
    return renamed


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    """The value with these names exchanged, where a metric's filter names the group."""
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(f'"{old}"', f'"{new}"')
        return value
    if isinstance(value, Mapping):
        return {key: _replaced(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, names) for each in value]
    return value
