"""What a shell completes beside commands and options: names from phoenix.yaml, the record and the local cloud.

Only looks, starts nothing, and never fails: who presses Tab wants names or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.cli.session import Session

if TYPE_CHECKING:
    from phoenix.orders.site import Site

RUNS = 30
"""How many runs are offered, the newest."""


def services(incomplete: str) -> list[str]:
    """The services of the project."""
    return _offered(incomplete, _services)


def services_and_runs(incomplete: str) -> list[str]:
    """The services of the project and the ids of its newest runs."""
    return _offered(incomplete, _services, _runs)


def groups(incomplete: str) -> list[str]:
    """The groups of the local clouds."""
    return _offered(incomplete, _groups)


def speakers(incomplete: str) -> list[str]:
    """Services, groups and instances, whose logs may be asked for."""
    return _offered(incomplete, _services, _groups, _instances)


def instances(incomplete: str) -> list[str]:
    """The instances of the local clouds."""
    return _offered(incomplete, _instances)


def images(incomplete: str) -> list[str]:
    """Recipes as TYPE/NAME; after an @ nothing is completed: keys are not typed."""
    return _offered(incomplete, _images)


def image_names(incomplete: str) -> list[str]:
    """The names of recipes, whatever their type."""
    return _offered(incomplete, lambda site: (ref.partition("/")[2] for ref in _images(site)))


def repositories(incomplete: str) -> list[str]:
    """The repositories of the project."""
    return _offered(incomplete, lambda site: sorted(site.project.repositories))


def stacks(incomplete: str) -> list[str]:
    """The stacks of the project, whatever else of its file is wrong."""
    try:
        session = Session(wanted_directory=_directory(os.environ.get("COMP_WORDS", "").split()))
        return sorted(name for name in session.ground(None).project.stacks if name.startswith(incomplete))
    except Exception:  # as below
        return []


def strategies(incomplete: str) -> list[str]:
    """The strategies that a roll may have."""
    return [name for name in ("blue-green", "rolling", "canary") if name.startswith(incomplete)]


def packages(incomplete: str) -> list[str]:
    """Packages of the services, and behind a `=` the versions that lie in their repositories on this computer."""
    return _offered(incomplete, lambda site: site.package_names(incomplete))


def environments(incomplete: str) -> list[str]:
    """The environments of all services."""
    return _offered(incomplete, _environments)


def _offered(incomplete: str, *sources: Callable[[Site], Iterable[str]]) -> list[str]:
    found: list[str] = []
    try:
        words = os.environ.get("COMP_WORDS", "").split()
        site = Session(wanted_directory=_directory(words)).site
        for source in sources:
            found += [name for name in source(site) if name.startswith(incomplete)]
    except Exception:  # a shell that completes has no place for an error: what was found so far is offered
        return found
    return found


def _directory(words: list[str]) -> Path | None:
    """The project that the command line names so far."""
    named = [after for word, after in pairwise(words) if word in ("-C", "--project")]
    return Path(named[-1]) if named else None


def _services(site: Site) -> list[str]:
    return sorted(site.project.services)


def _environments(site: Site) -> list[str]:
    return sorted({name for service in site.project.services.values() for name in service.environments})


def _runs(site: Site) -> tuple[str, ...]:
    """From a state on this machine only: a bucket answers too slowly for a key press."""
    from phoenix.orders.history import newest_ids  # this file is read for every command line

    return newest_ids(site, RUNS)


def _images(site: Site) -> list[str]:
    return sorted(str(recipe.image) for recipe in site.project.recipes.values())


def _instances(site: Site) -> Iterable[str]:
    return site.instance_names()


def _groups(site: Site) -> Iterable[str]:
    return site.group_names()
