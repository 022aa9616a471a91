"""How plans, runs and ages look: for people and as JSON."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.model import CloudMachine, Group, Instance, LocalMachine, Release, Route
from phoenix.plan.actions import Plan, Step, to_json
from phoenix.plan.roll_actions import AsFound, Exactly, MatchLive, Rest
from phoenix.record.journal import Run

UNSAID = ("do", "health", "known", "digests")
"""What a plan for people leaves out: it is in the plan's JSON."""


def plan_data(plan: Plan[Any]) -> dict[str, Any]:
    """The plan as JSON data."""
    return to_json(plan)


def plan_text(plan: Plan[Any]) -> str:
    """The plan as a person reads it: the reason, the steps, the way back, what follows."""
    lines = [f"{short(plan.subject)}: {plan.why}"]
    for title, steps in (("steps", plan.steps), ("if anything fails", plan.back), ("afterwards", plan.cleanup)):
        if steps:
            lines.append(f"{title}:")
            lines += [f"  {number}. {_step_text(step)}" for number, step in enumerate(steps, 1)]
    return "\n".join(lines)


def _step_text(step: Step[Any]) -> str:
    fields = step.action.__dataclass_fields__
    data = {name: getattr(step.action, name) for name in fields if name not in UNSAID}
    said = {name: value for name, value in data.items() if value != fields[name].default}
    shown = [f"{name} {_brief(value)}" for name, value in said.items() if value not in (None, (), "")]
    return f"{step.id}: {step.action.do} {', '.join(shown)} (at most {step.deadline:g} s)"


def _brief(value: object) -> str:
    text = _words(value)
    return text if len(text) <= 100 else text[:97] + "..."


def _words(value: object) -> str:
    match value:
        case Exactly(size=size):
            return str(size)
        case AsFound():
            return "as it was found"
        case MatchLive(at_least=at_least, share=share):
            return f"for {share} % of the live one ({at_least} at least)"
        case Rest(at_least=at_least, share=share):
            return f"what is left of the live one beside {share} % of it ({at_least} at least)"
        case Release():
            return " ".join([value.id, value.image_ref, *(f"{p.name}={p.version}" for p in value.packages)])
        case LocalMachine(cpus=cpus, memory=memory):
            return f"{cpus} cpus with {memory // 2**20} MiB"
        case CloudMachine(type=kind):
            return kind
        case float():
            return f"{value:g}"
        case (str(), int()):
            return f"{value[0]}:{value[1]} %"
        case tuple():
            return " ".join(map(_words, value))
        case _:
            return str(value)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest fitting unit: `12s`, `5m`, `3h`, `2d`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def lasted(seconds: float | None) -> str:
    """A duration as people read it: `<1s`, `59s`, `2m05s`, `1h02m`, `2d03h`; empty for None."""
    if seconds is None:
        return ""
    whole = int(seconds)
    for unit, below, length, part in (("d", "h", 86400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // part:02d}{below}"
    return f"{whole}s" if whole > 0 else "<1s"


def short(subject: str) -> str:
    """A run's subject with a content key cut to its first 12 digits, as people compare it."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", subject)


def run_data(run: Run) -> dict[str, Any]:
    """A run's head as JSON data."""
    return {
        "id": run.id,
        "kind": run.kind,
        "subject": run.subject,
        "state": run.state,
        "who": run.owner.who,
        "host": run.owner.host,
        "pid": run.owner.pid,
        "why": run.why,
        "started": run.started,
        "ended": run.ended or None,
        "seconds": run_seconds(run, from_rfc3339(run.ended)) if run.ended else None,
    }


def run_seconds(run: Run, now: datetime) -> int:
    """How long the run took, or has taken so far; never less than 0, whatever clocks say."""
    until = from_rfc3339(run.ended) if run.ended else now
    return max(0, int((until - from_rfc3339(run.started)).total_seconds()))


def run_events(run: Run) -> list[dict[str, Any]]:
    """A run's events as JSON data."""
    return [
        {"at": e.at, "what": e.what, "part": e.part, "step": e.step or None, "data": dict(e.data)} for e in run.events
    ]


def instance_data(instance: Instance) -> dict[str, Any]:
    """An instance as JSON data."""
    return {
        "id": instance.id,
        "state": instance.state,
        "boot": instance.boot,
        "address": instance.address,
        "engine": instance.engine,
        "detail": instance.detail,
    }


def group_data(group: Group, route: Route, now: datetime) -> dict[str, Any]:
    """A group with the balancer's view of it as JSON data."""
    backend, release = route.backend(group.name), group.release
    return {
        "name": group.name,
        "service": group.service,
        "environment": group.environment,
        "share": backend.share if backend else 0,
        "size": group.size,
        "healthy": backend.healthy if backend else 0,
        "sessions": backend.requests if backend else 0,
        "made": group.made,
        "image": release.image_ref if release else None,
        "image_id": release.image if release else None,
        "release": release.id if release else None,
        "packages": {p.name: p.version for p in release.packages} if release else {},
        "created": rfc3339(group.created),
        "age": int((now - group.created).total_seconds()),
        "keep_until": rfc3339(group.keep_until) if group.keep_until else None,
        "keep_left": max(0, int((group.keep_until - now).total_seconds())) if group.keep_until else None,
        "instances": [instance_data(i) for i in group.instances],
    }
