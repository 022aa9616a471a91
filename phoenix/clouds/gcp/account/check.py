"""What `phoenix doctor` finds in a Google Cloud project: who phoenix is there, and whether what it needs is there.

Looks only. Where a right to look is missing, that is a note and not a lack: what needs no looking at may work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol

from phoenix.clouds.gcp.account import machine_types, network, permissions, places, quotas, services
from phoenix.clouds.gcp.account.places import Served
from phoenix.clouds.gcp.calls import Answer, Lists, RefusedCallError
from phoenix.errors import CloudError
from phoenix.manner import Finding, State
from phoenix.spec.clouds import GcpCloud
from phoenix.spec.project import Project

_IMPERSONATES = "roles/iam.serviceAccountTokenCreator"


class Account(Lists, Protocol):
    """What answers every call of a check: `Calls`, or a test."""

    def who(self) -> str:
        """The e-mail of whose rights these are; empty where Google does not tell it."""
        ...

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        """One call of another API of Google."""
        ...


def findings(project: Project, spec: GcpCloud, calls: Account, *, rights: bool = False) -> tuple[Finding, ...]:
    """Identity first: without one, or without the project, nothing else can be asked. `rights`: test them, too."""
    found = [_identity(spec, calls)]
    if found[0].state is State.LACK:
        return tuple(found)
    try:
        calls.ask("projects", fields="name")
    except CloudError as error:
        return (*found, _no_project(spec, error))
    there = places.of(project, spec.name)
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "APIs": partial(services.findings, project, spec, calls, there),
        "network": partial(_network, spec, calls, there),
        "quotas": partial(_quotas, spec, calls, there),
    }
    if rights:
        looks["rights"] = partial(permissions.findings, project, spec, calls)
    for subject, look in looks.items():
        try:
            found += [_of(spec, each) for each in look()]
        except CloudError as error:
            what = f"not seen: {error.details or error.brief}"
            found.append(_of(spec, Finding(state=State.NOTE, subject=subject, found=what)))
    return tuple(found)


def _identity(spec: GcpCloud, calls: Account) -> Finding:
    try:
        who = calls.who() or "somebody whom Google does not name"
    except CloudError as error:
        remedy = error.resolution
        if spec.impersonate:
            remedy += (
                f" To act as {spec.impersonate}: gcloud iam service-accounts add-iam-policy-binding {spec.impersonate} "
                f"--member user:YOU --role {_IMPERSONATES}"
            )
        found = ": ".join(filter(None, (error.brief, error.details)))
        return _of(spec, Finding(state=State.LACK, subject="identity", found=found, remedy=remedy))
    return _of(spec, Finding(state=State.FINE, subject="identity", found=f"{who} in {spec.project}, {spec.region}"))


def _no_project(spec: GcpCloud, error: CloudError) -> Finding:
    said = error.said if isinstance(error, RefusedCallError) else ""
    remedy = services.enable(spec, services.COMPUTE) if said in services.DISABLED else error.resolution
    found = error.details or error.brief
    return _of(spec, Finding(state=State.LACK, subject="project", found=found, remedy=remedy))


def _network(spec: GcpCloud, calls: Account, there: tuple[Served, ...]) -> Iterator[Finding]:
    found = network.read(spec, calls)
    yield from network.where(spec, found, places.machines(there))
    if found is None:
        return
    for each in there:
        yield from network.probes(spec, found, each.target, what=each.name, regional=each.is_regional)
    closed = [each.name for each in found.subnetworks if not each.reaches_google]
    if closed and any(each.secrets(services.SECRETS) and not each.machine.public_ip for each in there):
        yield Finding(
            state=State.NOTE,
            subject="way to Secret Manager",
            found=f"machines without a public address reach Google from {', '.join(closed)} by a NAT alone",
            remedy=f"gcloud compute networks subnets update {closed[0]} --project {found.host} --region {spec.region} "
            "--enable-private-ip-google-access",
        )


def _quotas(spec: GcpCloud, calls: Account, there: tuple[Served, ...]) -> Iterator[Finding]:
    in_region = machine_types.zones(calls, spec.region)
    cpus: dict[str, int] = {}
    wanted = {(each.machine.type, each.environment.zones) for each in there}
    for name, zones in sorted({*wanted, (spec.builder.type, (spec.builder_zone,))}):
        kind = machine_types.read(calls, name, zones or in_region)
        cpus[name] = max(cpus.get(name, 0), kind.cpus)
        yield from machine_types.finding(kind, zones or in_region, named=bool(zones))
    told = quotas.read(spec, calls)
    yield from quotas.in_all(spec, told, places.twice(there, cpus, told))


def _of(spec: GcpCloud, finding: Finding) -> Finding:
    return replace(finding, subject=f"{spec.name}: {finding.subject}")
