"""What images and releases are made of, as it is today: recipes read, packages made exact, repositories served."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from phoenix.model import Package
from phoenix.orders.site import Site
from phoenix.spec.images import PackageWish

if TYPE_CHECKING:
    from phoenix.execute.recipes import Kitchen


def kitchen(site: Site, cloud: str, builder: str, *, dry: bool) -> Kitchen:
    """Where recipes are read for the cloud. `dry`: no repository is served for it."""
    from phoenix.execute.recipes import Kitchen  # a way back reads none

    return Kitchen(
        project=site.project,
        cloud=site.cloud(cloud),
        builder=builder,
        resolve=partial(exact_packages, site, cloud, dry=dry),
    )


def exact_packages(site: Site, cloud: str, wishes: tuple[PackageWish, ...], *, dry: bool) -> tuple[Package, ...]:
    """The exact package for each wish and for machines of that cloud, read from the repositories.

    They are served for it, unless `dry`.

    RefusedError where nothing was published yet, or a package is not there.
    """
    from phoenix.execute import release
    from phoenix.execute.repositories import repository_here

    names = list(dict.fromkeys(wish.repository for wish in wishes))
    for name in names:
        repository_here(site.project.repository(name))
    serve(site, names, dry=dry)
    return release.packages(site.project, wishes, cloud)


def serve(site: Site, names: Iterable[str], *, dry: bool = False) -> None:
    """See that machines will reach these repositories of the project; a plan only reads."""
    from phoenix.execute.repositories import ensure_served

    for name in () if dry else dict.fromkeys(names):
        ensure_served(site.project.repository(name), clock=site.clock, say=site.say)
