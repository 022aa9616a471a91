"""What a roll will run, resolved to exact things: one image, exact packages with their hashes, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from phoenix.errors import RefusedError, SpecError
from phoenix.model import Image, ImageType, Package, Release, Repository
from phoenix.spec.images import ImageName, PackageWish
from phoenix.spec.project import Project
from phoenix.spec.services import ServiceSpec

if TYPE_CHECKING:
    from phoenix.clouds.api import Cloud


def newest_of_today(images: Iterable[Image], image: ImageName, keys: frozenset[str], cloud: str) -> Image:
    """The newest verified image with one of today's keys; RefusedError with the exact bake command without one."""
    mine = [i for i in images if i.verified and (i.type, i.name) == (image.type, image.name)]
    fresh = [i for i in mine if i.key in keys]
    if fresh:
        return max(fresh, key=lambda i: (i.created, i.id))
    older = ", ".join(list(dict.fromkeys(i.ref for i in mine))[:3])  # one that was baked again has the same name
    raise RefusedError(
        f"there is no image {image} of today's recipe on {cloud}",
        details=f"there is {older}, of an older recipe" if older else "none has been baked yet",
        resolution=f"Run `phoenix bake {image.type} {image.name} --cloud {cloud}`, then roll; `--bake` does both"
        + (" (or name an older one with --image)." if older else "."),
    )


def wishes(service: ServiceSpec, overrides: Iterable[str]) -> tuple[PackageWish, ...]:
    """The service's packages with `NAME=VERSION` overrides; SpecError for one that the service does not have."""
    versions: dict[str, str] = {}
    for override in overrides:
        name, equals, version = override.partition("=")
        if not (equals and version) or name not in {package.name for package in service.packages}:
            known = ", ".join(package.name for package in service.packages) or "none"
            raise SpecError(
                f"--package {override} is no package of {service.name}",
                details=f"accepted: NAME=VERSION; packages of {service.name}: {known}",
                resolution="Name one of these, with the version to install.",
            )
        versions[name] = version
    return tuple(
        PackageWish(name=wish.name, version=versions.get(wish.name, wish.version), repository=wish.repository)
        for wish in service.packages
    )


def packages(project: Project, wished: Iterable[PackageWish], cloud: str) -> tuple[Package, ...]:
    """The exact packages for machines of that cloud, read from the published indexes.

    RefusedError where one is not there.
    """
    from phoenix.execute.repositories import repository_to_read
    from phoenix.tools import apt_index

    wanted = tuple(wished)
    found: dict[str, Package] = {}
    for name in dict.fromkeys(wish.repository for wish in wanted):
        here = repository_to_read(project.repository(name))
        asked = [(wish.name, wish.version) for wish in wanted if wish.repository == name]
        exact = apt_index.resolve(here, asked, architecture=project.cloud(cloud).architecture)
        found |= {package.name: package for package in exact}
    return tuple(found[wish.name] for wish in wanted)


def still_there(project: Project, kept: Release, cloud: Cloud) -> Release:
    """The release as machines can start from it today: its repositories may have moved since it was made.

    Looks whether its image stands, and that each package that machines install at boot is published with the same
    contents. RefusedError says what is missing.
    """
    image = cloud.images.find(kept.image)
    if image is None:
        what = kept.image_ref.partition("@")[0].replace("/", " ")
        raise _lost(
            kept, f"its image {kept.image_ref} ({kept.image}) is gone", f"Bake one (`phoenix bake {what}`) and roll."
        )
    cloud.images.refuse_unproven(image)
    if image.type is ImageType.IMMUTABLE:
        return kept  # nothing is installed at boot
    at_boot = [*kept.packages, *([kept.boot_playbook] if kept.boot_playbook else [])]
    names = list(dict.fromkeys(package.repository for package in at_boot))
    gone = [name for name in names if name not in project.repositories]
    if gone:
        raise _lost(
            kept, f"phoenix.yaml no longer has its repository {', '.join(gone)}", "Add it to phoenix.yaml again."
        )
    wished = [PackageWish(name=each.name, version=each.version, repository=each.repository) for each in at_boot]
    other = sorted(f"{each.name}={each.version}" for each in set(at_boot) - set(packages(project, wished, cloud.name)))
    if other:
        raise _lost(
            kept, f"published under the same version with other contents: {', '.join(other)}", "Roll another version."
        )
    return replace(kept, repositories=_for_machines(project, names, cloud))


def _lost(kept: Release, details: str, resolution: str) -> RefusedError:
    return RefusedError(f"release {kept.id} can no longer be started", details=details, resolution=resolution)


def release(
    project: Project,
    *,
    image: Image,
    exact: tuple[Package, ...],
    settings: Mapping[str, str],
    boot_playbook: Package | None,
    new_conffiles: bool,
    cloud: Cloud,
) -> Release:
    """The release of these parts, for machines of that cloud."""
    needed = dict.fromkeys(p.repository for p in (*exact, *([boot_playbook] if boot_playbook else [])))
    return Release(
        image=image.id,
        image_ref=image.ref,
        packages=exact,
        settings=tuple(sorted(settings.items())),
        repositories=_for_machines(project, needed, cloud),
        boot_playbook=boot_playbook,
        new_conffiles=new_conffiles,
    )


def _for_machines(project: Project, names: Iterable[str], cloud: Cloud) -> tuple[Repository, ...]:
    from phoenix.execute.repositories import repository_for_machines

    reached = partial(repository_for_machines, cloud=cloud.name, reached=cloud.url_for_machines)
    return tuple(reached(project.repository(name)) for name in names)
