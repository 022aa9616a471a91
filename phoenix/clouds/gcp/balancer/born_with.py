"""What a group was born with, removed when its machines are gone: Compute Engine keeps a group while a backend service
names it.

A group's manager drains machines through its backend service, so that outlives the machines; whoever has ended the last
of them calls this, before the group itself is deleted. Where a run died between the calls that make these things, this
is who finds what is left.
"""

from __future__ import annotations

from collections.abc import Iterator

from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.balancer import notes, preview, shared, whole
from phoenix.clouds.gcp.balancer.notes import Owner
from phoenix.clouds.gcp.balancer.scope import Scope
from phoenix.clouds.gcp.balancer.services import SERVICES, Service
from phoenix.clouds.gcp.balancer.whole import Json
from phoenix.clouds.gcp.calls import Calls, RefusedCallError
from phoenix.errors import CloudError

CHECKS = "healthChecks"
MAP = "map"
"""Where a backend service's description says which URL map has its preview."""


def remove(
    calls: Calls, region: str, project: str, group: str, *, adopt: bool = False, between: Between = idle
) -> None:
    """Remove the group's backend service, with its preview and its health check, and take the group out of the one
    that it shares with others; as far as phoenix made that for this group and project.

    CloudError where something else has it as a backend, or sends to it: then all of that stays. `adopt`: it is taken
    out of backend services that phoenix did not make, which stay.
    """
    for service in _around(calls, region, group):
        if _is_ours(service.owner, project, group) and links.name_of(service.link) == group:
            remove_service(calls, service, project, between)
        elif _has(service, group):
            _take_out(calls, service, project, group, adopt=adopt, between=between)
    for scope in _scopes(calls, region):  # of a backend service that is gone already, or was never made
        remove_check(calls, scope.link(CHECKS, group), project, group, between)


def remove_service(calls: Calls, service: Service, project: str, between: Between = idle) -> None:
    """Remove a backend service that phoenix made, as its description has just said, and what was made with it."""
    note = notes.read(service.told.get("description"))
    assert note is not None, "else phoenix did not make it"
    at = str(note.more.get(MAP, ""))
    if at:
        _forget_preview(calls, at, note.owner, project, between)
    try:
        whole.delete(calls, service.link, between)
    except RefusedCallError as error:
        if error.said != refusals.IN_USE:
            raise
        raise in_use(note.owner.group, error.details) from error
    for check in service.told.get("healthChecks", ()):
        remove_check(calls, check, project, note.owner.group, between)


def remove_check(calls: Calls, link: str, project: str, group: str, between: Between = idle) -> None:
    """Remove a health check, where phoenix made it for that group; one that another has taken up stays."""
    told = whole.read(calls, link)
    note = notes.read(told.get("description")) if told is not None else None
    if note is None or not _is_ours(note.owner, project, group):
        return
    try:
        whole.delete(calls, link, between)
    except RefusedCallError as error:
        if error.said != refusals.IN_USE:
            raise


def in_use(group: str, details: str) -> CloudError:
    """What is said of a backend service that cannot be removed."""
    return CloudError(
        f"the backend service {group} is in use and stays",
        details=details,
        resolution="See which other route, or which group, names it, and change that.",
    )


def _forget_preview(calls: Calls, at: str, owner: Owner, project: str, between: Between) -> None:
    if whole.read(calls, at) is not None:
        whole.change(calls, at, lambda told: preview.without(told, project, owner.group), between)


def _take_out(calls: Calls, service: Service, project: str, group: str, *, adopt: bool, between: Between) -> None:
    """Out of a backend service that others have, too."""
    if not adopt and not shared.is_of(service.told, group, project):
        raise CloudError(
            f"{group} is a backend of the backend service {links.name_of(service.link)}, by somebody else",
            details="Compute Engine deletes no group that is one, and phoenix did not put it there",
            resolution="Take it out by hand, then say it again.",
        )

    def decide(told: Json) -> Json | None:
        there = any(each.group == group for each in shared.entries(told))
        return shared.without(told, group) if there else None

    whole.change(calls, service.link, decide, between)


def _around(calls: Calls, region: str, group: str) -> Iterator[Service]:
    """The backend services, of the region and global, that bear the group's name or have it as a backend."""
    for scope in _scopes(calls, region):
        for told in whole.listed(calls, scope.parent, SERVICES):
            service = Service(link=links.short(told["selfLink"]), told=told)
            if links.name_of(service.link) == group or _has(service, group):
                yield service


def _scopes(calls: Calls, region: str) -> tuple[Scope, Scope]:
    return Scope(project=calls.project, region=region), Scope(project=calls.project)


def _has(service: Service, group: str) -> bool:
    return any(links.name_of(each) == group for each in service.groups)


def _is_ours(owner: Owner | None, project: str, group: str) -> bool:
    return owner is not None and (owner.project, owner.group) == (project, group)
