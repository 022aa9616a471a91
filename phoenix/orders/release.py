"""What a roll is to run, made exact: the image, the packages, the stack's playbook where it is needed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.execute import release as releases
from phoenix.model import Image, ImageType, Package, Release
from phoenix.orders.ingredients import kitchen, serve
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.spec import refs
from phoenix.spec.services import ServiceSpec


def resolve(
    site: Site,
    place: Place,
    *,
    image: str | None,
    packages: tuple[str, ...],
    baked: Image | None = None,
    dry: bool,
) -> Release:
    """The release to roll: from the image that was just `baked`, the one named `image`, or the newest of today.

    `dry`: publish nothing, not even the playbook package that it may need.
    """
    service = place.service
    wished = releases.wishes(service, list(packages))
    if baked:
        chosen = baked
    elif image:
        chosen = _named_image(site, place, image)
    else:
        chosen = _todays_image(site, place, dry=dry)
    site.cloud(place.cloud).images.refuse_unproven(chosen)
    if chosen.type is ImageType.IMMUTABLE:
        exact = _baked_in(service, chosen, packages)
    else:
        serve(site, [wish.repository for wish in service.packages], dry=dry)
        exact = releases.packages(site.project, wished, place.cloud)
    return releases.release(
        site.project,
        image=chosen,
        exact=exact,
        settings=service.settings,
        boot_playbook=_boot_playbook(site, service, dry=dry) if chosen.type is ImageType.OS else None,
        new_conffiles=service.new_conffiles,
        cloud=site.cloud(place.cloud),
    )


def _todays_image(site: Site, place: Place, *, dry: bool) -> Image:
    """The newest verified image whose recipe is today's."""
    images, wanted = site.cloud(place.cloud).images, place.service.image
    # an image of today's recipe is good whichever builder made it
    kitchens = [kitchen(site, place.cloud, builder, dry=dry) for builder in site.cloud(place.cloud).abilities.builders]
    keys = frozenset(each.lineage(wanted)[-1].key for each in kitchens)
    return releases.newest_of_today(images.list(), wanted, keys, place.cloud)


def _named_image(site: Site, place: Place, ref: str) -> Image:
    """The image that the order names: of the service's own recipe, verified."""
    wanted = place.service.image
    found = refs.pick(ref, site.cloud(place.cloud).images.list(), verified=True)
    if (found.type, found.name) != (wanted.type, wanted.name):
        raise SpecError(
            f"{found.ref} is no image of {place.service.name}",
            details=f"the service starts from {wanted}",
            resolution=f"Name one of `phoenix image list --name {wanted.name}`.",
        )
    return found


def _baked_in(service: ServiceSpec, image: Image, overrides: tuple[str, ...]) -> tuple[Package, ...]:
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


def startable(site: Site, place: Place, release: Release, *, dry: bool) -> Release:
    """A release that was made before, as machines can start from it today: with its repositories served (not `dry`).

    RefusedError says what is missing: its image, a repository, a package.
    """
    if not release.image_ref.startswith(f"{ImageType.IMMUTABLE}/"):
        packages = (*release.packages, *([release.boot_playbook] if release.boot_playbook else []))
        serve(site, [p.repository for p in packages if p.repository in site.project.repositories], dry=dry)
    return releases.still_there(site.project, release, site.cloud(place.cloud))


def _boot_playbook(site: Site, service: ServiceSpec, *, dry: bool) -> Package | None:
    """The stack's playbook as a package, published unless it is there already."""
    if service.foundation is None:
        return None
    from phoenix.execute import boot_package, publication
    from phoenix.orders.publish import publish_files

    repository = next((wish.repository for wish in service.packages), None) or _only_repository(site)
    recipe = site.project.recipe(service.foundation)
    with tempfile.TemporaryDirectory(prefix="phoenix-boot-") as name:
        built = publication.checked([boot_package.build(site.project, recipe, Path(name))])
        if not dry:
            publish_files(site, repository, built, why=f"the stack of {service.name}")
    package = built[0]
    return Package(name=package.name, version=package.version, sha256=package.sha256, repository=repository)


def _only_repository(site: Site) -> str:
    if len(site.project.repositories) != 1:
        raise SpecError(
            "it is not clear which repository brings the stack's playbook to the machines",
            details=f"repositories: {', '.join(site.project.repositories) or 'none'}",
            resolution="Give the service a package of the repository that is meant.",
        )
    return next(iter(site.project.repositories))
