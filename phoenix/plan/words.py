"""The steps of a plan in words, for the person who looks before it is carried out. Pure, like all of this room."""

from __future__ import annotations

from typing import Any

from phoenix.model import CloudMachine, LocalMachine, Release
from phoenix.plan.actions import Step
from phoenix.plan.roll_actions import AsFound, Exactly, MatchLive, Rest

UNSAID = ("do", "health", "known", "digests")
"""What a plan for people leaves out: it is in the plan's JSON."""


def step_text(step: Step[Any]) -> str:
    """The step in a line: what it does, what is not as usual about it, and how long it may take."""
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
