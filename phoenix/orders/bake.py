"""Baking: from an image's name to baked layers, lowest first, each a run of its own (`baking`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from phoenix.clouds.api import Cloud, Say
from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.model import Image, ImageType, Proof
from phoenix.orders.facts import dump
from phoenix.orders.image_facts import TestFacts, tested
from phoenix.orders.ingredients import kitchen
from phoenix.orders.planned import Planned, stale
from phoenix.orders.site import Site
from phoenix.plan.bake import Layer, LayerPlan, Wish, bake
from phoenix.spec.images import ImageName
from phoenix.spec.project import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class BakeOrder:
    """Bake `type`/`name`, or with `every` all images, missing or outdated parents first.

    `clouds`: for these, else for those that use the image. `force` bakes it although it is there, `from_scratch`
    every layer below it, too. `verify`: `light` or `qemu`, whatever phoenix.yaml says of it.
    """

    type: str | None = None
    name: str | None = None
    every: bool = False
    clouds: tuple[str, ...] = ()
    builder: str = "auto"
    verify: str | None = None
    force: bool = False
    from_scratch: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BakedLayer:
    """One layer as it is there now. `hit`: nothing had to be done; `built`: a `run` of this order made it, and did not
    only verify once more, on `verified_on`, what was there.
    """

    cloud: str
    image: str
    ref: str
    id: str
    key: str
    parent: str | None
    builder: str
    verified_on: str
    hit: bool
    built: bool
    why: str
    seconds: float
    run: str | None
    tests: tuple[TestFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudBaked:
    """How the bake ended for one cloud. `code`: the exit code of its process, 0 where it ended well; else `error`."""

    cloud: str
    code: int = 0
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BakeResult:
    """Every layer that was asked for, lowest first, cloud after cloud. `baked`: how many had to be made."""

    baked: int
    layers: tuple[BakedLayer, ...]
    clouds: tuple[CloudBaked, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
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
    run: str | None = None
    built: bool = False
    """Whether this process made the image; else it was there, and has perhaps been verified again."""


def plan(site: Site, order: BakeOrder) -> Planned[BakeOrder]:
    """The bakes that the order comes to now, one per layer; those that are there are empty plans."""
    jobs = _jobs(site, order, dry=True)
    plans = {each.plan.subject: each.plan for bakery, layers in jobs for each in bakery.plans(layers)}
    return Planned(order=order, plan=None, bakes=tuple(plans.values()))


def carry_out(site: Site, asked: BakeOrder | Planned[BakeOrder]) -> BakeResult:
    """Bake what is missing. Every recipe is read and every package made exact before the first bake begins.

    Several clouds bake side by side, each in a process of its own. A plan that was looked at is refused where it would
    be another by now. Where a bake fails, the error's facts have the layers that are there by then, and how it ended
    for each cloud.
    """
    order = asked.order if isinstance(asked, Planned) else asked
    if isinstance(asked, Planned):
        _refuse_stale(asked, plan(site, order))
    clouds = tuple(dict.fromkeys(cloud for cloud, _image in _pairs(site, order)))
    if len(clouds) > 1:
        from phoenix.orders import bake_apart  # for one cloud no other process is needed

        refuse_unfit(site, order, clouds)
        return bake_apart.carry_out(site, order, clouds)
    return _carry_out(site, order, clouds)


def refuse_unfit(site: Site, order: BakeOrder, clouds: tuple[str, ...]) -> None:
    """SpecError for a builder, or a way to verify, that one of the clouds does not have: before any of them bakes."""
    for name in clouds:
        cloud: Cloud | None = None
        with suppress(PhoenixError):  # a cloud that cannot be opened does not take the others down
            cloud = site.cloud(name)
        if cloud is not None:
            _refuse_unknown(order.builder, cloud)
            _proof(order.verify, cloud)


def _carry_out(site: Site, order: BakeOrder, clouds: tuple[str, ...]) -> BakeResult:
    """For one cloud, or none, in this process."""
    jobs, baked = _jobs(site, order, dry=False), dict[str, Baked]()
    try:
        for bakery, layers in jobs:
            for each in bakery.bake(layers):
                baked[f"{each.cloud} {each.image.id}"] = each
    except PhoenixError as error:
        there = {f"{each.cloud} {each.image.id}": each for bakery, _layers_of in jobs for each in bakery.done}
        error.know({"layers": [dump(layer) for layer in _layers(there.values())]})
        raise
    layers_now = _layers(baked.values())
    return BakeResult(
        baked=sum(layer.built for layer in layers_now),
        layers=layers_now,
        clouds=tuple(CloudBaked(cloud=cloud) for cloud in clouds),
    )


def _refuse_stale(seen: Planned[BakeOrder], today: Planned[BakeOrder]) -> None:
    for one, other in zip(seen.bakes, today.bakes, strict=False):
        if one != other:
            raise stale(one, "the recipe, or what is there of it, has changed since it was made")


def _layers(baked: Iterable[Baked]) -> tuple[BakedLayer, ...]:
    return tuple(
        BakedLayer(
            cloud=each.cloud,
            image=f"{each.image.type}/{each.image.name}",
            ref=each.image.ref,
            id=each.image.id,
            key=each.image.key,
            parent=each.image.parent,
            builder=each.image.builder,
            verified_on=each.image.verified_on,
            hit=each.hit,
            built=each.built,
            why=each.why,
            seconds=each.seconds,
            run=each.run,
            tests=tested(each.image.tests),
        )
        for each in baked
    )


def _jobs(site: Site, order: BakeOrder, *, dry: bool) -> list[tuple[Bakery, tuple[Layer, ...]]]:
    wanted = Wanted(
        builder=order.builder, verify=order.verify, force=order.force, from_scratch=order.from_scratch, dry=dry
    )
    pairs = _pairs(site, order)
    bakeries = {cloud: Bakery(site, cloud, wanted) for cloud, _image in pairs}
    return [(bakeries[cloud], bakeries[cloud].lineage(image)) for cloud, image in pairs]


def _pairs(site: Site, order: BakeOrder) -> list[tuple[str, ImageName]]:
    """What is to be baked for which cloud."""
    for name in order.clouds:
        site.project.cloud(name)
    images, project = _images(site, order), site.project
    if order.every and order.clouds:
        return [(cloud, image) for image in images for cloud in order.clouds if _is_for(project, image, cloud)]
    return [(cloud, image) for image in images for cloud in clouds_for(project, image, order.clouds)]


def _is_for(project: Project, image: ImageName, cloud: str) -> bool:
    """Whether the cloud uses the image; one that nobody uses is for every cloud that its recipe has a base for."""
    users = project.clouds_using(image)
    return cloud in users if users else project.cloud(cloud).kind in project.lineage(image)[0].base


def _images(site: Site, order: BakeOrder) -> list[ImageName]:
    """The images that the order means. SpecError for words that name none."""
    if order.every and order.type is None:
        return sorted(site.project.recipes, key=lambda image: (image.type.rank, image.name))
    types = list(ImageType)
    if order.every or order.type not in types or not order.name:
        raise SpecError(
            f"'phoenix bake {' '.join(word for word in (order.type, order.name) if word)}' does not say what to bake",
            details=f"TYPE is one of {', '.join(types)}; images: {', '.join(sorted(map(str, site.project.recipes)))}",
            resolution="Say `phoenix bake TYPE NAME`, or `phoenix bake --all` alone.",
        )
    return [ImageName(type=ImageType(order.type), name=order.name)]


def clouds_for(project: Project, image: ImageName, named: Iterable[str]) -> tuple[str, ...]:
    """The clouds to bake `image` for: those named, else those that use it, else the only one there is.

    SpecError where that leaves it open.
    """
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
    return chosen


class Bakery:
    """Bakes images for one cloud, each layer once."""

    def __init__(self, site: Site, cloud: str, wanted: Wanted) -> None:
        """SpecError for a builder that is none, or that the cloud does not have."""
        self._site = site
        self._cloud = cloud
        self._wanted = wanted
        self._images = site.cloud(cloud).images
        self._builder = _builder(wanted.builder, site.cloud(cloud), site.say)
        self._proof = _proof(wanted.verify, site.cloud(cloud))
        self._done: dict[ImageName, Baked] = {}
        self._kitchen = kitchen(site, cloud, self._builder, dry=wanted.dry)

    @property
    def done(self) -> tuple[Baked, ...]:
        """Every layer that is there by now."""
        return tuple(self._done.values())

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
        again = images if self._wanted.from_scratch else images[-1:] if self._wanted.force else []
        return frozenset(again) - self._done.keys()

    def _plans(self, lineage: tuple[Layer, ...], anew: frozenset[ImageName]) -> tuple[LayerPlan, ...]:
        wish = Wish(
            project=self._site.project.name,
            cloud=self._cloud,
            builder=self._builder,
            anew=anew,
            fresh=self._wanted.from_scratch,
        )
        said = self._said(lineage[-1].recipe.image)
        images, now = self._images.list(), self._site.clock.now()
        plans = bake(lineage, images, replace(wish, proof=said or Proof.LIGHT), now)
        if said is not None or all(plan.hit for plan in plans):
            return plans
        return bake(lineage, images, replace(wish, proof=self._images.proof(self._say)), now)

    def _said(self, image: ImageName) -> Proof | None:
        """How the image is to be verified: as the order says, else as the strictest environment that uses it.

        None where nobody says it: a new image is then verified as the machines are, and one that is there is good.
        """
        wanted = self._site.project.verifications(image, self._cloud)
        if self._proof is None and Proof.QEMU in wanted:
            return Proof.QEMU
        return Proof.LIGHT if self._proof is None and wanted == {Proof.LIGHT} else self._proof

    def _plan(self, lineage: tuple[Layer, ...], anew: frozenset[ImageName], index: int) -> LayerPlan:
        return self._plans(lineage, anew)[index]

    def _bake(self, lineage: tuple[Layer, ...], index: int) -> Baked:
        started, anew = self._site.clock.monotonic(), self._anew(lineage)
        plan = self._plan(lineage, anew, index)
        run: str | None = None
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
        seconds = round(self._site.clock.monotonic() - started, 2)
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

    def _carry_out(self, plan: LayerPlan, remade: Callable[[], LayerPlan]) -> str | None:
        """Bake the layer; its run, or None where the run is taken, or the world has changed meanwhile."""
        from phoenix.orders import baking  # a layer that is there needs no engine

        return baking.carry_out(self._site, plan, remade)

    def _wait_for_others(self, plan: LayerPlan) -> bool:
        """Wait until nobody else bakes the layer; whether anybody did."""
        from phoenix.orders import baking

        return baking.wait_for_others(self._site, plan)

    def _say(self, text: str) -> None:
        self._site.say(text)


def _proof(wanted: str | None, cloud: Cloud) -> Proof | None:
    """The kind of machine that `wanted` names; None where it names none."""
    if wanted is None:
        return None
    possible = cloud.abilities.proofs
    if wanted not in possible:
        raise SpecError(
            f"images of the cloud '{cloud.name}' are not verified by '{wanted}'",
            details=f"accepted: {', '.join(possible)}" if possible else "its images are booted there",
            resolution="Name another with --verify, or leave it out.",
        )
    return Proof(wanted)


def _builder(wanted: str, cloud: Cloud, say: Say) -> str:
    """The builder that is meant: `auto` is what the cloud says."""
    _refuse_unknown(wanted, cloud)
    return cloud.builder(say) if wanted == "auto" else wanted


def _refuse_unknown(wanted: str, cloud: Cloud) -> None:
    possible = cloud.abilities.builders
    if wanted not in ("auto", *possible):
        raise SpecError(
            f"there is no builder '{wanted}' for the cloud '{cloud.name}'",
            details=f"accepted: auto, {', '.join(possible)}",
            resolution="Name one of these with --builder, or leave it out.",
        )
