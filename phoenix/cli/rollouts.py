"""What `phoenix roll` does with its options: the image baked or found, the release made exact, planned, carried out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.cli import junit as report
from phoenix.cli import plan_file, releasing, running
from phoenix.cli.baking import Bakery, Order
from phoenix.cli.plan_file import SavedPlan
from phoenix.errors import CloudError, HeldError, PhoenixError
from phoenix.execute import hooks
from phoenix.model import Image, Place, Release
from phoenix.plan.actions import Plan
from phoenix.plan.bake import LayerPlan
from phoenix.plan.roll import roll
from phoenix.plan.roll_actions import CreateGroup, RollAction
from phoenix.spec.services import EnvironmentSpec, ServiceSpec, Strategy
from phoenix.spec.strategies import kind_of

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the command line asks for."""

    image: str | None = None
    packages: tuple[str, ...] = ()
    strategy: Strategy
    hold: bool = False
    bake: bool = False
    saved: SavedPlan | None = None
    """A plan that was made before and decides all the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollOrder:
    """Everything that decides a roll but the world itself, which is looked at anew by every `decide`."""

    wiring: Wiring
    service: ServiceSpec
    environment: EnvironmentSpec
    release: Release
    strategy: Strategy
    hold: bool
    digests: Mapping[str, str]
    baked: tuple[Image, ...] = ()
    """What was baked for it."""
    given: Plan[RollAction] | None = None
    """The plan to carry out, where it was made before."""

    def decide(self) -> Plan[RollAction]:
        """The plan on a fresh look."""
        observed = self.wiring.observed(self.service, self.environment)
        return roll(self.service, self.environment, self.strategy, self.release, observed, self.digests, hold=self.hold)

    def saved(self, plan: Plan[RollAction]) -> SavedPlan:
        """The plan with what decided it."""
        return SavedPlan(kind="roll", plan=plan, release=self.release, strategy=self.strategy, hold=self.hold)

    @property
    def facts(self) -> dict[str, Any]:
        """The release and how it gets its traffic, as JSON data."""
        packages = {package.name: package.version for package in self.release.packages}
        facts = {"release": self.release.id, "image": self.release.image_ref, "packages": packages}
        baked = {"baked": [image.ref for image in self.baked]} if self.baked else {}
        return {**facts, "strategy": kind_of(self.strategy), **baked}


def bakes_needed(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec) -> tuple[LayerPlan, ...]:
    """The bakes that `--bake` would do first now; nothing is changed."""
    bakery = Bakery(wiring, environment.cloud, Order(dry=True))
    return tuple(plan for plan in bakery.plans(bakery.lineage(service.image)) if not plan.hit)


def order(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, wish: Wish, *, dry: bool) -> RollOrder:
    """The order that the command line means. `dry`: nothing is baked, published or served for it."""
    baked: tuple[Image, ...] = ()
    image: Image | None = None
    if wish.bake and not dry:
        bakery = Bakery(wiring, environment.cloud, Order())
        layers = bakery.bake(bakery.lineage(service.image))
        baked = tuple(layer.image for layer in layers if not layer.hit)
        image = layers[-1].image
    release = releasing.resolve(
        wiring, service, environment, image=wish.image, packages=list(wish.packages), baked=image, dry=dry
    )
    return RollOrder(
        wiring=wiring,
        service=service,
        environment=environment,
        release=release,
        strategy=wish.strategy,
        hold=wish.hold,
        digests=hooks.digests(service, wiring.project.directory),
        baked=baked,
    )


def carry_out(
    wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, wish: Wish, why: str, junit: str | None
) -> tuple[dict[str, Any], str]:
    """Do what is due, make the release, plan, carry it out; the result as JSON data and as a sentence."""
    for done in running.revive(wiring, service, environment):
        wiring.session.out.say(done)
    try:  # not before a plan that was looked at: it would go stale by our own hand
        for done in running.burn_due(wiring, service, environment) if wish.saved is None else ():
            wiring.session.out.say(done)
    except CloudError as error:  # an old group that will not go does not keep a new release away
        wiring.session.out.warn(str(error))
    running.refuse_taken(wiring, service, environment)
    if wish.saved is None:
        wanted = order(wiring, service, environment, wish, dry=False)
    else:
        wanted = _as_saved(wiring, service, environment, wish.saved)
    plan = wanted.given or wanted.decide()
    if plan.empty:
        return {"changed": False, **wanted.facts}, plan.why
    with report.written(junit, wiring, plan.subject):
        try:
            run = running.carry_out(wiring, service, environment, kind="roll", plan=plan, remade=wanted.decide, why=why)
        except HeldError:
            _tell_candidate(wanted, plan)
            raise
    head = {"changed": True, "run": run.id, "state": run.state}
    groups = dict(zip(("group", "former"), running.seen(wiring, service, environment), strict=True))
    return {**head, **groups, **wanted.facts}, f"{plan.subject}: {plan.why}: done ({run.id})"


def _as_saved(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, saved: SavedPlan) -> RollOrder:
    """The order of a saved plan. RefusedError where today it would be another plan, or could not be carried out."""
    assert saved.release is not None, "every roll has one"
    assert saved.strategy is not None, "every roll has one"
    wanted = RollOrder(
        wiring=wiring,
        service=service,
        environment=environment,
        release=saved.release,
        strategy=saved.strategy,
        hold=saved.hold,
        digests=hooks.digests(service, wiring.project.directory),
        given=saved.plan,
    )
    plan_file.refuse_stale(saved, wanted.decide(), wiring.project.directory)
    if releasing.startable(wiring, environment, saved.release, dry=False) != saved.release:
        raise plan_file.stale(saved, "a repository has another address or key by now")
    return wanted


def _tell_candidate(wanted: RollOrder, plan: Plan[RollAction]) -> None:
    """A held roll has something to look at: the candidate, at an address of its own."""
    created = [step.action.group for step in plan.steps if isinstance(step.action, CreateGroup)]
    cloud, preview = wanted.wiring.cloud(wanted.environment.cloud), None
    with suppress(PhoenixError):  # the run is held, whether the balancer answers now or not
        place = Place(service=wanted.service.name, environment=wanted.environment.name)
        shown = cloud.traffic(place).preview(created[0]) if created else None
        preview = shown.url if shown else None
    data = {"group": created[0] if created else None, "preview": preview, **wanted.facts}
    wanted.wiring.session.out.evidence(data, f"{data['group']} answers at {preview}" if preview else "")
