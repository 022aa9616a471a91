"""Whether there is room on AWS for the machines that a roll starts beside those that serve. Looks only.

Only what is certain is a lack: free addresses and groups are counted as they are; of the vCPUs that
others use nothing is asked, so too few are those that the service alone goes beyond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from phoenix.clouds.api import Need
from phoenix.clouds.aws.account.check import STANDARD_VCPUS, types_of
from phoenix.clouds.aws.calls import AsksLately, RefusedCallError
from phoenix.errors import CloudError
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import AwsCloud

_QUOTA = f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {STANDARD_VCPUS}"
_NO_TYPE = "InvalidInstanceType"
_Look = Callable[[AwsCloud, AsksLately, CloudMachine, Need], Iterator[Finding]]


def findings(spec: AwsCloud, calls: AsksLately, need: Need) -> tuple[Finding, ...]:
    """Subnets, addresses, machine type, vCPUs, groups, targets. What phoenix may not look at, or gets no answer to, is
    a note.
    """
    machine = need.machine
    if not isinstance(machine, CloudMachine):
        return ()
    looks: dict[str, _Look] = {"addresses": _addresses, "vCPUs": _vcpus, "groups": _groups, "targets": _targets}
    found: list[Finding] = []
    for subject, look in looks.items():
        try:
            found += look(spec, calls, machine, need)
        except CloudError as error:
            found.append(Finding(state=State.NOTE, subject=subject, found=f"not seen: {error.details or error.brief}"))
    return tuple(found)


def _addresses(spec: AwsCloud, calls: AsksLately, machine: CloudMachine, need: Need) -> Iterator[Finding]:
    subnets = list(machine.subnets or spec.subnets)
    answer = calls.lately("ec2", "describe_subnets", Filters=[{"Name": "subnet-id", "Values": subnets}])
    lack = _misplaced(subnets, answer["Subnets"])
    if lack:
        remedy = f"Correct clouds.{spec.name}.subnets: they have to be there, each once, in one VPC."
        yield Finding(state=State.LACK, subject="subnets", found=lack, remedy=remedy)
        return
    free = sum(subnet["AvailableIpAddressCount"] for subnet in answer["Subnets"])
    told = f"{need.machines} needed, {free} free in {', '.join(subnets)}"
    yield _enough(
        "addresses", told, enough=need.machines <= free, remedy=f"Add a subnet to clouds.{spec.name}.subnets."
    )


def _misplaced(named: Sequence[str], there: Sequence[Mapping[str, Any]]) -> str:
    """Why no machine can start in the subnets, however much room they have; empty where one can."""
    missing = sorted(set(named) - {subnet["SubnetId"] for subnet in there})
    if missing:
        return f"not there: {', '.join(missing)}"
    twice = sorted(name for name, number in Counter(named).items() if number > 1)
    if twice:
        return f"named twice: {', '.join(twice)}"
    vpcs = sorted({subnet["VpcId"] for subnet in there})
    return f"in several VPCs: {', '.join(vpcs)}" if len(vpcs) > 1 else ""


def _vcpus(spec: AwsCloud, calls: AsksLately, machine: CloudMachine, need: Need) -> Iterator[Finding]:
    remedy = "Name another one in `machine.type` of the environment."
    try:
        types = types_of(calls.ask("ec2", "describe_instance_types", InstanceTypes=[machine.type]))
    except RefusedCallError as error:
        if error.said != _NO_TYPE:
            raise
        found = f"{spec.region} has no {machine.type}"
        yield Finding(state=State.LACK, subject="machine type", found=found, remedy=remedy)
        return
    kind = types.get(machine.type)
    if kind is not None and spec.images.architecture not in kind.architectures:
        found = f"{machine.type} cannot run {spec.images.architecture}, which the images are for"
        yield Finding(state=State.LACK, subject="machine type", found=found, remedy=remedy)
        return
    if kind is None or not kind.is_standard or machine.spot:  # counted by quotas of their own
        return
    quota = calls.ask("service-quotas", "get_service_quota", ServiceCode="ec2", QuotaCode=STANDARD_VCPUS)
    most, wanted = int(quota["Quota"]["Value"]), kind.vcpus * (need.machines + need.live)
    told = f"{wanted} needed by {need.machines + need.live} {machine.type} together, the account may run {most}"
    yield _enough("vCPUs", told, enough=wanted <= most, remedy=f"Run `{_QUOTA} --desired-value {wanted}`.")


def _groups(_spec: AwsCloud, calls: AsksLately, _machine: CloudMachine, _need: Need) -> Iterator[Finding]:
    limits = calls.ask("autoscaling", "describe_account_limits")
    most, there = limits["MaxNumberOfAutoScalingGroups"], limits["NumberOfAutoScalingGroups"]
    told = f"1 more needed, {there} of {most} there are"
    yield _enough("groups", told, enough=there < most, remedy="Have the quota raised, or remove what nobody uses.")


def _targets(_spec: AwsCloud, calls: AsksLately, _machine: CloudMachine, need: Need) -> Iterator[Finding]:
    limits = {limit["Name"]: int(limit["Max"]) for limit in calls.lately("elbv2", "describe_account_limits")["Limits"]}
    most = limits.get("targets-per-application-load-balancer")
    if most is None:
        return
    told = f"{need.machines + need.live} needed by the service, a load balancer may have {most}"
    yield _enough("targets", told, enough=need.machines + need.live <= most, remedy="Have the quota raised.")


def _enough(subject: str, told: str, *, enough: bool, remedy: str) -> Finding:
    return Finding(
        state=State.FINE if enough else State.LACK, subject=subject, found=told, remedy="" if enough else remedy
    )
