"""What stands in every service and environment at once: a cloud is asked once, and one that fails hides no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix import model, observe
from phoenix.cli.places import Place, forgotten_among, subject_of
from phoenix.errors import PhoenixError, SpecError
from phoenix.model import Group, Observed

if TYPE_CHECKING:
    from phoenix.cli.wiring import Wiring
    from phoenix.spec.services import EnvironmentSpec, ServiceSpec

Listed = tuple[Group, ...] | PhoenixError


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One service in one environment: what was seen, or why it could not be."""

    service: ServiceSpec
    environment: EnvironmentSpec
    observed: Observed | None
    """Groups and routes; what only the record knows is left out."""
    error: PhoenixError | None
    known: bool = True
    """Whether phoenix.yaml still has it."""

    @property
    def subject(self) -> str:
        """`SERVICE/ENVIRONMENT`."""
        return subject_of(self.service, self.environment)


def everything(wiring: Wiring, service: str | None = None, environment: str | None = None) -> tuple[Standing, ...]:
    """Every service in every environment; with `service` or `environment` only those.

    Without them also what a service left behind that phoenix.yaml no longer has. SpecError for unknown names.
    """
    project = wiring.project
    services = [project.service(service)] if service else list(project.services.values())
    places = [(spec, where) for spec in services for where in spec.environments.values()]
    chosen = [place for place in places if environment in (None, place[1].name)]
    if environment and not chosen and services:
        project.environment(services[0], environment)  # names those there are
    whole = service is None and environment is None
    clouds = [where.cloud for _spec, where in chosen] + list(project.local_clouds() if whole else ())
    listed = {name: _list(wiring, name) for name in dict.fromkeys(clouds)}
    found = [_look(wiring, place, listed[place[1].cloud], known=True) for place in chosen]
    for cloud, groups in listed.items() if whole else ():
        if not isinstance(groups, PhoenixError):
            found += [_look(wiring, place, groups, known=False) for place in forgotten_among(wiring, cloud, groups)]
    return tuple(found)


def place_of_group(wiring: Wiring, name: str) -> Standing:
    """Where the group stands, or still gets traffic. SpecError where it does not; else what kept it from being seen."""
    seen = everything(wiring)
    stands = (each for each in seen if each.observed and each.observed.group(name))
    routed = (each for each in seen if each.observed and each.observed.route.backend(name))
    found = next(stands, None) or next(routed, None)
    if found is not None:
        return found
    unseen = next((each.error for each in seen if each.error), None)
    if unseen is not None:
        raise unseen
    names = [group.name for each in seen if each.observed for group in each.observed.groups]
    raise SpecError(
        f"there is no group '{name}'",
        details=f"groups: {', '.join(names) or 'none'}",
        resolution="Name one of these.",
    )


def _look(wiring: Wiring, place: Place, listed: Listed, *, known: bool) -> Standing:
    spec, where = place
    try:
        if isinstance(listed, PhoenixError):
            raise listed
        name = model.Place(service=spec.name, environment=where.name)
        observed = observe.standing(wiring.cloud(where.cloud), name, listed)
    except PhoenixError as error:
        return Standing(service=spec, environment=where, observed=None, error=error, known=known)
    return Standing(service=spec, environment=where, observed=observed, error=None, known=known)


def _list(wiring: Wiring, cloud: str) -> Listed:
    try:
        return wiring.cloud(cloud).groups.list()
    except PhoenixError as error:
        return error
