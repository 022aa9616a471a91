"""moto's own records and classes, which tests reach into: untyped on purpose, for what is added to them."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.models import iam_backends

from tests.emulators.aws.emulated import ACCOUNT


def ec2(region: str) -> Any:
    """EC2's records of a region."""
    return ec2_backends[ACCOUNT][region]


def autoscaling(region: str) -> Any:
    """Auto Scaling's records of a region; used for launch configurations only."""
    return autoscaling_backends[ACCOUNT][region]


def elb(region: str) -> Any:
    """Elastic Load Balancing's records of a region."""
    return elbv2_backends[ACCOUNT][region]


def elbs() -> list[Any]:
    """The same of all regions in use."""
    return list(elbv2_backends[ACCOUNT].values())


def iam() -> Any:
    """IAM's records."""
    return iam_backends[ACCOUNT]["aws"]


def mend(kind: Any, **members: Any) -> None:
    """Have all objects of a class of moto behave so, in this process, for good."""
    for name, member in members.items():
        setattr(kind, name, member)
