"""The backend service of a new group, made from what serves: with a health check of its own, and the same policies."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.balancer import born_with, health_checks, notes, successor, whole
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.services import SERVICES, Service, find
from phoenix.clouds.gcp.balancer.url_map import At
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.errors import RefusedError, UnreachableError
from phoenix.model import Health


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What phoenix.yaml says of the service, as far as its backend services are made of it."""

    health: Health
    drain: float
    """Seconds."""
    accepts: bool
    """Whether a successor may lack what nobody can read of the one that serves."""


def own(calls: Calls, at: At, group: str) -> Service | None:
    """The group's backend service, or None. RefusedError where one of that name is not phoenix's for the group."""
    found = find(calls, at.service(group))
    if found is None or found.owner == owner(at, group):
        return found
    told = found.owner
    raise RefusedError(
        f"phoenix did not make the backend service {group} for this service",
        details=f"it is of {told.project}/{told.place.service}/{told.place.environment}"
        if told
        else "nobody wrote on it",
        resolution="Remove it, where nobody needs it; phoenix leaves it as it is.",
    )


def owner(at: At, group: str) -> Owner:
    """For whom phoenix makes the group's backend service."""
    return Owner(project=at.project, place=at.place, group=group)


def ensure(
    calls: Calls, at: At, group: str, wanted: Wanted, former: Json | None, scheme: str, between: Between = idle
) -> Service:
    """See that the group has its backend service, with a health check and Cloud Armor's policies.

    `former`: the one that serves, None where none does. RefusedError where a successor would lack something of it.
    """
    there = own(calls, at, group)
    if there is None:
        refuse_lacking(former, accepts=wanted.accepts)
        there = _made(calls, at, group, wanted, former, scheme, between)
    for policy, verb in successor.BORN_POLICIES.items():
        told = (former or {}).get(policy, "")
        if told and not links.same(told, there.told.get(policy, "")):
            whole.perform(calls, there.link, verb, {"securityPolicy": told}, between)
    return there


def refuse_lacking(former: Json | None, *, accepts: bool) -> None:
    """RefusedError where a successor of the backend service would lack something, and nobody has accepted that."""
    lacking = successor.not_carried(former) if former else ()
    if former and lacking and not accepts:
        raise RefusedError(
            f"the backend service {former.get('name')} has settings that a new one would lack",
            details=f"not carried over: {', '.join(lacking)}",
            resolution="Take them off, or say `not_carried: accept` in the environment; or name a load balancer by "
            "`backend_service`, which all groups share.",
        )


def remove(calls: Calls, at: At, group: str, between: Between = idle) -> None:
    """Remove the group's backend service and its health check, where phoenix made them; its preview is gone already."""
    found = find(calls, at.service(group))
    if found is not None and found.owner == owner(at, group):
        born_with.remove_service(calls, found, at.project, between)
    else:
        born_with.remove_check(calls, at.scope.link(born_with.CHECKS, group), at.project, group, between)


def _made(
    calls: Calls, at: At, group: str, wanted: Wanted, former: Json | None, scheme: str, between: Between
) -> Service:
    note = notes.written(owner(at, group), **{born_with.MAP: at.link})
    check = health_checks.wanted(
        wanted.health,
        name=group,
        description=note,
        protocol=str((former or {}).get("protocol", "HTTP")),
        former=_check_of(calls, former),
    )
    link = at.scope.link(born_with.CHECKS, group)
    _ensure_check(calls, at, link, check, between)
    body = successor.wanted(
        former, name=group, description=note, health_check=links.full(link), drain=wanted.drain, scheme=scheme
    )
    try:
        whole.make(calls, at.scope.parent, SERVICES, body, between)
    except RefusedCallError as error:
        if error.said != refusals.EXISTS:
            raise
    there = own(calls, at, group)
    if there is None:
        raise UnreachableError(  # the one who was faster may still be at it: unknown is not no
            f"the backend service {group} was made, and is not shown yet",
            details=f"Google Cloud has no {at.service(group)}",
            resolution="Say it again in a moment.",
        )
    return there


def _ensure_check(calls: Calls, at: At, link: str, wanted: Json, between: Between) -> None:
    """Make the health check; one that phoenix made for the group before it died is taken."""
    there = whole.read(calls, link)
    if there is None:
        try:
            whole.make(calls, at.scope.parent, born_with.CHECKS, wanted, between)
        except RefusedCallError as error:
            if error.said != refusals.EXISTS:
                raise
        return
    if there.get("description") != wanted["description"]:
        raise RefusedError(
            f"phoenix did not make the health check {wanted['name']} for this service",
            details="it stands under the name that the group's own has",
            resolution="Remove it, where nobody needs it; phoenix leaves it as it is.",
        )


def _check_of(calls: Calls, former: Json | None) -> Json | None:
    checks = (former or {}).get("healthChecks", ())
    return whole.read(calls, checks[0]) if checks else None
