"""How plans, runs and ages look: for people and as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phoenix.clock import from_rfc3339, rfc3339
from phoenix.model import Group, Instance, Route
from phoenix.plan.actions import Plan, Step, to_json
from phoenix.record.journal import Run, What


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
    data = {name: getattr(step.action, name) for name in step.action.__dataclass_fields__ if name != "do"}
    shown = [f"{name}={_brief(value)}" for name, value in data.items() if isinstance(value, str | int | float | tuple)]
    return f"{step.id}: {step.action.do} {' '.join(shown)} (at most {step.deadline:g} s)"


def _brief(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest fitting unit: `12s`, `5m`, `3h`, `2d`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


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
        "seconds": _seconds(run),
    }


def _seconds(run: Run) -> int | None:
    return int((from_rfc3339(run.ended) - from_rfc3339(run.started)).total_seconds()) if run.ended else None


def run_events(run: Run) -> list[dict[str, Any]]:
    """A run's events as JSON data."""
    return [
        {"at": e.at, "what": e.what, "part": e.part, "step": e.step or None, "data": dict(e.data)} for e in run.events
    ]


def run_timeline(run: Run) -> str:
    """A run as a person reads it at night: one line per event, failures with their details."""
    lines = []
    for event in run.events:
        where = f"{event.part} {event.step}".strip() if event.part else ""
        match event.what:
            case What.INTENT:
                text = f"began {where}"
            case What.OUTCOME:
                text = f"did   {where}  {_outcome(event.data)}".rstrip()
            case What.ERROR:
                detail = str(event.data.get("details", "")).replace("\n", "\n    ")
                text = f"FAILED {where}: {event.data.get('brief')}" + (f"\n    {detail}" if detail else "")
            case What.NOTE:
                text = str(event.data.get("text", ""))
        lines.append(f"{event.at}  {text}")
    return "\n".join(lines)


def _outcome(data: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in data.items() if value not in (None, "", [], {}))


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
    backend = route.backend(group.name)
    return {
        "name": group.name,
        "service": group.service,
        "environment": group.environment,
        "share": backend.share if backend else 0,
        "size": group.size,
        "healthy": backend.healthy if backend else 0,
        "sessions": backend.sessions if backend else 0,
        "image": group.release.image_ref,
        "image_id": group.release.image,
        "release": group.release.id,
        "packages": {p.name: p.version for p in group.release.packages},
        "created": rfc3339(group.created),
        "age": int((now - group.created).total_seconds()),
        "keep_until": rfc3339(group.keep_until) if group.keep_until else None,
        "instances": [instance_data(i) for i in group.instances],
    }
