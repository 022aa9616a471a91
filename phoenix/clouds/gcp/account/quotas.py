"""The quotas of a region and of the project, as Compute Engine tells them: a limit, and what is used of it now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from phoenix.clouds.gcp.calls import Asks
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import GcpCloud

_OF_ALL_FAMILIES = frozenset({"e2", "n1", "f1", "g1", "custom"})
"""Whose vCPUs count as CPUS; others have a quota of their own, such as N2_CPUS."""
_GIB = 1024**3
_LEAST_DISK = 10
"""GB: what the disk of a vendor's image has at least."""
_PAGE = "https://console.cloud.google.com/iam-admin/quotas?project={project}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """One of them."""

    metric: str
    limit: float
    usage: float

    @property
    def free(self) -> float:
        """What is left; below 0 where the limit was lowered."""
        return self.limit - self.usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """So much more is needed of a quota."""

    metric: str
    number: int


Quotas = Mapping[str, Quota]


def read(spec: GcpCloud, calls: Asks) -> Quotas:
    """Those of the region and of the project by metric: two calls. CloudError where one may not be seen."""
    region = calls.ask("regions", region=spec.region, fields="quotas")
    project = calls.ask("projects", fields="quotas")
    return {quota.metric: quota for quota in (*_told(project), *_told(region))}


def _told(answer: Mapping[str, Any]) -> Iterator[Quota]:
    for each in answer.get("quotas", ()):
        yield Quota(metric=each["metric"], limit=each.get("limit", 0.0), usage=each.get("usage", 0.0))


def of_machines(machine: CloudMachine, cpus: int, number: int, quotas: Quotas) -> Iterator[Wanted]:
    """What so many more machines need of the quotas that there are, `cpus` vCPUs each."""
    metric = _cpus(machine, quotas)
    if metric is not None:
        yield Wanted(metric=metric, number=cpus * number)
    if metric != "PREEMPTIBLE_CPUS":
        yield Wanted(metric="CPUS_ALL_REGIONS", number=cpus * number)
    yield Wanted(metric="INSTANCES", number=number)
    if machine.public_ip:
        yield Wanted(metric="IN_USE_ADDRESSES", number=number)
    yield Wanted(metric="SSD_TOTAL_GB", number=max(ceil((machine.disk or 0) / _GIB), _LEAST_DISK) * number)


def _cpus(machine: CloudMachine, quotas: Quotas) -> str | None:
    """The quota that counts its vCPUs; None where none of those told does (CPUS-PER-VM-FAMILY, of newer families)."""
    family = machine.type.partition("-")[0]
    spot = quotas.get("PREEMPTIBLE_CPUS")
    if machine.spot and spot is not None and spot.limit:
        return spot.metric
    own = "CPUS" if family in _OF_ALL_FAMILIES else f"{family.upper()}_CPUS"
    return own if own in quotas else None


def beside(spec: GcpCloud, quotas: Quotas, wanted: Iterable[Wanted]) -> Iterator[Finding]:
    """One for each metric that is told: whether so much more fits beside what is used now."""
    for quota, more in _summed(quotas, wanted):
        told = f"{more} more needed, {quota.usage:g} of {quota.limit:g} are used"
        yield _finding(spec, quota, told, most=quota.usage + more)


def in_all(spec: GcpCloud, quotas: Quotas, wanted: Iterable[Wanted]) -> Iterator[Finding]:
    """One for each metric that is told: whether so much fits at all, whoever uses it now."""
    for quota, most in _summed(quotas, wanted):
        told = f"{most} needed in a roll, there may be {quota.limit:g} and are {quota.usage:g}"
        yield _finding(spec, quota, told, most=most)


def _summed(quotas: Quotas, wanted: Iterable[Wanted]) -> Iterator[tuple[Quota, int]]:
    sums: dict[str, int] = {}
    for each in wanted:
        sums[each.metric] = sums.get(each.metric, 0) + each.number
    yield from ((quotas[metric], number) for metric, number in sums.items() if number and metric in quotas)


def _finding(spec: GcpCloud, quota: Quota, told: str, *, most: float) -> Finding:
    if most <= quota.limit:
        return Finding(state=State.FINE, subject=quota.metric, found=told)
    remedy = f"Have the quota raised to {most:g}: {_PAGE.format(project=spec.project)}"
    return Finding(state=State.LACK, subject=quota.metric, found=told, remedy=remedy)
