"""The kinds of runs, one row each: how its plan is read, what carries it out, what it is about.

A new kind of plan is a row more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from phoenix.errors import RefusedError
from phoenix.execute.engine import Engine, Performer
from phoenix.execute.ownership import OwnedRun
from phoenix.orders import places
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction, roll_plan
from phoenix.record.journal import OF_REPOSITORIES, Run

if TYPE_CHECKING:
    from phoenix.execute.stacks import Workshop
    from phoenix.model import Release
    from phoenix.plan.bake_actions import BakeAction
    from phoenix.plan.publish_actions import PublishAction
    from phoenix.plan.stack_actions import StackAction
    from phoenix.record.last_times import LastTimes

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind(Generic[A]):
    """One kind of runs."""

    name: str
    decode: Callable[[object], Plan[A]]
    """Reads its plan from the journal's JSON data."""
    performer: Callable[[Site, Run], Performer[A]]
    """What does its actions for that run."""
    cloud: Callable[[Site, Run], str | None]
    """The cloud whose groups or images the run is about; None where it is about neither."""
    changes_traffic: bool
    leaves: str = ""
    """See `Engine.leaves`."""

    def engine(self, site: Site, run: Run) -> Engine[A]:
        """The engine that carries the run out."""
        return _engine(site, self.performer(site, run), changes_traffic=self.changes_traffic, leaves=self.leaves)

    def walk(self, site: Site, owned: OwnedRun, *, abort: str | None = None) -> None:
        """Go on with an owned run; with `abort`, the reason, walk its way back. Raises like the engine does."""
        engine, plan = self.engine(site, owned.run), self.decode(owned.run.plan)
        if abort is None:
            engine.execute(owned, plan)
        else:
            engine.abort(owned, plan, abort)


def _engine(site: Site, performer: Performer[A], *, changes_traffic: bool, leaves: str = "") -> Engine[A]:
    return Engine(
        performer=performer,
        changes_traffic=changes_traffic,
        clock=site.clock,
        logs=site.run_logs,
        tell=site.tell,
        last_times=partial(_last_times, site),
        leaves=leaves,
    )


def _last_times(site: Site, run: Run) -> LastTimes:
    from phoenix.record.last_times import last_times

    return last_times(site.history, run)


def publications(site: Site) -> Engine[PublishAction]:
    """The engine for publications into any repository of the project: it needs no run to know where."""
    return _engine(site, _repositories(site), changes_traffic=False)


def refuse_unfit(site: Site, place: Place, release: Release) -> None:
    """RefusedError where no machine of the place could be started with the image and the boot work of the release."""
    from phoenix.execute import service_world

    service_world.refuse_unfit(site.project, site.cloud(place.cloud), release, place.environment.machine)


def _service(site: Site, run: Run) -> Performer[RollAction]:
    from phoenix.execute import service_world

    place = places.of_run(site, run)
    return service_world.of_service(
        site.project,
        place.service,
        place.environment,
        site.cloud(place.cloud),
        history=site.history,
        clock=site.clock,
        ask=site.ask,
    )


def _images(site: Site, run: Run) -> Performer[BakeAction]:
    from phoenix.execute.image_world import Bakehouse
    from phoenix.orders import ingredients

    bakehouse = Bakehouse(
        project=site.project,
        clock=site.clock,
        serve=lambda names: ingredients.serve(site, names),
        kitchen=lambda cloud, builder: ingredients.kitchen(site, cloud, builder, dry=True),
    )
    return bakehouse.of_images(site.cloud(run.about.parts[0]))


def _bake_plan(data: object) -> Plan[BakeAction]:
    from phoenix.plan.bake_actions import bake_plan

    return bake_plan(data)


def _repositories(site: Site) -> Performer[PublishAction]:
    from phoenix.execute.perform import publish

    return publish.World(writers=site.writers, clock=site.clock)


def _publish_plan(data: object) -> Plan[PublishAction]:
    from phoenix.plan.publish_actions import publish_plan

    return publish_plan(data)


def workshop(site: Site, stack: str) -> Workshop:
    """The stack of that name at work; SpecError naming those there are."""
    from phoenix.execute.stacks import Workshop

    spec = site.project.stack(stack)
    return Workshop(spec=spec, home=site.project.state_directory / "stacks" / spec.name)


def _stack(site: Site, run: Run) -> Performer[StackAction]:
    from phoenix.execute.perform import stack
    from phoenix.record.stacks import StackRecords

    return stack.World(workshop=workshop(site, run.about.parts[0]), records=StackRecords(site.store), clock=site.clock)


def _stack_plan(data: object) -> Plan[StackAction]:
    from phoenix.plan.stack_actions import stack_plan

    return stack_plan(data)


def _of_groups(name: str) -> Kind[RollAction]:
    return Kind(
        name=name,
        decode=roll_plan,
        performer=_service,
        cloud=lambda site, run: places.of_run(site, run).cloud,
        changes_traffic=True,
    )


def _of_repositories(name: str) -> Kind[PublishAction]:
    return Kind(
        name=name,
        decode=_publish_plan,
        performer=lambda site, _run: _repositories(site),
        cloud=lambda _site, _run: None,
        changes_traffic=False,
    )


KINDS: dict[str, Kind[Any]] = {
    **{name: _of_groups(name) for name in ("roll", "rollback", "burn", "enable", "disable", "resize", "renew")},
    "bake": Kind(
        name="bake",
        decode=_bake_plan,
        performer=_images,
        cloud=lambda _site, run: run.about.parts[0],
        changes_traffic=False,
    ),
    "stack": Kind(
        name="stack",
        decode=_stack_plan,
        performer=_stack,
        cloud=lambda _site, _run: None,
        changes_traffic=False,
        leaves="what Terraform has done stands and its state knows of it; plan again to see what is left",
    ),
    **{name: _of_repositories(name) for name in OF_REPOSITORIES},
}


def of(run: Run) -> Kind[Any]:
    """The kind of the run; RefusedError for one that this version does not know."""
    kind = KINDS.get(run.kind)
    if kind is None:
        raise RefusedError(
            f"{run.id} is a {run.kind}, which this phoenix cannot carry out",
            details=f"it can: {', '.join(KINDS)}",
            resolution="Go on with the version that began it.",
        )
    return kind
