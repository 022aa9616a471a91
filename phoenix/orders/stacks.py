"""Stacks: what Terraform would do, done as it was seen; what they give out; whether the world is as it was left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix import names
from phoenix.clock import rfc3339
from phoenix.errors import DriftError, SpecError
from phoenix.execute.ownership import OwnedRun
from phoenix.execute.stacks import SavedPlan
from phoenix.orders import kinds, stack_files, standing
from phoenix.orders.facts import dump
from phoenix.orders.planned import stale
from phoenix.orders.runs import telling
from phoenix.orders.site import Site
from phoenix.orders.tend import tend_run
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.stack import stack as plan_stack
from phoenix.plan.stack_actions import StackAction
from phoenix.record.origin import origin_of
from phoenix.record.stacks import StackRecord, StackRecords
from phoenix.stacks import Change, Counts, Field, Output, StackChanges


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOrder:
    """What is to become of a stack: as its files say, or `destroy`."""

    stack: str
    destroy: bool = False
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedStack:
    """A plan of Terraform's that lies ready, and phoenix's around it."""

    order: StackOrder
    plan: Plan[StackAction]
    saved: SavedPlan

    @property
    def changes(self) -> StackChanges:
        """What it would do."""
        return self.saved.changes


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanFacts:
    """A plan, for programs. Values that are secrets are `(sensitive)`."""

    stack: str
    destroy: bool
    changed: bool
    why: str
    summary: Counts
    changes: tuple[Change, ...]
    outputs: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanShown:
    """What would be done to a stack. `file`: where the plan was written to; None without --plan-out."""

    plan: PlanFacts
    file: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StackResult:
    """What was done. `run` is None where there was nothing to do."""

    stack: str
    changed: bool
    run: str | None
    why: str
    summary: Counts
    changes: tuple[Change, ...]
    outputs: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFacts:
    """A value that a stack gives out; None where it is a secret."""

    value: Any
    sensitive: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputsResult:
    """All that a stack gives out now."""

    stack: str
    outputs: dict[str, OutputFacts]


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputShown:
    """One value that a stack gives out."""

    stack: str
    output: str
    value: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftResult:
    """What is other in the world than Terraform's state says."""

    stack: str
    drift: bool
    changes: tuple[Change, ...]
    outputs: tuple[Field, ...]
    left: tuple[Change, ...]
    """Other only in what the files leave to others, such as the shares that phoenix sets: no drift."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StackFacts:
    """A stack of phoenix.yaml. `read`: when its outputs were written down, None where they never were."""

    stack: str
    root: str
    program: str | None
    outputs: tuple[str, ...]
    read: str | None
    run: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StackList:
    """All stacks of phoenix.yaml."""

    stacks: tuple[StackFacts, ...]


@contextmanager
def planned(site: Site, order: StackOrder) -> Iterator[PlannedStack]:
    """Terraform's plan for the order, saved while this holds. Changes nothing."""
    workshop = kinds.workshop(site, order.stack)
    with workshop.planned(site.say, mode="destroy" if order.destroy else "") as saved:
        yield _around(site, order, saved)


@contextmanager
def from_file(site: Site, order: StackOrder, file: Path) -> Iterator[PlannedStack]:
    """The plan that `stack_files.write` has kept. SpecError where it is none of this stack, RefusedError if stale."""
    kept = stack_files.read(file, site.project.stack(order.stack))
    order = StackOrder(stack=order.stack, destroy=kept.destroy, why=order.why)
    with kinds.workshop(site, order.stack).read(kept.content, site.say) as saved:
        found = _around(site, order, saved)
        if kept.stale:
            raise stale(found.plan, kept.stale)
        yield found


def keep(site: Site, found: PlannedStack, file: Path) -> None:
    """Write the plan into a file that only its owner reads: it holds what Terraform knows, secrets too."""
    stack_files.write(file, site.project.stack(found.order.stack), found.saved.file, destroy=found.order.destroy)


def _around(site: Site, order: StackOrder, saved: SavedPlan) -> PlannedStack:
    spec = site.project.stack(order.stack)
    return PlannedStack(
        order=order, saved=saved, plan=plan_stack(spec, saved.changes, str(saved.file), destroy=order.destroy)
    )


def facts(found: PlannedStack) -> PlanFacts:
    """The plan as a program reads it."""
    return PlanFacts(
        stack=found.order.stack,
        destroy=found.order.destroy,
        changed=not found.plan.empty,
        why=found.plan.why,
        summary=found.changes.counts,
        changes=found.changes.resources,
        outputs=found.changes.outputs,
    )


def ready(site: Site, found: PlannedStack, whole: Callable[[], Site]) -> None:
    """RefusedError where the plan takes ground from under live groups. `whole` opens the whole project.

    Asks the clouds only where something would be lost, and of a stack that has given anything out: by the record, or,
    where that says nothing (another computer has applied it), by Terraform's state.
    """
    lost, stack = found.changes.lost, found.order.stack
    if not lost:
        return
    if not _known(site, stack):
        given = kinds.workshop(site, stack).outputs()
        if not given:
            return
        _record(site, stack, given)
    try:
        site = whole()
    except SpecError as error:
        raise standing.refuse_unknown(stack, error) from error
    standing.refuse(site, stack, lost, destroy=found.order.destroy)


def carry_out(site: Site, found: PlannedStack) -> StackResult:
    """Apply exactly this plan, in a run of its own.

    RefusedError where the state has moved since it was made or another run has the stack; ToolError where Terraform
    failed: what it had done stands.
    """
    name = found.order.stack
    for did in tend_run(site, found.plan.subject, resume=False):
        site.say(did)
    run = None
    if found.plan.empty:
        _record(site, name, kinds.workshop(site, name).outputs())
    else:
        run = _run(site, found)
    outputs = _known(site, name)
    return StackResult(
        stack=name,
        changed=run is not None,
        run=run,
        why=found.plan.why,
        summary=found.changes.counts,
        changes=found.changes.resources,
        outputs={each.name: each.value for each in outputs},
    )


def _run(site: Site, found: PlannedStack) -> str:
    owned = OwnedRun.begin(
        site.store,
        site.clock,
        kind="stack",
        subject=found.plan.subject,
        plan=to_json(found.plan),
        why=found.order.why,
        origin=origin_of(site.environment),
    )
    site.say(found.plan.why)
    site.say_logs(owned.run.id)
    with telling(owned):
        kinds.of(owned.run).engine(site, owned.run).execute(owned, found.plan)
    return owned.run.id


def outputs(site: Site, name: str) -> OutputsResult:
    """What the state gives out now; it is written down for `${stack.NAME.OUTPUT}`, too."""
    found = kinds.workshop(site, name).read_outputs(site.say)
    _record(site, name, found)
    return OutputsResult(
        stack=name, outputs={each.name: OutputFacts(value=each.value, sensitive=each.sensitive) for each in found}
    )


def output(found: OutputsResult, name: str) -> Any:
    """One of the values. SpecError where there is none, or it is a secret."""
    if name not in found.outputs or found.outputs[name].sensitive:
        secret = name in found.outputs
        raise SpecError(
            f"the output '{name}' of {found.stack} is a secret" if secret else f"{found.stack} has no output '{name}'",
            details="" if secret else f"outputs: {', '.join(found.outputs) or 'none'}",
            resolution="Read it with Terraform itself, where nobody keeps what is printed."
            if secret
            else "Name one of these, or add it to the root and apply the stack.",
        )
    return found.outputs[name].value


def drift(site: Site, name: str) -> DriftResult:
    """Look at the world by a refresh-only plan. DriftError, with what it found as its facts, where it differs."""
    seen = kinds.workshop(site, name).drift(site.say)
    changes = seen.found
    found = DriftResult(
        stack=name, drift=not changes.empty, changes=changes.resources, outputs=changes.outputs, left=seen.left
    )
    if found.drift:
        told = [f"{each.address}: {each.do}" for each in changes.resources]
        told += [f"output {each.name}: {each.before} -> {each.after}" for each in changes.outputs]
        raise DriftError(
            f"{name} is no longer as Terraform left it",
            details="\n".join(told),
            resolution=f"`phoenix stack plan {name}` shows what would put it back; or change its files.",
            facts=dump(found),
        )
    return found


def listed(site: Site) -> StackList:
    """The stacks of phoenix.yaml, with what is written down of them."""
    records = StackRecords(site.store)
    rows = []
    for spec in site.project.stacks.values():
        record, run = records.of(spec.name), site.history.live_run(str(names.of_stack(spec.name)))
        rows.append(
            StackFacts(
                stack=spec.name,
                root=str(spec.root),
                program=spec.program,
                outputs=tuple(each.name for each in record.outputs) if record else (),
                read=record.at if record else None,
                run=run.id if run and not run.state.ended else None,
            )
        )
    return StackList(stacks=tuple(rows))


def _record(site: Site, name: str, found: tuple[Output, ...]) -> None:
    StackRecords(site.store).put(name, StackRecord(outputs=found, at=rfc3339(site.clock.now())))


def _known(site: Site, name: str) -> tuple[Output, ...]:
    record = StackRecords(site.store).of(name)
    return record.outputs if record else ()
