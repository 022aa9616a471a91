"""What `bake` and `roll --bake` share: from an image's name to baked layers, lowest first, each a run of its own.

A layer's run stands under its content key. Whoever finds it taken waits for it and takes its image; a run whose
process died is undone first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError, SpecError
from phoenix.execute.recipes import Kitchen
from phoenix.model import CloudKind, Image, Proof
from phoenix.plan.bake import BUILD_DEADLINE, VERIFY_DEADLINE, Layer, LayerPlan, Wish, bake
from phoenix.spec.images import ImageName

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.record.journal import Run

BUILDERS = ("auto", "packer", "chroot")
OTHERS_DEADLINE = BUILD_DEADLINE + VERIFY_DEADLINE
"""Seconds to wait for another process that bakes the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What was asked for, besides the image."""

    builder: str = "auto"
    verify: str | None = None
    """How images are verified, whatever phoenix.yaml says; None: as it says."""
    force: bool = False
    """Bake the image even where it is a hit."""
    from_scratch: bool = False
    """Bake every layer even where it is a hit, from the distribution's mirror up."""
    dry: bool = False
    """Only plan: not even a repository is served."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baked:
    """One layer as it is there now. `run` is None where nothing had to be baked by this process."""

    cloud: str
    image: Image
    hit: bool
    why: str
    seconds: float
    run: Run | None = None
    built: bool = False
    """Whether this process made the image; else it was there, and has perhaps been verified again."""


def clouds_for(wiring: Wiring, image: ImageName, named: Iterable[str]) -> tuple[str, ...]:
    """The clouds to bake `image` for: those named, else those that use it, else the only one there is.

    SpecError where that leaves it open; RefusedError for a cloud that this version cannot work on.
    """
    project = wiring.project
    project.recipe(image)
    chosen = tuple(dict.fromkeys(named)) or project.clouds_using(image)
    if not chosen and len(project.clouds) == 1:
        chosen = tuple(project.clouds)
    if not chosen:
        raise SpecError(
            f"for which cloud is {image} to be baked?",
            details=f"no environment uses it; clouds: {', '.join(sorted(project.clouds)) or 'none'}",
            resolution="Name one with --cloud.",
        )
    for name in chosen:
        wiring.cloud(name)
    return chosen


class Bakery:
    """Bakes images for one cloud, each layer once."""

    def __init__(self, wiring: Wiring, cloud: str, order: Order) -> None:
        """SpecError for a builder that is none, or that the cloud does not have."""
        self._wiring = wiring
        self._cloud = cloud
        self._order = order
        self._images = wiring.cloud(cloud).images
        self._builder = _builder(order.builder, wiring.project.cloud(cloud).kind)
        self._proof = _proof(order.verify, wiring.project.cloud(cloud).kind)
        self._done: dict[ImageName, Baked] = {}
        self._kitchen = Kitchen(
            project=wiring.project,
            kind=wiring.project.cloud(cloud).kind,
            images=self._images,
            builder=self._builder,
            resolve=partial(wiring.exact_packages, dry=order.dry),
        )

    def lineage(self, image: ImageName) -> tuple[Layer, ...]:
        """The image's layers with today's keys."""
        return self._kitchen.lineage(image)

    def plans(self, lineage: tuple[Layer, ...]) -> tuple[LayerPlan, ...]:
        """What would be done for each layer now."""
        return self._plans(lineage, self._anew(lineage))

    def bake(self, lineage: tuple[Layer, ...]) -> tuple[Baked, ...]:
        """Bake what is missing of the lineage; every layer as it is there then."""
        for left in self._images.sweep():
            self._say(f"removed {left}")
        for index, layer in enumerate(lineage):
            if layer.recipe.image not in self._done:
                self._done[layer.recipe.image] = self._bake(lineage, index)
        return tuple(self._done[layer.recipe.image] for layer in lineage)

    def _anew(self, lineage: tuple[Layer, ...]) -> frozenset[ImageName]:
        """The layers to bake although they are there; once each."""
        images = [layer.recipe.image for layer in lineage]
        wanted = images if self._order.from_scratch else images[-1:] if self._order.force else []
        return frozenset(wanted) - self._done.keys()

    def _plans(self, lineage: tuple[Layer, ...], anew: frozenset[ImageName]) -> tuple[LayerPlan, ...]:
        wish = Wish(
            project=self._wiring.project.name,
            cloud=self._cloud,
            builder=self._builder,
            anew=anew,
            fresh=self._order.from_scratch,
        )
        said = self._said(lineage[-1].recipe.image)
        images, now = self._images.list(), self._wiring.clock.now()
        plans = bake(lineage, images, replace(wish, proof=said or Proof.LIGHT), now)
        if said is not None or all(plan.hit for plan in plans):
            return plans
        return bake(lineage, images, replace(wish, proof=self._images.proof(self._say)), now)

    def _said(self, image: ImageName) -> Proof | None:
        """How the image is to be verified: as the order says, else as the strictest environment that uses it.

        None where nobody says it: a new image is then verified as the machines are, and one that is there is good.
        """
        wanted = self._wiring.project.verifications(image, self._cloud)
        if self._proof is None and Proof.QEMU in wanted:
            return Proof.QEMU
        return Proof.LIGHT if self._proof is None and wanted == {Proof.LIGHT} else self._proof

    def _plan(self, lineage: tuple[Layer, ...], anew: frozenset[ImageName], index: int) -> LayerPlan:
        return self._plans(lineage, anew)[index]

    def _bake(self, lineage: tuple[Layer, ...], index: int) -> Baked:
        started, anew = self._wiring.clock.monotonic(), self._anew(lineage)
        plan = self._plan(lineage, anew, index)
        run: Run | None = None
        while run is None and not plan.hit:
            if self._wait_for_others(plan):
                anew -= {plan.image}  # what they have just baked is new enough
            else:
                run = self._carry_out(plan, partial(self._plan, lineage, anew, index))
            plan = plan if run else self._plan(lineage, anew, index)
        image = self._images.find(plan.image_id)
        if image is None:
            raise RefusedError(
                f"{plan.image} was deleted as soon as it was there",
                details=f"{plan.image_id} is gone",
                resolution="See who removes images, then bake again.",
            )
        seconds = round(self._wiring.clock.monotonic() - started, 2)
        built = run is not None and any(step.action.do == "build-image" for step in plan.plan.steps)
        return Baked(
            cloud=self._cloud,
            image=image,
            hit=run is None,
            why=plan.plan.why,
            seconds=seconds,
            run=run,
            built=built,
        )

    def _carry_out(self, plan: LayerPlan, remade: Callable[[], LayerPlan]) -> Run | None:
        """Bake the layer in a run of its own; None where the run is taken, or the world has changed meanwhile."""
        from phoenix.execute.ownership import OwnedRun
        from phoenix.plan.actions import to_json
        from phoenix.record.journal import RunState

        wiring = self._wiring
        try:
            owned = OwnedRun.begin(
                wiring.store, wiring.clock, kind="bake", subject=plan.plan.subject, plan=to_json(plan.plan)
            )
        except RefusedError:
            return None
        try:
            stale = remade() != plan
        except BaseException:
            owned.end(RunState.UNDONE)
            raise
        if stale:
            owned.end(RunState.UNDONE)
            return None
        self._say(f"baking {plan.image}: {plan.plan.why}")
        wiring.bake_engine(self._cloud).execute(owned, plan.plan)
        return owned.run

    def _wait_for_others(self, plan: LayerPlan) -> bool:
        """Wait until nobody else bakes the layer; whether anybody did."""
        from phoenix.cli.running import tend_run
        from phoenix.execute.ownership import describe
        from phoenix.record.journal import RunState
        from phoenix.wait import Look, Verdict, wait_for

        subject = plan.plan.subject

        def look() -> Look:
            for did in tend_run(self._wiring, subject, resume=False):
                self._say(did)
            other = self._wiring.history.live_run(subject)
            if other is None or other.state.ended:
                return Look(verdict=Verdict.PASS, seen="")
            stuck = other.state is RunState.STUCK
            seen = f"{plan.image}: waiting for {describe(other)}"
            return Look(verdict=Verdict.FAIL if stuck else Verdict.UNKNOWN, seen=seen)

        if self._wiring.history.live_run(subject) is None:
            return False
        wait_for(
            f"the other bake of {plan.image}",
            look,
            clock=self._wiring.clock,
            deadline=OTHERS_DEADLINE,
            interval=0.5,
            on_change=self._say,
        )
        return True

    def _say(self, text: str) -> None:
        self._wiring.session.out.say(text)


def _proof(wanted: str | None, kind: CloudKind) -> Proof | None:
    """The kind of machine that `wanted` names; None where it names none."""
    if wanted is None:
        return None
    if kind is not CloudKind.LOCAL or wanted not in list(Proof):
        possible = f"accepted: {', '.join(Proof)}" if kind is CloudKind.LOCAL else "its images are booted there"
        raise SpecError(
            f"images of a cloud of kind {kind} are not verified by '{wanted}'",
            details=possible,
            resolution="Name another with --verify, or leave it out.",
        )
    return Proof(wanted)


def _builder(wanted: str, kind: CloudKind) -> str:
    """The builder that `auto` amounts to: chroot where it can."""
    possible = BUILDERS if kind is CloudKind.LOCAL else ("auto", "packer")
    if wanted not in possible:
        raise SpecError(
            f"there is no builder '{wanted}' for a cloud of kind {kind}",
            details=f"accepted: {', '.join(possible)}",
            resolution="Name one of these with --builder, or leave it out.",
        )
    if wanted != "auto":
        return wanted
    return "chroot" if kind is CloudKind.LOCAL else "packer"
