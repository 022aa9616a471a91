"""Where a rollback goes: a group that stands and takes traffic back at once, or a release to start a new group with.

The record knows what every group ran that ever served, so the way back is there after the group is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from phoenix import names
from phoenix.errors import RefusedError, SpecError
from phoenix.execute import release as releases
from phoenix.model import ImageType, Observed, Package, Release, Served
from phoenix.orders import release as exact_release
from phoenix.orders.ingredients import serve
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction
from phoenix.plan.rollback import release_of, to_release
from phoenix.plan.rollback import rollback as to_group
from phoenix.spec import refs
from phoenix.spec.images import PackageWish


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """One of `group` and `release`. `former`: the group that the record is to name as the one before the release."""

    group: str | None = None
    release: Release | None = None
    former: str | None = None


def plan(place: Place, observed: Observed, goal: Goal) -> Plan[RollAction]:
    """The plan that goes there. RefusedError where the goal's group has gone and left no trace."""
    if goal.release is not None:
        return to_release(place.service, place.environment, observed, goal.release, goal.former)
    assert goal.group is not None, "a goal has one of them"
    return to_group(place.service, place.environment, observed, goal.group)


def find(site: Site, place: Place, observed: Observed, to: str | None, packages: tuple[str, ...], *, dry: bool) -> Goal:
    """What is meant by `to` and `packages`; without `to` what served before, as `observed` says.

    SpecError for words that mean nothing; RefusedError where there is nothing to go back to, or where the release
    can no longer be started: its image or one of its packages is gone. `dry`: no repository is served for it.
    """
    target = _named(site, place, observed, to) if to is not None else _before(place, observed)
    if target is None:
        assert to is not None, "what served before is a group"
        release = exact_release.resolve(site, place, image=to, packages=packages, dry=dry)
        return _standing(observed, release) or Goal(release=release, former=observed.route.stable)
    release_there = release_of(observed, target)
    if observed.group(target) and not packages:
        return Goal(group=target)
    if release_there is None:
        raise RefusedError(
            f"{place.subject} cannot go back to {target}",
            details="it no longer stands, and the record does not know what it ran",
            resolution=f"{_others(observed)} `phoenix roll` starts a new group.",
        )
    wanted = _with(site, place, release_there, packages, dry=dry)
    standing = _standing(observed, wanted)
    if standing is not None:
        return standing
    turn = observed.turn(target)
    startable = exact_release.startable(site, place, wanted, dry=dry)
    return Goal(release=startable, former=turn.former if turn else observed.former)


def _before(place: Place, observed: Observed) -> str:
    """What served before; where several groups serve something was left unfinished, and that is the stable one."""
    if len(observed.route.shares) > 1 and observed.stable is not None:
        return observed.stable.name
    if observed.former is None:
        raise RefusedError(
            f"nothing served {place.subject} before {observed.route.stable or 'now'}",
            details="as far as the record goes back",
            resolution=_others(observed),
        )
    return observed.former


def _named(site: Site, place: Place, observed: Observed, to: str) -> str | None:
    """The group that `to` names or whose release has the image that it names, the newest turn first.

    None for an image that has not served yet.
    """
    if observed.group(to) or names.parse_group(to):
        return to
    images = site.cloud(place.cloud).images.list()
    if not refs.parse(to).image and to not in {image.id for image in images}:
        groups = ", ".join(_known(observed)) or "none"
        raise SpecError(
            f"'{to}' names no group and no image",
            details=f"groups that serve, stand or served: {groups}; images: {refs.FORMS}",
            resolution="Name one of these with --to.",
        )
    image = refs.pick(to, images, verified=True)
    turns: list[Served] = [turn for turn in observed.served if turn.release.image == image.id]
    return turns[-1].group if turns else None


def _with(site: Site, place: Place, release: Release, packages: tuple[str, ...], *, dry: bool) -> Release:
    """The release with other versions of its packages, exact."""
    if not packages:
        return release
    if release.image_ref.startswith(f"{ImageType.IMMUTABLE}/"):
        raise SpecError(
            f"--package cannot change {release.image_ref}",
            details="an immutable image has its packages baked in",
            resolution="Go back to it as it is, or bake an image with the other version and roll.",
        )
    versions = dict(_version(release, place.service.name, each) for each in packages)
    changed = [package for package in release.packages if package.name in versions]
    wished = [PackageWish(name=each.name, version=versions[each.name], repository=each.repository) for each in changed]
    serve(site, [wish.repository for wish in wished], dry=dry)
    there = releases.packages(site.project, wished, place.cloud)
    exact: dict[str, Package] = {package.name: package for package in there}
    return replace(release, packages=tuple(exact.get(package.name, package) for package in release.packages))


def _version(release: Release, service: str, text: str) -> tuple[str, str]:
    name, _, version = text.partition("=")
    known = [package.name for package in release.packages]
    if not version or name not in known:
        raise SpecError(
            f"--package {text} is no package of the release that {service} goes back to",
            details=f"accepted: NAME=VERSION; packages of {release.id}: {', '.join(known) or 'none'}",
            resolution="Name one of these, with the version to install.",
        )
    return name, version


def _standing(observed: Observed, release: Release) -> Goal | None:
    """The group that runs exactly this and stands: the one that serves first, then the youngest."""
    same = [group.name for group in observed.groups if group.release is not None and group.release.id == release.id]
    serving = [name for name in same if name == observed.route.stable]
    return Goal(group=[*same, *serving][-1]) if same else None


def _known(observed: Observed) -> list[str]:
    """Every group that stands or that the record knows, oldest first."""
    return list(dict.fromkeys([*(turn.group for turn in observed.served), *(g.name for g in observed.groups)]))


def _others(observed: Observed) -> str:
    others = [name for name in _known(observed) if name != observed.route.stable]
    return f"Name one with --to: {', '.join(others)}." if others else "See `phoenix status`."
