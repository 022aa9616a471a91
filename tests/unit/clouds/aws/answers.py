"""Answers of AWS as boto3 gives them, after the examples of its API reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "web-prod-v042"
TARGET_GROUP = f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{NAME}/943f017f100becff"


def member(name: str = "i-1", lifecycle: str = "InService", **more: Any) -> dict[str, Any]:
    """One of a group's Instances."""
    return {
        "InstanceId": name,
        "InstanceType": "t3.micro",
        "AvailabilityZone": "eu-west-1a",
        "LifecycleState": lifecycle,
        "HealthStatus": "Healthy",
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": NAME, "Version": "1"},
        "ProtectedFromScaleIn": False,
        **more,
    }


def tags(**values: str) -> list[dict[str, Any]]:
    """Tags of a group: `keep_until` is `phoenix:keep-until`."""
    return [
        {
            "ResourceId": NAME,
            "ResourceType": "auto-scaling-group",
            "Key": f"phoenix:{key.replace('_', '-')}",
            "Value": value,
            "PropagateAtLaunch": True,
        }
        for key, value in values.items()
    ]


def group(*members: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """One of the AutoScalingGroups."""
    return {
        "AutoScalingGroupName": NAME,
        "AutoScalingGroupARN": f"arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:1:{NAME}",
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": NAME, "Version": "1"},
        "MinSize": 1,
        "MaxSize": 4,
        "DesiredCapacity": len(members),
        "DefaultCooldown": 300,
        "AvailabilityZones": ["eu-west-1a", "eu-west-1b"],
        "LoadBalancerNames": [],
        "TargetGroupARNs": [TARGET_GROUP],
        "HealthCheckType": "ELB",
        "HealthCheckGracePeriod": 300,
        "Instances": list(members),
        "CreatedTime": NOON,
        "SuspendedProcesses": [],
        "VPCZoneIdentifier": "subnet-1,subnet-2",
        "EnabledMetrics": [],
        "Tags": tags(project="shop", service="web", environment="prod", port="8080"),
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        "CapacityRebalance": False,
        "TrafficSources": [{"Identifier": TARGET_GROUP, "Type": "elbv2"}],
        **more,
    }
