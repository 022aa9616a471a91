"""The steps of a plan in words, for the person who looks before it is carried out. Pure, like all of this room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, cast, get_args

from phoenix.model import CloudMachine, LocalMachine, MachineKind, Package, Release
from phoenix.plan.actions import Step
from phoenix.plan.publish_actions import PackageFile
from phoenix.plan.roll_actions import (
    AsFound,
    CreateGroup,
    DeleteGroup,
    Drain,
    EnsureSize,
    Exactly,
    Hold,
    KeepGroup,
    MatchLive,
    Measure,
    Pin,
    Rest,
    RollAction,
    RunHooks,
    SaveLogs,
    SetTraffic,
    Shrink,
    SizeRule,
    Soak,
    Unpin,
    WaitHealthy,
    told,
)
from phoenix.plan.stack_actions import ApplyStack, RecordOutputs
from phoenix.stacks import StackChanges

UNSAID = ("do", "health", "known", "digests", "key", "base")
"""What a plan for people leaves out: it is in the plan's JSON."""
SHOWN = 8
"""Of a list so many are named."""


def step_text(step: Step[Any]) -> str:
    """The step in a line: what it does, and how long it may take."""
    of_roll = isinstance(step.action, get_args(RollAction))
    what = _roll(cast("RollAction", step.action)) if of_roll else _other(step.action)
    return f"{step.id}: {what} (at most {span(step.deadline)})"


def span(seconds: float) -> str:
    """A duration as people say it: `45s`, `2m30s`, `1h05m`."""
    whole = round(seconds)
    for unit, below, length, part in (("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length}{unit}" + (f"{rest:02d}{below}" if rest else "")
    return f"{seconds:g}s"


def _roll(action: RollAction) -> str:
    match action:
        case Measure(group=group):
            return f"count the machines of {group}, and those that serve"
        case CreateGroup():
            return ", ".join(_created(action))
        case EnsureSize(group=group, size=size, best_effort=trying):
            return f"see that {group} has {_size(size)}" + (", as far as more can be started" if trying else "")
        case Shrink(group=group, size=size, drain=drain, first=first):
            named = f", {' and '.join(first)} first" if first else ""
            return f"leave {group} {_size(size)}{named}; those that go have {span(drain)} to finish their requests"
        case WaitHealthy(group=group, min_healthy=part, patience=patience):
            enough = f", {part} % of it" if part is not None and part < 100 else ""
            late = f"; after {span(patience)} any healthy machine will do" if patience is not None else ""
            return f"wait until {group} is healthy{enough}{late}"
        case RunHooks(point=point, commands=commands):
            return f"run the hooks {point}: {_listed(commands)}"
        case SetTraffic(shares=shares, alarms=alarms):
            return f"give the traffic to {told(shares)}{_quiet(alarms)}"
        case Soak(group=group, seconds=seconds, alarms=alarms):
            return f"watch {group} for {span(seconds)}{_quiet(alarms)}"
        case Hold(reason=reason):
            return f"stop and wait for a person: {reason}"
        case Drain(group=group, seconds=seconds):
            return f"wait until {group} has no request under way; after {span(seconds)} the rest is cut"
        case KeepGroup(group=group, seconds=None):
            return f"take the time limit off {group}"
        case KeepGroup(group=group, seconds=0):
            return f"mark {group} as one that is burnt"
        case KeepGroup(group=group, seconds=seconds):
            return f"keep {group} ready to serve again for {span(seconds or 0)}"
        case Pin(group=group, seconds=seconds):
            return f"let no autoscaler make {group} smaller for {span(seconds)}"
        case Unpin(group=group):
            return f"let the autoscaler have {group} again"
        case SaveLogs(group=group):
            return f"save the logs of {group}"
        case DeleteGroup(group=group):
            return f"end the machines of {group} and remove it"


def _created(action: CreateGroup) -> Iterator[str]:
    release = action.release
    yield f"start {action.group} with {_size(action.size)}"
    yield f"each {_machine(action.machine)}"
    yield f"from {release.image_ref}"
    yield _listed(tuple(f"{p.name}={p.version}" for p in release.packages)) or "no packages"
    yield f"release {release.id}"
    if action.most > action.least:
        cpu = f" by a load of {action.cpu} %" if action.cpu is not None else ""
        yield f"then {action.least} to {action.most} machines{cpu}"
    if action.zones:
        yield f"in {_listed(action.zones)}"


def _size(rule: SizeRule) -> str:
    match rule:
        case Exactly(size=1):
            return "1 machine"
        case Exactly(size=size):
            return f"{size} machines"
        case AsFound():
            return "as many machines as it was found with"
        case MatchLive(at_least=at_least, share=100):
            return f"as many machines as serve now, {at_least} at least"
        case MatchLive(at_least=at_least, share=share):
            return f"the machines that {share} % of the traffic needs, of {at_least} at least for all of it"
        case Rest(at_least=at_least, share=share):
            return f"the machines that the traffic beside {share} % of it needs, of {at_least} at least for all of it"


def _machine(machine: MachineKind) -> str:
    match machine:
        case LocalMachine(cpus=cpus, memory=memory):
            return f"{cpus} cpu{'s' if cpus > 1 else ''} with {memory // 2**20} MiB"
        case CloudMachine(type=kind, spot=spot):
            return f"a {kind}{' (spot)' if spot else ''}"


def _quiet(alarms: tuple[str, ...]) -> str:
    return f", while none of these alarms rings: {_listed(alarms)}" if alarms else ""


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _other(action: Any) -> str:
    match action:
        case ApplyStack(stack=stack, changes=changes):
            return f"let Terraform carry out the saved plan of {stack}: {StackChanges(resources=changes)}"
        case RecordOutputs(stack=stack):
            return f"write down the outputs of {stack}"
        case _:
            return _plain(action)


def _plain(action: Any) -> str:
    """An action of a bake or a publication: what it does, and with what."""
    fields = action.__dataclass_fields__
    data = {name: getattr(action, name) for name in fields if name not in UNSAID}
    said = {
        name: value for name, value in data.items() if value != fields[name].default and value not in (None, (), "")
    }
    shown = [f"{name.replace('_', ' ')} {_words(value)}" for name, value in said.items()]
    return f"{action.do.replace('-', ' ')}: {'; '.join(shown)}"


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Package() | PackageFile():
            return f"{value.name}={value.version}"
        case Release():
            return value.image_ref
        case float():
            return f"{value:g}"
        case tuple():
            return _listed(tuple(map(_words, value)))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _listed(tuple(f"{name} {_words(getattr(value, name))}" for name in value.__dataclass_fields__))
        case _:
            return str(value)
