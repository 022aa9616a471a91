"""What `phoenix roll` is to run, made exact: the image, the packages, the stack's playbook where it is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.errors import SpecError
from phoenix.execute import release as releases
from phoenix.model import Image, ImageType, Package, Release
from phoenix.spec import refs
from phoenix.spec.services import EnvironmentSpec, ServiceSpec

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring

BUILDERS = ("chroot", "packer")
"""An image of today's recipe is good whichever builder made it."""


def resolve(
    wiring: Wiring,
    service: ServiceSpec,
    environment: EnvironmentSpec,
    *,
    image: str | None,
    packages: list[str],
    baked: Image | None = None,
    dry: bool,
) -> Release:
    """The release to roll: from the image that was just `baked`, the one named `image`, or the newest of today.

    `dry`: publish nothing, not even the playbook package that it may need.
    """
    wished = releases.wishes(service, packages)
    if baked:
        chosen = baked
    elif image:
        chosen = _named_image(wiring, service, environment, image)
    else:
        chosen = _todays_image(wiring, service, environment, dry=dry)
    if chosen.type is ImageType.IMMUTABLE:
        exact = _baked_in(service, chosen, packages)
    else:
        serve(wiring, [wish.repository for wish in service.packages], dry=dry)
        exact = releases.packages(wiring.project, wished)
    return releases.release(
        wiring.project,
        image=chosen,
        exact=exact,
        settings=service.settings,
        boot_playbook=_boot_playbook(wiring, service, dry=dry) if chosen.type is ImageType.OS else None,
        cloud=wiring.cloud(environment.cloud),
    )


def _todays_image(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, *, dry: bool) -> Image:
    """The newest verified image whose recipe is today's."""
    from phoenix.execute.recipes import Kitchen

    images = wiring.cloud(environment.cloud).images
    kind = wiring.project.cloud(environment.cloud).kind
    keys = frozenset(
        Kitchen(
            project=wiring.project,
            kind=kind,
            images=images,
            builder=builder,
            resolve=partial(wiring.exact_packages, dry=dry),
        )
        .lineage(service.image)[-1]
        .key
        for builder in BUILDERS
    )
    return releases.newest_of_today(images.list(), service.image, keys, environment.cloud)


def _named_image(wiring: Wiring, service: ServiceSpec, environment: EnvironmentSpec, ref: str) -> Image:
    """The image that `--image` names: of the service's own recipe, verified."""
    found = refs.pick(ref, wiring.cloud(environment.cloud).images.list(), verified=True)
    if (found.type, found.name) != (service.image.type, service.image.name):
        raise SpecError(
            f"{found.ref} is no image of {service.name}",
            details=f"the service starts from {service.image}",
            resolution=f"Name one of `phoenix image list --name {service.image.name}`.",
        )
    return found


def _baked_in(service: ServiceSpec, image: Image, overrides: list[str]) -> tuple[Package, ...]:
    """An immutable image brings its packages; what the service names must be among them."""
    if overrides:
        raise SpecError(
            f"--package cannot change {image.ref}",
            details="an immutable image has its packages baked in",
            resolution="Bake an image with the other version, then roll.",
        )
    missing = {wish.name for wish in service.packages} - {package.name for package in image.packages}
    if missing:
        raise SpecError(
            f"{image.ref} lacks packages of {service.name}",
            details=f"missing: {', '.join(sorted(missing))}; nothing is installed on an immutable machine",
            resolution=f"Add them to the `packages` of {service.image}, bake, then roll.",
        )
    return image.packages


def serve(wiring: Wiring, names: Iterable[str], *, dry: bool) -> None:
    """See that machines will reach these repositories of the project; a plan only reads."""
    from phoenix.execute.repositories import ensure_served

    for name in () if dry else dict.fromkeys(names):
        ensure_served(wiring.project.repository(name), clock=wiring.clock, say=wiring.session.out.say)


def startable(wiring: Wiring, environment: EnvironmentSpec, release: Release, *, dry: bool) -> Release:
    """A release that was made before, as machines can start from it today: with its repositories served (not `dry`).

    RefusedError says what is missing: its image, a repository, a package.
    """
    if not release.image_ref.startswith(f"{ImageType.IMMUTABLE}/"):
        packages = (*release.packages, *([release.boot_playbook] if release.boot_playbook else []))
        named = [package.repository for package in packages if package.repository in wiring.project.repositories]
        serve(wiring, named, dry=dry)
    return releases.still_there(wiring.project, release, wiring.cloud(environment.cloud))


def _boot_playbook(wiring: Wiring, service: ServiceSpec, *, dry: bool) -> Package | None:
    """The stack's playbook as a package, published unless it is there already."""
    if service.foundation is None:
        return None
    from phoenix.execute import boot_package, publication

    repository = next((wish.repository for wish in service.packages), None) or _only_repository(wiring)
    recipe = wiring.project.recipe(service.foundation)
    with tempfile.TemporaryDirectory(prefix="phoenix-boot-") as name:
        built = publication.checked([boot_package.build(wiring.project, recipe, Path(name))])
        if not dry:
            from phoenix.cli.running import tend_run
            from phoenix.plan.publish import subject_of

            publication.publish(
                wiring.writers[repository],
                built,
                engine=wiring.publish_engine(),
                store=wiring.store,
                clock=wiring.clock,
                say=wiring.session.out.say,
                tend=lambda: tend_run(wiring, subject_of(repository), resume=False),
                why=f"the stack of {service.name}",
            )
    package = built[0]
    return Package(name=package.name, version=package.version, sha256=package.sha256, repository=repository)


def _only_repository(wiring: Wiring) -> str:
    if len(wiring.project.repositories) != 1:
        raise SpecError(
            "it is not clear which repository brings the stack's playbook to the machines",
            details=f"repositories: {', '.join(wiring.project.repositories) or 'none'}",
            resolution="Give the service a package of the repository that is meant.",
        )
    return next(iter(wiring.project.repositories))
