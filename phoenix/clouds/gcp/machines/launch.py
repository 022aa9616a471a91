"""What a group is made of, as Google takes it: template, managed group, health check, autoscaler. Nothing here asks.

The keys are those of the REST reference: instanceTemplates, instanceGroupManagers, healthChecks, autoscalers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.machines import boot
from phoenix.clouds.gcp.machines.carried import NOTHING, Carried
from phoenix.clouds.gcp.machines.homes import Home
from phoenix.clouds.gcp.machines.startable import Startable
from phoenix.errors import CloudError, RefusedError
from phoenix.model import CloudMachine, Group, Health, LaunchTemplate, MachineKind, Size
from phoenix.spec.clouds import GcpCloud

HEAL_INTERVAL, HEAL_TIMEOUT, HEAL_FAILURES = 30, 10, 5
"""Of the autohealing check, in seconds and answers: minutes of silence, where a balancer needs seconds. A machine that
is only busy must not be replaced (https://cloud.google.com/compute/docs/instance-groups/autohealing-instances-in-migs).
"""
LONGEST_DELAY = 3600
"""Seconds that autohealing may wait for a new machine."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What roles allow decides, not the scopes."""
_GIB = 1024**3
_OK = 200
"""The only status that Google's checks take for healthy."""


def machine_of(kind: MachineKind) -> CloudMachine:
    """The machine, where it is one that Google has."""
    if not isinstance(kind, CloudMachine):
        raise RefusedError(
            "Google Cloud has no machines that are cut by `cpus` and `memory`",
            details="it sells them by types",
            resolution="Say `type` in the environment's `machine`, such as e2-small.",
        )
    return kind


def size_of(group: Group, template: LaunchTemplate) -> Size:
    """With which size and bounds the group begins."""
    return template.size or Size(wanted=group.size, least=group.size, most=group.size)


def grown(size: Size, gets: Carried) -> Size:
    """The size as the load of the live group calls for it: what its autoscaler recommends counts, also where that is
    off, within the bounds. A part of a group grows in the same measure.
    """
    if not gets.size or gets.recommended <= gets.size:
        return size
    wanted = ceil(size.wanted * gets.recommended / gets.size)
    return replace(size, wanted=max(size.wanted, min(wanted, size.most)))


def check_name(group: str) -> str:
    """The name of a group's autohealing check."""
    return f"{group}-heal"


def marks(group: Group, template: LaunchTemplate) -> dict[str, str]:
    """What phoenix writes on what it makes for the group."""
    return {
        labels.PROJECT: group.project,
        labels.SERVICE: group.service,
        labels.ENVIRONMENT: group.environment,
        labels.GROUP: group.name,
        labels.RUN: group.run,
        labels.SHAPE: group.shape,
        labels.RELEASE: group.release.id if group.release else "",
        labels.CREATED: group.created.isoformat(),
        labels.PORT: str(template.port),
        labels.LIKE: template.like,
    }


def machine_labels(group: Group, spec: GcpCloud) -> dict[str, str]:
    """What a machine and its disk bear; the cloud's own never cover phoenix's."""
    own = {
        labels.PROJECT: group.project,
        labels.SERVICE: group.service,
        labels.ENVIRONMENT: group.environment,
        labels.GROUP: group.name,
        labels.RUN: group.run,
        labels.SHAPE: group.shape,
        labels.RELEASE: group.release.id if group.release else "",
    }
    return {**spec.labels, **labels.written(own)}


def template_body(group: Group, template: LaunchTemplate, image: Startable, spec: GcpCloud) -> dict[str, Any]:
    """The group's instance template. RefusedError where its boot work does not fit."""
    machine = machine_of(template.machine)
    if group.release is None:
        raise CloudError(f"the group {group.name} has no release", details="nobody knows what its machines are to run")
    items = boot.metadata(template.user_data, group.release)
    bears = machine_labels(group, spec)
    return {
        "name": group.name,
        "description": labels.described(marks(group, template)),
        "properties": {
            "machineType": machine.type,
            "labels": bears,
            "metadata": {"items": [{"key": key, "value": value} for key, value in items.items()]},
            "disks": [_disk(machine, image, bears)],
            "networkInterfaces": [_card(machine, spec)],
            "scheduling": _scheduling(machine),
            **({"tags": {"items": list(machine.firewall)}} if machine.firewall else {}),
            **_identity(machine),
            **_shielded(image, spec),
        },
    }


def disk_size(machine: CloudMachine, image: Startable) -> int:
    """Gibibytes of the machine's disk; 0: nobody says. RefusedError where they are fewer than the image has."""
    wanted = ceil(machine.disk / _GIB) if machine.disk else image.disk
    if wanted < image.disk:
        raise RefusedError(
            f"a disk of {wanted} GiB is too small for the image",
            details=f"{image.link} has {image.disk} GiB",
            resolution="Say a larger `disk` in the environment's `machine`, or none.",
        )
    return wanted


def _disk(machine: CloudMachine, image: Startable, bears: Mapping[str, str]) -> dict[str, Any]:
    wanted = disk_size(machine, image)
    size = {"diskSizeGb": str(wanted)} if wanted else {}
    start = {"sourceImage": image.link, "diskType": "pd-balanced", "labels": dict(bears), **size}
    return {"boot": True, "autoDelete": True, "type": "PERSISTENT", "initializeParams": start}


def _card(machine: CloudMachine, spec: GcpCloud) -> dict[str, Any]:
    network = machine.network or spec.network_path
    subnets = machine.subnets or tuple(filter(None, (spec.subnetwork_path,)))
    own = {"accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}]} if machine.public_ip else {}
    return {
        **({"network": network} if network else {}),
        **({"subnetwork": subnets[0]} if subnets else {}),
        **own,
    }


def _scheduling(machine: CloudMachine) -> dict[str, Any]:
    """A spot machine that Google takes back is deleted: its group makes another."""
    if not machine.spot:
        return {"automaticRestart": True, "onHostMaintenance": "MIGRATE"}
    return {
        "provisioningModel": "SPOT",
        "instanceTerminationAction": "DELETE",
        "automaticRestart": False,
        "onHostMaintenance": "TERMINATE",
    }


def _identity(machine: CloudMachine) -> dict[str, Any]:
    if not machine.identity:
        return {}
    return {"serviceAccounts": [{"email": machine.identity, "scopes": list(machine.scopes or _SCOPES)}]}


def _shielded(image: Startable, spec: GcpCloud) -> dict[str, Any]:
    if not image.shielded:
        return {}
    shield = {"enableVtpm": True, "enableIntegrityMonitoring": True, "enableSecureBoot": spec.secure_boot}
    return {"shieldedInstanceConfig": shield}


def check_body(group: Group, template: LaunchTemplate) -> dict[str, Any]:
    """The group's own autohealing check: laxer than the balancer's, so that an overload does not end the fleet.

    It is of HTTP where the service answers 200, else it asks only whether the port is open.
    """
    return {
        "name": check_name(group.name),
        "description": labels.described(marks(group, template)),
        "checkIntervalSec": HEAL_INTERVAL,
        "timeoutSec": HEAL_TIMEOUT,
        "healthyThreshold": 1,
        "unhealthyThreshold": HEAL_FAILURES,
        **_asked(template.port, template.health),
    }


def _asked(port: int, health: Health) -> dict[str, Any]:
    if health.status == _OK:
        return {"type": "HTTP", "httpHealthCheck": {"port": port, "requestPath": health.path}}
    return {"type": "TCP", "tcpHealthCheck": {"port": port}}


def manager_body(
    group: Group,
    template: LaunchTemplate,
    spec: GcpCloud,
    *,
    home: Home,
    pins: Mapping[str, str],
    carried: Carried = NOTHING,
) -> dict[str, Any]:
    """The managed group. Its machines are never updated in place, and none is ended to even out zones.

    A group in a region takes its machines where there is room, as evenly as can be (BALANCED), so that a zone without
    capacity does not stop a roll; Google wants no redistribution then
    (https://cloud.google.com/compute/docs/instance-groups/regional-mig-distribution-shape).
    """
    size = size_of(group, template)
    delay = min(LONGEST_DELAY, ceil(template.health.deadline))
    path = f"projects/{spec.project}/global"
    healing = {"healthCheck": f"{path}/healthChecks/{check_name(group.name)}", "initialDelaySec": delay}
    return {
        "name": group.name,
        "description": labels.described(marks(group, template)),
        "baseInstanceName": group.name,
        "instanceTemplate": f"{path}/instanceTemplates/{group.name}",
        "targetSize": size.wanted,
        "autoHealingPolicies": [healing],
        "updatePolicy": {"type": "OPPORTUNISTIC", **({} if home.zone else {"instanceRedistributionType": "NONE"})},
        "listManagedInstancesResults": "PAGINATED",
        **({"allInstancesConfig": {"properties": {"labels": dict(pins)}}} if pins else {}),
        **({} if home.zone else {"distributionPolicy": _spread(template.zones or carried.zones, carried.spread, spec)}),
    }


def _spread(zones: tuple[str, ...], shape: str, spec: GcpCloud) -> dict[str, Any]:
    named = [{"zone": f"projects/{spec.project}/zones/{zone}"} for zone in zones]
    return {"targetShape": shape, **({"zones": named} if named else {})}


def pin_labels(group: Group, template: LaunchTemplate, carried: Carried) -> dict[str, str]:
    """What a group that is born pinned bears; what to give back is the least of phoenix.yaml, also where it begins with
    fewer, as a step of a rolling one does.
    """
    if group.pinned_until is None:
        return {}
    until = {labels.PINNED_UNTIL: labels.moment(group.pinned_until)}
    policy = policy_of(group, template, carried)
    if policy is None:
        return until
    return {
        **until,
        labels.PINNED_MODE: str(policy["mode"]).lower(),
        labels.PINNED_LEAST: str(size_of(group, template).least),
    }


def policy_of(group: Group, template: LaunchTemplate, carried: Carried) -> dict[str, Any] | None:
    """The autoscaler's policy, without a pin; None where nothing tells how many machines are needed.

    An autoscaler without a signal would be given one by Google: 60 % of load.
    """
    size = size_of(group, template)
    signals = dict(carried.policy)
    if size.cpu is not None:
        kept = {k: v for k, v in signals.get("cpuUtilization", {}).items() if k == "predictiveMethod"}
        signals["cpuUtilization"] = {**kept, "utilizationTarget": size.cpu / 100}
    if not signals:
        return None
    return {
        "mode": carried.mode,
        **signals,
        "minNumReplicas": min(size.least, size.wanted),
        "maxNumReplicas": max(size.most, size.wanted, 1),
    }


def autoscaler_body(
    group: Group, template: LaunchTemplate, spec: GcpCloud, *, home: Home, policy: Mapping[str, Any]
) -> dict[str, Any]:
    """The group's autoscaler; that of a group which is born pinned may only make it larger."""
    size = size_of(group, template)
    cpu = {labels.CPU: str(size.cpu)} if size.cpu is not None else {}
    pinned = group.pinned_until is not None and policy["mode"] == "ON"
    return {
        "name": group.name,
        "description": labels.described({**marks(group, template), **cpu}),
        "target": home.path(spec.project, "instanceGroupManagers", group.name),
        "autoscalingPolicy": {**policy, **({"mode": "ONLY_SCALE_OUT"} if pinned else {})},
    }
