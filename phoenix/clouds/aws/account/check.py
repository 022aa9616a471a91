"""What `phoenix doctor` finds in an AWS account: who phoenix is there, and whether what the project needs is there.

Looks only. Where a right to look is missing, that is a note and not a lack: what needs no looking at may work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from phoenix.clouds.aws.account import passed, permissions
from phoenix.clouds.aws.account.policy import Work
from phoenix.clouds.aws.calls import Asks
from phoenix.errors import CloudError
from phoenix.manner import Finding, State
from phoenix.model import CloudMachine
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.project import Project
from phoenix.spec.services import EnvironmentSpec

STANDARD_VCPUS = "L-1216C47A"
"""The quota "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", counted in vCPUs."""
_STANDARD_FAMILIES = (*"acdhimrtz", "im", "is")
_FAMILY = re.compile(r"[a-z]+(?=[0-9])")
_SCALING_ROLE = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
_GRANTED = "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext DescribeKey"


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineType:
    """What AWS says of a machine type."""

    name: str
    vcpus: int
    architectures: tuple[str, ...]

    @property
    def is_standard(self) -> bool:
        """Whether it counts for the quota of standard machines."""
        family = _FAMILY.match(self.name)
        return family is not None and family[0] in _STANDARD_FAMILIES


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """What the project's environments on the cloud need at most: during a roll every group stands twice."""

    machines: tuple[tuple[str, int], ...]
    """Machine types, each with how many machines."""
    groups: int

    @property
    def count(self) -> int:
        """Machines of all types."""
        return sum(number for _type, number in self.machines)


def needed(project: Project, cloud: str) -> Needed:
    """Twice the largest size of every environment on the cloud, by machine type."""
    numbers: dict[str, int] = {}
    places = _places(project, cloud)
    for place in places:
        if isinstance(place.machine, CloudMachine):
            numbers[place.machine.type] = numbers.get(place.machine.type, 0) + 2 * place.size.maximum
    return Needed(machines=tuple(sorted(numbers.items())), groups=2 * len(places))


def findings(project: Project, spec: AwsCloud, calls: Asks, *, rights: bool = False) -> tuple[Finding, ...]:
    """Identity first: without one nothing else can be asked. `rights`: simulate the policy, too."""
    try:
        who = calls.ask("sts", "get_caller_identity")
    except CloudError as error:
        return (_finding(State.LACK, spec, "identity", error.brief, error.resolution),)
    wants = needed(project, spec.name)
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "subnets": partial(_subnets, spec, calls, wants),
        "machine types": partial(_machine_types, spec, calls, wants),
        "groups": partial(_groups, spec, calls, wants),
        "target groups": partial(_target_groups, spec, calls, wants),
        "key": partial(_key, spec, calls, str(who["Account"])),
    }
    if rights:
        roles = {work: passed.roles(project, spec, work, str(who["Account"])) for work in Work}
        looks["rights"] = partial(permissions.findings, calls, str(who["Arn"]), project.name, spec.name, roles)
    found = [_finding(State.FINE, spec, "identity", f"{who['Arn']} in {spec.region}")]
    for subject, look in looks.items():
        try:
            found += look()
        except CloudError as error:
            found.append(_finding(State.NOTE, spec, subject, f"not seen: {error.details or error.brief}"))
    return tuple(found)


def _subnets(spec: AwsCloud, calls: Asks, wants: Needed) -> Iterator[Finding]:
    answer = calls.ask("ec2", "describe_subnets", Filters=[{"Name": "subnet-id", "Values": list(spec.subnets)}])
    there = {subnet["SubnetId"]: subnet for subnet in answer["Subnets"]}
    missing = sorted(set(spec.subnets) - there.keys())
    if missing:
        yield _finding(
            State.LACK, spec, "subnets", f"not there: {', '.join(missing)}", f"correct clouds.{spec.name}.subnets"
        )
    if len({subnet["VpcId"] for subnet in there.values()}) > 1:
        yield _finding(State.LACK, spec, "subnets", "in several VPCs", "name subnets of one VPC")
    zones = {subnet["AvailabilityZone"] for subnet in there.values()}
    free = sum(subnet["AvailableIpAddressCount"] for subnet in there.values())
    told = f"{len(there)} in {', '.join(sorted(zones))}, {free} free addresses, {wants.count} needed in a roll"
    if free < wants.count:
        yield _finding(State.LACK, spec, "addresses", told, "add a subnet, or make the services smaller")
    else:
        state = State.NOTE if len(zones) < 2 else State.FINE
        yield _finding(state, spec, "subnets", told, "add a subnet in another zone" if len(zones) < 2 else "")


def _machine_types(spec: AwsCloud, calls: Asks, wants: Needed) -> Iterator[Finding]:
    names = sorted({spec.builder.type, *(name for name, _number in wants.machines if name)})
    types = types_of(calls.ask("ec2", "describe_instance_types", InstanceTypes=names))
    wrong = [each.name for each in types.values() if spec.images.architecture not in each.architectures]
    if wrong:
        told = f"{', '.join(wrong)} cannot run {spec.images.architecture}"
        yield _finding(State.LACK, spec, "machine types", told, f"set clouds.{spec.name}.images.architecture")
    standard = {name: number for name, number in wants.machines if name in types and types[name].is_standard}
    vcpus = sum(types[name].vcpus * number for name, number in standard.items())
    quota = calls.ask("service-quotas", "get_service_quota", ServiceCode="ec2", QuotaCode=STANDARD_VCPUS)
    most = int(quota["Quota"]["Value"])
    told = f"{vcpus} needed in a roll, the account may run {most}"
    remedy = f"aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {STANDARD_VCPUS}"
    if vcpus > most:
        yield _finding(State.LACK, spec, "vCPUs", told, f"{remedy} --desired-value {vcpus}")
    else:
        yield _finding(State.FINE, spec, "vCPUs", told)


def types_of(answer: Mapping[str, Any]) -> dict[str, MachineType]:
    """The machine types of an answer to DescribeInstanceTypes, by name."""
    return {
        each["InstanceType"]: MachineType(
            name=each["InstanceType"],
            vcpus=each["VCpuInfo"]["DefaultVCpus"],
            architectures=tuple(each["ProcessorInfo"]["SupportedArchitectures"]),
        )
        for each in answer["InstanceTypes"]
    }


def _groups(spec: AwsCloud, calls: Asks, wants: Needed) -> Iterator[Finding]:
    limits = calls.ask("autoscaling", "describe_account_limits")
    most, there = limits["MaxNumberOfAutoScalingGroups"], limits["NumberOfAutoScalingGroups"]
    yield _within(spec, "groups", there=there, wanted=wants.groups // 2, most=most)


def _target_groups(spec: AwsCloud, calls: Asks, wants: Needed) -> Iterator[Finding]:
    limits = calls.ask("elbv2", "describe_account_limits")["Limits"]
    most = next((int(limit["Max"]) for limit in limits if limit["Name"] == "target-groups"), None)
    if most is not None:
        yield _within(spec, "target groups", there=None, wanted=wants.groups, most=most)


def _within(spec: AwsCloud, subject: str, *, there: int | None, wanted: int, most: int) -> Finding:
    told = f"{wanted} more needed in a roll, the account may have {most}"
    told += f" and has {there}" if there is not None else ""
    if (there or 0) + wanted > most:
        return _finding(State.LACK, spec, subject, told, "have the quota raised, or remove what nobody uses")
    return _finding(State.FINE, spec, subject, told)


def _key(spec: AwsCloud, calls: Asks, account: str) -> Iterator[Finding]:
    """A customer's key must be granted to the role by which Auto Scaling starts machines from encrypted AMIs.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    if not spec.images.kms:
        return
    role = f"arn:aws:iam::{account}:{_SCALING_ROLE}"
    key = calls.ask("kms", "describe_key", KeyId=spec.images.kms)["KeyMetadata"]["KeyId"]
    grants = calls.ask("kms", "list_grants", KeyId=key)["Grants"]
    if any(grant.get("GranteePrincipal") == role for grant in grants):
        yield _finding(State.FINE, spec, "key", f"{spec.images.kms} is granted to Auto Scaling")
        return
    remedy = f"aws kms create-grant --key-id {key} --grantee-principal {role} --operations {_GRANTED} CreateGrant"
    told = f"{spec.images.kms} has no grant for Auto Scaling; its policy may allow it all the same"
    yield _finding(State.NOTE, spec, "key", told, remedy)


def _places(project: Project, cloud: str) -> list[EnvironmentSpec]:
    environments = (place for service in project.services.values() for place in service.environments.values())
    return [place for place in environments if place.cloud == cloud]


def _finding(state: State, spec: AwsCloud, subject: str, found: str, remedy: str = "") -> Finding:
    return Finding(state=state, subject=f"{spec.name}: {subject}", found=found, remedy=remedy)
