"""The images there are, where they come from, whether they still prove good; and their end."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from phoenix import names
from phoenix.clouds.api import idle
from phoenix.errors import RefusedError, SpecError, ToolError
from phoenix.model import Image, ImageType
from phoenix.orders.facts import dump
from phoenix.orders.image_facts import ImageFacts, TestFacts, image_facts, tested
from phoenix.orders.site import Site
from phoenix.spec import refs
from phoenix.spec.images import ImageName


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageList:
    """Images, newest first."""

    images: tuple[ImageFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeImage(ImageFacts):
    """Everything that is known of an image. `where`: what the cloud keeps of it, by what it is."""

    tests: tuple[TestFacts, ...]
    where: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageShown:
    """One image."""

    image: WholeImage


@dataclass(frozen=True, kw_only=True, slots=True)
class GoneImage:
    """An image that another was baked on, and that was deleted since."""

    id: str
    gone: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """An image and what it was baked on, down to the lowest layer that is known."""

    lineage: tuple[ImageFacts | GoneImage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyResult:
    """What another verification came to; `logs` is the directory with the machine's console."""

    image: str
    tests: tuple[TestFacts, ...]
    logs: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletedImage:
    """An image that is gone, or would be."""

    deleted: str
    ref: str


def listed(
    site: Site, *, image_type: str | None = None, name: str | None = None, cloud: str | None = None
) -> ImageList:
    """The images, newest first; only those of the type, name and cloud that are given."""
    if image_type not in (None, *ImageType):
        raise SpecError(
            f"there is no image type '{image_type}'",
            details=f"accepted: {', '.join(ImageType)}",
            resolution="Name one of these.",
        )
    users, now = users_of(site, cloud), site.clock.now()
    found = [i for i in _images(site, cloud) if image_type in (None, i.type) and name in (None, i.name)]
    return ImageList(images=tuple(image_facts(image, users.get(image.id, ()), now) for image in found))


def show(site: Site, ref: str, cloud: str | None = None) -> ImageShown:
    """Everything that is known of one image."""
    image = pick(site, ref, cloud)
    facts = image_facts(image, users_of(site, cloud).get(image.id, ()), site.clock.now())
    where = dict(site.cloud(image.cloud).images.whereabouts(image.id))
    known = {field: getattr(facts, field) for field in asdict(facts)}
    return ImageShown(image=WholeImage(**known, tests=tested(image.tests), where=where))


def lineage(site: Site, ref: str, cloud: str | None = None) -> Lineage:
    """An image and what it was baked on, down to the lowest layer; the last may be gone."""
    image: Image | None = pick(site, ref, cloud)
    users, now = users_of(site, cloud), site.clock.now()
    chain: list[ImageFacts | GoneImage] = []
    while image is not None:
        chain.append(image_facts(image, users.get(image.id, ()), now))
        below, images = image.parent, site.cloud(image.cloud).images
        image = images.find(below) if below else None
        if below and image is None:
            chain.append(GoneImage(id=below))
    return Lineage(lineage=tuple(chain))


def verify(site: Site, ref: str, cloud: str | None = None) -> VerifyResult:
    """Boot an image once more and run its tests; the image stays as it is.

    ToolError where a test failed; its facts are the result.
    """
    image = pick(site, ref, cloud)
    recipe = site.project.recipes.get(ImageName(type=image.type, name=image.name))
    logs = site.run_logs / names.run("verify", site.clock.now())
    logs.mkdir(parents=True)
    images = site.cloud(image.cloud).images
    tests = recipe.tests if recipe else ()
    results = images.verify(
        image, tests, on=image.verified_on, log=logs / "verification.log", say=site.say, between=idle
    )
    result = VerifyResult(image=image.id, tests=tested(results), logs=str(logs))
    failed = [test for test in result.tests if not test.ok]
    if failed:
        raise ToolError(
            f"{image.ref} failed {len(failed)} of {len(results)} tests",
            details="\n".join(f"{test.name}: {last_line(test.output)}" for test in failed),
            resolution=f"See the machine's console in {logs}; bake the image again.",
            facts=dump(result),
        )
    return result


def plan_deletion(site: Site, ref: str, cloud: str | None = None) -> DeletedImage:
    """Which image a deletion would remove; RefusedError while machines of a group start from it."""
    image = pick(site, ref, cloud)
    users = users_of(site, image.cloud).get(image.id, ())
    if users:
        raise RefusedError(
            f"{image.ref} is in use",
            details=f"machines of {', '.join(users)} start from it",
            resolution="Roll to another image, let the groups burn, then try again.",
        )
    return DeletedImage(deleted=image.id, ref=image.ref)


def delete(site: Site, ref: str, cloud: str | None = None) -> DeletedImage:
    """Delete an image; images baked on it stay. RefusedError while machines of a group start from it."""
    planned = plan_deletion(site, ref, cloud)
    site.cloud(pick(site, planned.deleted, cloud).cloud).images.delete(planned.deleted)
    return planned


def last_line(output: str) -> str:
    """The end of a test's output, as far as a line of a table holds it."""
    return output.strip().splitlines()[-1][:80] if output.strip() else ""


def pick(site: Site, ref: str, cloud: str | None = None) -> Image:
    """The newest image that the reference means, verified or not."""
    return refs.pick(ref, _images(site, cloud), verified=False)


def _clouds(site: Site, named: str | None) -> tuple[str, ...]:
    return (named,) if named else tuple(site.project.clouds)


def _images(site: Site, cloud: str | None) -> list[Image]:
    """The images of the clouds, newest first."""
    found = [image for name in _clouds(site, cloud) for image in site.cloud(name).images.list()]
    return sorted(found, key=lambda image: (image.created, image.id), reverse=True)


def users_of(site: Site, cloud: str | None) -> dict[str, tuple[str, ...]]:
    """The groups that start from each image, by its id."""
    users: dict[str, tuple[str, ...]] = {}
    for name in _clouds(site, cloud):
        for group in site.cloud(name).groups.list():
            if group.release is not None:
                users[group.release.image] = (*users.get(group.release.image, ()), group.name)
    return users
