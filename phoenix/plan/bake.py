"""Which layers of an image must be baked, and why: one plan per layer, lowest first; a hit is an empty plan.

An image is a hit where it is verified, has today's key, is younger than its recipe's `max_age`, and was baked
on exactly the image that is the hit of the layer below. The last rule carries a forced, aged or deleted parent
upwards although the child's key does not change: a key names the parent's key, a hit names the parent itself.
A hit that was verified on less than is wanted is verified again, and not baked; not the layers below it, whose kernel
and files it has.
An unverified image is not looked at: whoever bakes it holds it, or died and left it to be swept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from phoenix import names
from phoenix.errors import RefusedError
from phoenix.model import Image, ImageType, Package, Proof
from phoenix.plan.actions import Plan, Step, fingerprint
from phoenix.plan.bake_actions import BakeAction, BuildImage, DeleteImage, VerifyImage
from phoenix.plan.content_key import Digests
from phoenix.spec.images import ImageName, Recipe

BUILD_DEADLINE = 3600.0
"""Seconds: an emulated builder machine on a busy computer and a slow mirror are within it."""
VERIFY_DEADLINE = 900.0
"""Seconds."""
DELETE_DEADLINE = 120.0
"""Seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A recipe as it is today: its content key, and the exact packages and base that went into it."""

    recipe: Recipe
    key: str
    base: str
    """What the lowest layer starts from, as exactly as its key counts it; empty above it."""
    packages: tuple[Package, ...] = ()
    digests: Digests = ()
    """Of what the build reads from the project's files, so that it bakes what the key names or nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPlan:
    """One layer's plan, and the image that is there when it has been carried out."""

    image: ImageName
    key: str
    image_id: str
    plan: Plan[BakeAction]

    @property
    def hit(self) -> bool:
        """Whether the image is there already."""
        return self.plan.empty


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was asked for."""

    project: str
    cloud: str
    builder: str
    anew: frozenset[ImageName] = frozenset()
    """Layers to bake even where they are hits."""
    fresh: bool = False
    """Begin at the distribution's mirror itself, not at what is cached of it."""
    proof: Proof = Proof.QEMU
    """How the image is to be verified, at least; and the layers below it that are baked for it."""


def bake(lineage: tuple[Layer, ...], images: tuple[Image, ...], wish: Wish, now: datetime) -> tuple[LayerPlan, ...]:
    """The plans of `lineage` (lowest layer first), given the images that are there and the time.

    Raises RefusedError where a recipe would make a snowflake.
    """
    plans: tuple[LayerPlan, ...] = ()
    for layer in lineage:
        refuse_snowflake(layer.recipe)
        parent = plans[-1].image_id if plans else None
        anew = layer.recipe.image in wish.anew
        found = None if anew else hit(layer, images, parent, now)
        if found is not None and layer is lineage[-1] and not found.verified_on.covers(wish.proof):
            plans = (*plans, _verify_again(layer, found, wish))
            continue
        why = "a new bake was asked for" if anew else _why(layer, images, now, found)
        plans = (*plans, _plan(layer, images, wish, parent, found, why))
    return plans


def hit(layer: Layer, images: tuple[Image, ...], parent: str | None, now: datetime) -> Image | None:
    """The newest image that is what a bake of `layer` on the image `parent` would give; None where there is none."""
    fitting = [i for i in same_key(layer, images) if i.parent == parent and not _too_old(layer.recipe, i, now)]
    return max(fitting, key=lambda image: (image.created, image.id), default=None)


def same_key(layer: Layer, images: tuple[Image, ...]) -> tuple[Image, ...]:
    """The verified images of the layer's key, whatever their age and parent."""
    return tuple(i for i in images if i.verified and i.key == layer.key and _name(i) == layer.recipe.image)


def refuse_snowflake(recipe: Recipe) -> None:
    """Raise RefusedError unless the image is baked on a lower layer that is itself baked by recipe."""
    image, parent = recipe.image, recipe.parent
    if parent is None and image.type is not ImageType.OS:
        raise RefusedError(
            f"{image} would be a snowflake: it has no parent",
            details="only an os image starts from the distribution's base; the layers above start from a baked image",
            resolution=f"Give {image} a parent of a lower type in phoenix.yaml.",
        )
    if parent is not None and parent.type.rank >= image.type.rank:
        raise RefusedError(
            f"{image} would be a snowflake: its parent {parent} is not a lower layer",
            details="layers are " + " -> ".join(ImageType) + "; an image is only ever baked on a lower one",
            resolution=f"Give {image} a parent of a lower type in phoenix.yaml.",
        )


def _plan(
    layer: Layer, images: tuple[Image, ...], wish: Wish, parent: str | None, found: Image | None, why: str
) -> LayerPlan:
    image = layer.recipe.image
    subject = str(names.of_image(wish.cloud, image.type, image.name, layer.key))
    image_id = found.id if found else _new_id(layer, images, wish.project)
    build = BuildImage(
        image=image_id,
        type=image.type,
        name=image.name,
        key=layer.key,
        parent=parent,
        base="" if parent else layer.base,
        builder=wish.builder,
        packages=layer.packages,
        digests=layer.digests,
        fresh=wish.fresh and parent is None,
    )
    verify = VerifyImage(image=image_id, tests=layer.recipe.tests, on=wish.proof)
    delete = DeleteImage(image=image_id)
    steps: tuple[Step[BakeAction], ...] = (
        Step(id="build", action=build, deadline=BUILD_DEADLINE),
        Step(id="verify", action=verify, deadline=VERIFY_DEADLINE),
    )
    back: tuple[Step[BakeAction], ...] = (Step(id="delete", action=delete, deadline=DELETE_DEADLINE),)
    plan: Plan[BakeAction] = Plan(
        subject=subject,
        why=why,
        steps=() if found else steps,
        back=() if found else back,
        fingerprint=fingerprint((subject, image_id, parent or "", wish.builder)),
    )
    return LayerPlan(image=image, key=layer.key, image_id=image_id, plan=plan)


def _verify_again(layer: Layer, found: Image, wish: Wish) -> LayerPlan:
    """Where the tests fail the image stays what it was: verified on less."""
    verify = VerifyImage(image=found.id, tests=layer.recipe.tests, on=wish.proof)
    subject = _subject(layer, wish)
    plan: Plan[BakeAction] = Plan(
        subject=subject,
        why=f"{found.ref} is there, and was verified on a {found.verified_on} machine only",
        steps=(Step(id="verify", action=verify, deadline=VERIFY_DEADLINE),),
        fingerprint=fingerprint((subject, found.id, found.parent or "", wish.proof)),
    )
    return LayerPlan(image=layer.recipe.image, key=layer.key, image_id=found.id, plan=plan)


def _subject(layer: Layer, wish: Wish) -> str:
    return f"bake/{wish.cloud}/{layer.recipe.image}/{layer.key}"


def _new_id(layer: Layer, images: tuple[Image, ...], project: str) -> str:
    """The first id of this key that no verified image has, and that no image names as the one it was baked on."""
    taken = {image.id for image in images if image.verified} | {image.parent for image in images}
    kind, name = layer.recipe.image.type, layer.recipe.image.name
    ids = (names.image(project, kind, name, layer.key, serial) for serial in range(len(taken) + 1))
    return next(image_id for image_id in ids if image_id not in taken)


def _why(layer: Layer, images: tuple[Image, ...], now: datetime, found: Image | None) -> str:
    image = layer.recipe.image
    if found:
        return f"{found.ref} is there"
    known = same_key(layer, images)
    if any(not _too_old(layer.recipe, i, now) for i in known):
        return f"the image below {image} is another one than it was baked on"
    if known:
        return f"{image} is older than its max_age of {layer.recipe.max_age or 0:g} s: the distribution has moved"
    if any(_name(i) == image for i in images if i.verified):
        return f"the recipe of {image}, or of an image below it, has changed"
    return f"there is no image {image} yet"


def _too_old(recipe: Recipe, image: Image, now: datetime) -> bool:
    return recipe.max_age is not None and (now - image.created).total_seconds() > recipe.max_age


def _name(image: Image) -> ImageName:
    return ImageName(type=image.type, name=image.name)
