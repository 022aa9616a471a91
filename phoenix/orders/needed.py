"""Who needs which packages of a repository: what would install them again, or go back to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phoenix.debs import Need
from phoenix.model import Package, Release
from phoenix.orders import places
from phoenix.orders.places import Place
from phoenix.orders.site import Site

_FIELDS = {"name", "version", "sha256", "repository"}
"""What tells a package in a plan's JSON."""


def of(site: Site, repository: str) -> tuple[Need, ...]:
    """Each package of the repository that is needed, and by whom: groups, images, runs, ways back.

    Asks every cloud of the project; one that gives no answer is an error: unknown is not no.
    """
    found = {
        (package, who): Need(name=package.name, version=package.version, sha256=package.sha256, who=who)
        for package, who in _all(site)
        if package.repository == repository
    }
    return tuple(sorted(found.values(), key=lambda need: (need.name, need.version, need.who)))


def _all(site: Site) -> Iterator[tuple[Package, str]]:
    for name in site.project.clouds:
        cloud = site.cloud(name)
        for group in cloud.groups.list():
            if group.release:
                yield from ((package, f"group {group.name}") for package in packages_of(group.release))
        for image in cloud.images.list():
            yield from ((package, f"image {image.ref} on {name}") for package in image.packages)
    for run in site.history.live():
        if not run.state.ended:
            yield from ((package, f"{run.id} ({run.state})") for package in _named_in(run.plan))
    for place in (*places.known(site), *places.forgotten(site)):
        yield from _ways_back(site, place)


def packages_of(release: Release) -> tuple[Package, ...]:
    """All that machines of the release install at boot."""
    return (*release.packages, *([release.boot_playbook] if release.boot_playbook else []))


def _ways_back(site: Site, place: Place) -> Iterator[tuple[Package, str]]:
    """What served last and what it would go back to, whether their groups stand or not."""
    turns = site.history.served(place.service.name, place.environment.name)
    if turns:
        former = [turn for turn in turns if turn.group == turns[-1].former]
        for turn in (turns[-1], *former):
            who = f"the way back of {place.subject} to {turn.group}"
            yield from ((package, who) for package in packages_of(turn.release))


def _named_in(data: object) -> Iterator[Package]:
    """Every package that a plan names, wherever in it."""
    if isinstance(data, Mapping):
        if data.keys() >= _FIELDS:
            known: dict[str, Any] = {name: data[name] for name in _FIELDS}
            yield Package(**known)
        for value in data.values():
            yield from _named_in(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _named_in(value)
