"""What stands on a stack: groups whose environment uses what the stack made. Ground is not taken from under them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from phoenix.errors import RefusedError, SpecError
from phoenix.orders import places
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.record.stacks import StackRecords
from phoenix.stacks import Change

SHORTEST = 4
"""Characters of an output that is looked for in environments: a shorter one stands there by chance."""
_ANYBODYS = ("name", "kind", "region", "project", "profile", "tags")
"""Keys of a cloud whose values say nothing of what one stack made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A place that uses outputs of a stack, with its groups."""

    place: str
    groups: tuple[str, ...]
    outputs: frozenset[str]
    """The values that it uses."""

    def __str__(self) -> str:
        return f"{self.place}: {', '.join(self.groups)}"


def on(site: Site, stack: str) -> tuple[Standing, ...]:
    """The places with groups that stand on it: by `${stack.NAME.OUTPUT}`, or by values that somebody has copied.

    Also those that phoenix.yaml no longer has, on the clouds that the stack carries. Asks the clouds; CloudError
    where one cannot say.
    """
    record = StackRecords(site.store).of(stack)
    values = [each.value for each in record.outputs] if record else []
    given = frozenset(_texts(values))
    gone = _forgotten(site, _carried(site, stack, given), frozenset(_texts(values, least=1))) if values else ()
    return (*_standing(site, stack, given), *gone)


def refuse(site: Site, stack: str, lost: tuple[Change, ...], *, destroy: bool) -> None:
    """RefusedError where groups stand on what is to be lost: on anything of the stack where it is destroyed."""
    touched = frozenset(text for change in lost for text in change.ids)
    found = [each for each in on(site, stack) if destroy or each.outputs & touched]
    if found:
        what = "destroyed" if destroy else "changed so"
        raise RefusedError(
            f"{stack} cannot be {what}: live groups stand on it",
            details="\n".join([*map(str, found), *(f"lost: {change.address}" for change in lost)]),
            resolution="Roll them to other ground or delete them first; --force-live takes it away all the same.",
        )


def refuse_unknown(stack: str, error: SpecError) -> RefusedError:
    """The refusal where phoenix.yaml is not whole, so that nobody knows what stands on the stack. Unknown is not no."""
    return RefusedError(
        f"nobody can say whether live groups stand on {stack}",
        details=f"{error.brief}\n{error.details}",
        resolution="Mend phoenix.yaml; or say --force-live, if you know that nothing stands on it.",
    )


def _standing(site: Site, stack: str, given: frozenset[str]) -> Iterator[Standing]:
    for place in places.known(site):
        uses = _used(site, place, stack, given)
        if not uses:
            continue
        observed = site.observed(place)
        named = {group.name for group in observed.groups} | {name for name, share in observed.route.shares if share}
        if named:
            yield Standing(place=place.subject, groups=tuple(sorted(named)), outputs=uses)


def _forgotten(site: Site, clouds: tuple[str, ...], given: frozenset[str]) -> Iterator[Standing]:
    """Places that phoenix.yaml no longer has. What they use of what the stack gives out is not known: it may be all."""
    for cloud in clouds:
        groups = site.cloud(cloud).groups.list()
        for place in places.forgotten_among(site, cloud, groups):
            theirs = [each.name for each in groups if (each.service, each.environment) == _key(place)]
            where = f"{place.subject} (no longer in phoenix.yaml), on {cloud}"
            yield Standing(place=where, groups=tuple(sorted(theirs)), outputs=given)


def _key(place: Place) -> tuple[str, str]:
    return place.service.name, place.environment.name


def _carried(site: Site, stack: str, given: frozenset[str]) -> tuple[str, ...]:
    """The clouds that stand on the stack, or places on them; every cloud where nothing refers to it any more.

    A service that is taken out of phoenix.yaml takes its references along.
    """
    project = site.project
    used = {place.cloud for place in places.known(site) if _used(site, place, stack, given)}
    for name in project.clouds:
        referred = any(each.startswith(f"stack.{stack}.") for each, _ in project.clouds_stand_on.get(name, ()))
        if referred or given & set(_texts(_of_one(site, name))):
            used.add(name)
    return tuple(name for name in project.clouds if name in used or not used)


def _used(site: Site, place: Place, stack: str, given: frozenset[str]) -> frozenset[str]:
    """The values of the stack's outputs that the place uses."""
    named = [value for name, value in place.environment.stands_on if name.startswith(f"stack.{stack}.")]
    referred = {text for value in named for text in _referred(value)}
    about = asdict(place.environment)
    written = set(_texts([_of_one(site, place.cloud), about["machine"], about["load_balancer"]]))
    return frozenset(referred | (written & given))


def _of_one(site: Site, cloud: str) -> dict[str, Any]:
    """What phoenix.yaml says of a cloud, as far as it can be what one stack made."""
    return {key: value for key, value in asdict(site.project.cloud(cloud)).items() if key not in _ANYBODYS}


def _referred(value: str) -> Iterator[str]:
    """What an explicit reference comes to, however short: the whole, and each part of a list."""
    yield value
    yield from _texts(_parsed(value), least=1)


def _parsed(text: str) -> Any:
    """A value as it was given out: a list stands as JSON in a reference's text."""
    try:
        return json.loads(text) if text[:1] in "[{" else text
    except ValueError:
        return text


def _texts(value: Any, least: int = SHORTEST) -> Iterator[str]:
    """Every text in a value that has at least so many characters."""
    match value:
        case str() if len(value) >= least:
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each, least)
        case list() | tuple():
            for each in value:
                yield from _texts(each, least)
        case _:
            return
