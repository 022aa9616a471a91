"""What Google tells of managed groups, as its reference shows it, for tests that ask nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from phoenix.clouds.gcp import labels

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "web-prod-v042"
PROJECT = "https://www.googleapis.com/compute/v1/projects/shop-test"
REGION = f"{PROJECT}/regions/europe-west1"
MARKS = {
    labels.PROJECT: "shop",
    labels.SERVICE: "web",
    labels.ENVIRONMENT: "prod",
    labels.GROUP: NAME,
    labels.RUN: "roll-1",
    labels.SHAPE: "abc",
    labels.PORT: "8080",
    labels.CREATED: NOON.isoformat(),
}


def group(*, made: bool = True, labelled: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A managed group in a region."""
    return {
        "kind": "compute#instanceGroupManager",
        "name": NAME,
        "selfLink": f"{REGION}/instanceGroupManagers/{NAME}",
        "instanceGroup": f"{REGION}/instanceGroups/{NAME}",
        "instanceTemplate": f"{PROJECT}/global/instanceTemplates/{NAME}",
        "baseInstanceName": NAME,
        "creationTimestamp": "2026-03-01T04:00:00.123-08:00",
        "description": labels.described(MARKS) if made else "the web tier",
        "fingerprint": "CgB7a1XkM2U=",
        "targetSize": 2,
        "distributionPolicy": {
            "targetShape": "EVEN",
            "zones": [{"zone": f"{PROJECT}/zones/europe-west1-{letter}"} for letter in "bcd"],
        },
        "versions": [{"instanceTemplate": f"{PROJECT}/global/instanceTemplates/{NAME}"}],
        "updatePolicy": {"type": "OPPORTUNISTIC"},
        "status": {"isStable": True, "versionTarget": {"isReached": True}},
        **({"allInstancesConfig": {"properties": {"labels": dict(labelled)}}} if labelled else {}),
        **more,
    }


def managed(name: str = f"{NAME}-a1b2", zone: str = "europe-west1-b", **more: Any) -> dict[str, Any]:
    """One of its machines."""
    return {
        "name": name,
        "id": "4711",
        "instance": f"{PROJECT}/zones/{zone}/instances/{name}",
        "instanceStatus": "RUNNING",
        "currentAction": "NONE",
        **more,
    }


def autoscaler(description: str = "", **policy: Any) -> dict[str, Any]:
    """An autoscaler of the group."""
    usual = {
        "minNumReplicas": 2,
        "maxNumReplicas": 10,
        "mode": "ON",
        "coolDownPeriodSec": 90,
        "cpuUtilization": {"utilizationTarget": 0.6, "predictiveMethod": "NONE"},
    }
    return {
        "name": "web",
        "description": description,
        "target": f"{REGION}/instanceGroupManagers/{NAME}",
        "recommendedSize": 4,
        "autoscalingPolicy": {**usual, **policy},
    }
