"""Pins: what keeps a group from being made smaller by itself, and what has to be given back afterwards.

The autoscaler's mode := ONLY_SCALE_OUT, so that it may still make the group larger
(https://cloud.google.com/compute/docs/autoscaler/managing-autoscalers#turning_off_or_restricting_an_autoscaler).
Redistribution over zones, which ends machines as it likes, no group of phoenix has. What was before stands beside the
pin's end, so that whoever finds the pin over can give it back: of a group that phoenix made among the labels for all of
its machines, of another in its autoscaler's description, since there labels would change somebody's machines. A group
that has no autoscaler is made smaller by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.calls import Answer
from phoenix.clouds.gcp.machines.group_reading import Found

PINNED = "ONLY_SCALE_OUT"
KEYS = (labels.PINNED_UNTIL, labels.PINNED_MODE, labels.PINNED_LEAST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """What a pin gives back."""

    mode: str
    """The autoscaler's before; empty: it had none, or nobody wrote it down."""
    least: int | None
    """Its minimum before."""
    description: str = ""
    """Its description before, where the pin stands in there."""


def owed(group: Found, autoscaler: Answer | None) -> Owed | None:
    """What the group's pin has to give back; None where it has none. Whoever pins again does not forget it."""
    found = group.labels if group.made else _in(autoscaler)
    if not found.get(labels.PINNED_UNTIL):
        return None
    least = found.get(labels.PINNED_LEAST, "")
    return Owed(
        mode=found.get(labels.PINNED_MODE, "").upper(),
        least=int(least) if least.isdecimal() else None,
        description=found.get(labels.FORMERLY, ""),
    )


def taken(group: Found, autoscaler: Answer | None) -> Owed:
    """What a pin of this group will have to give back: what the one before it owes, else what there is now."""
    there = owed(group, autoscaler)
    if there is not None and (there.mode or autoscaler is None):
        return there
    policy = autoscaler.get("autoscalingPolicy", {}) if autoscaler else {}
    return Owed(
        mode=str(policy.get("mode") or "ON") if autoscaler else "",
        least=int(policy.get("minNumReplicas", 0)) if autoscaler else None,
        description=autoscaler.get("description", "") if autoscaler else "",
    )


def written(pin: Owed, until: datetime) -> dict[str, str]:
    """How it is written among the labels."""
    return {
        labels.PINNED_UNTIL: labels.moment(until),
        labels.PINNED_MODE: pin.mode.lower(),
        labels.PINNED_LEAST: "" if pin.least is None else str(pin.least),
    }


def described(pin: Owed, until: datetime) -> str:
    """How it is written into the description of somebody's autoscaler; what that said before is kept in it."""
    whole = {**written(pin, until), labels.FORMERLY: pin.description}
    return labels.described(whole)


def until(group: Found, autoscaler: Answer | None) -> str:
    """The end of the group's pin as it is written; empty where there is none."""
    found = group.labels if group.made else _in(autoscaler)
    return found.get(labels.PINNED_UNTIL, "")


def _in(autoscaler: Answer | None) -> Mapping[str, str]:
    text = autoscaler.get("description", "") if autoscaler else ""
    return labels.from_description(text)


def given_back(pin: Owed, policy: Mapping[str, Any]) -> dict[str, Any]:
    """What of the autoscaler's policy is set back: its mode where it is still the pin's, and its minimum.

    A minimum that is not the pin's to move, below what was, was set by somebody meanwhile.
    """
    mode = {"mode": pin.mode} if pin.mode and pin.mode != PINNED and policy.get("mode") == PINNED else {}
    least = policy.get("minNumReplicas")
    moved = pin.least is not None and least is not None and int(least) > pin.least
    return {**mode, **({"minNumReplicas": pin.least} if moved else {})}
