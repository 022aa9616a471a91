"""Room for a roll before it begins: what it needs beside what serves, and what its cloud says of that."""

from __future__ import annotations

from dataclasses import replace

from phoenix.clouds.api import Need
from phoenix.errors import RefusedError
from phoenix.manner import Finding, State
from phoenix.orders.places import Place
from phoenix.orders.site import Site
from phoenix.plan.actions import Plan
from phoenix.plan.needs import Needs, needs_of
from phoenix.plan.roll_actions import RollAction

HOUR = 3600.0


def told(site: Site, place: Place, plan: Plan[RollAction]) -> Plan[RollAction]:
    """The plan with what it needs, and whether there is room for that, among its notes."""
    needs = needs_of(plan)
    if needs is None:
        return plan
    need = _need(site, place, needs)
    costs = not site.cloud(place.cloud).abilities.here_only
    notes = [f"{need.machines} machines more at most while it goes on{_afterwards(need, needs)}"] if costs else []
    notes += [f"room: {each.subject}: {each.found}{_lack(each)}" for each in site.cloud(place.cloud).room(need)]
    return replace(plan, notes=(*plan.notes, *notes))


def refuse_lacking(site: Site, place: Place, plan: Plan[RollAction]) -> None:
    """RefusedError where the cloud certainly has too little room for the plan."""
    needs = needs_of(plan)
    if needs is None:
        return
    lacks = [each for each in site.cloud(place.cloud).room(_need(site, place, needs)) if each.state is State.LACK]
    if lacks:
        raise RefusedError(
            f"there is no room on {place.cloud} for the roll of {place.subject}",
            details="\n".join(f"{each.subject}: {each.found}" for each in lacks),
            resolution=" ".join(dict.fromkeys(each.remedy for each in lacks if each.remedy)),
        )


def _need(site: Site, place: Place, needs: Needs) -> Need:
    group = site.cloud(place.cloud).groups.find(needs.live) if needs.live else None
    live = group.size if group else 0
    return Need(machine=needs.machine, machines=needs.machines(live), live=live, place=place.name)


def _afterwards(need: Need, needs: Needs) -> str:
    hours = need.live * needs.kept / HOUR
    return f", and those that served for {needs.kept / 60:g} minutes after it ({hours:.1f} hours)" if hours else ""


def _lack(finding: Finding) -> str:
    return f": so the roll is refused. {finding.remedy}" if finding.state is State.LACK else ""
