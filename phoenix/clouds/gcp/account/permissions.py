"""Whether whoever phoenix is in a project has the rights of `policy`: asked of each thing itself; changes nothing.

https://cloud.google.com/iam/docs/testing-permissions: who asks needs no right for it. The project is asked whether it
gives them for everything in it; service accounts and a shared network's project are asked themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from phoenix.clouds.gcp.account import places
from phoenix.clouds.gcp.account.policy import BEYOND, Work, rights
from phoenix.clouds.gcp.calls import Answer
from phoenix.manner import Finding, State
from phoenix.spec.clouds import GcpCloud, GcpReach
from phoenix.spec.project import Project

_PROJECTS = "https://cloudresourcemanager.googleapis.com/v3/projects"
_ACCOUNTS = "https://iam.googleapis.com/v1/projects/-/serviceAccounts"
_AT_ONCE = 100
"""Permissions that one call takes."""
_IAP = "iap.tunnelInstances.accessViaIAP"


class Web(Protocol):
    """What answers one call of an API other than Compute: `Calls`, or a test."""

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        """What Google says, or a CloudError."""
        ...


def findings(project: Project, spec: GcpCloud, calls: Web) -> Iterator[Finding]:
    """One finding for each kind of work, and for each service account: everything is allowed, or what is not."""
    network = rights(Work.NETWORK).permissions if spec.host_project else frozenset()
    unneeded = set() if spec.builder.reach is GcpReach.IAP else {_IAP}
    wanted = {work: rights(work).permissions - unneeded - network for work in (Work.BAKE, Work.ROLL, Work.TEND)}
    asked = frozenset[str]().union(*wanted.values())
    given = _given(calls, f"{_PROJECTS}/{spec.project}:testIamPermissions", asked)
    for work, needed in wanted.items():
        yield _finding(spec, f"rights to {work}", needed - given)
    if spec.host_project:
        shared = _given(calls, f"{_PROJECTS}/{spec.host_project}:testIamPermissions", network)
        yield _finding(spec, f"rights to the network of {spec.host_project}", network - shared)
    act = rights(Work.ACT_AS).permissions
    for account in _accounts(project, spec):
        yield _finding(
            spec,
            f"rights to use {account}",
            act - _given(calls, f"{_ACCOUNTS}/{account}:testIamPermissions", act),
            remedy=f"gcloud iam service-accounts add-iam-policy-binding {account} --member WHO "
            "--role roles/iam.serviceAccountUser",
        )


def _given(calls: Web, url: str, wanted: Iterable[str]) -> frozenset[str]:
    names = sorted(wanted)
    given: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        answer = calls.web("POST", url, body={"permissions": names[start : start + _AT_ONCE]})
        given |= set(answer.get("permissions", ()))
    return frozenset(given)


def _accounts(project: Project, spec: GcpCloud) -> list[str]:
    """The service accounts that machines get, those of builders among them."""
    named = {each.machine.identity for each in places.of(project, spec.name)} | {spec.builder.identity}
    return sorted(account for account in named if account)


def _finding(spec: GcpCloud, subject: str, lacks: frozenset[str], remedy: str = "") -> Finding:
    if not lacks:
        return Finding(state=State.FINE, subject=subject, found="all are given")
    where = "; ".join(f"{name}: {BEYOND[name]}" for name in sorted(lacks & BEYOND.keys()))
    found = f"not allowed: {', '.join(sorted(lacks))}" + (f" ({where})" if where else "")
    told = f"phoenix doctor --cloud {spec.name} --policy prints what to give"
    return Finding(state=State.LACK, subject=subject, found=found, remedy=remedy or told)
