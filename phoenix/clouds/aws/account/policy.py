"""The rights that phoenix needs in an account: one policy to bake, one to roll, one to tend, one to adopt.

Reading has no limit that AWS would know (most Describe calls take no resource). What is changed has to bear the
project's tag, what is made gets it with the same call, and roles are passed to EC2 alone: those of `passed`. A test
compares what the test-suite has called with what stands here; what no call shows has its reason beside it (`BEYOND`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from phoenix.clouds.aws.labels import PROJECT

_VERSION = "2012-10-17"
"""Of the language of policies; there is no newer one."""


class Work(StrEnum):
    """What somebody may be allowed to do."""

    BAKE = "bake"
    ROLL = "roll"
    TEND = "tend"
    ADOPT = "adopt"
    """Beside rolling: to pin, and with `group delete --adopt` to end, groups that phoenix did not make.

    Also to give a new group the lifecycle hooks of such a one that have a role.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """The actions of one kind of work, sorted, as IAM names them."""

    reads: tuple[str, ...]
    makes: tuple[str, ...]
    """Allowed where the request tags what is made with the project."""
    changes: tuple[str, ...]
    """Allowed on what bears the project's tag."""
    anywhere: tuple[str, ...] = ()
    """Changes of what phoenix did not make, or that AWS cannot limit by tags."""

    @property
    def actions(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.reads, *self.makes, *self.changes, *self.anywhere))


_READS_OF_ALL = (
    "sts:GetCallerIdentity",
    "autoscaling:DescribeAccountLimits",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeSubnets",
    "elasticloadbalancing:DescribeAccountLimits",
    "iam:SimulatePrincipalPolicy",
    "kms:DescribeKey",
    "kms:ListGrants",
    "servicequotas:GetServiceQuota",
)
_READS_OF_IMAGES = (
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "ec2:GetConsoleOutput",
    "ssm:DescribeInstanceInformation",
    "ssm:GetCommandInvocation",
)
_READS_OF_GROUPS = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeInstanceRefreshes",
    "autoscaling:DescribeLifecycleHooks",
    "autoscaling:DescribeNotificationConfigurations",
    "autoscaling:DescribePolicies",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeScheduledActions",
    "cloudwatch:DescribeAlarms",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeTags",
    "ec2:GetConsoleOutput",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
_REMOVES_BUILDERS = (
    "ec2:CancelSpotInstanceRequests",
    "ec2:DeleteKeyPair",
    "ec2:DeleteLaunchTemplate",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSnapshot",
    "ec2:DeleteVolume",
    "ec2:DeregisterImage",
    "ec2:TerminateInstances",
)
_CHANGES_OF_GROUPS = (
    "autoscaling:AttachLoadBalancerTargetGroups",
    "autoscaling:BatchPutScheduledUpdateGroupAction",
    "autoscaling:CreateOrUpdateTags",
    "autoscaling:DeleteAutoScalingGroup",
    "autoscaling:DeleteTags",
    "autoscaling:EnableMetricsCollection",
    "autoscaling:PutLifecycleHook",
    "autoscaling:PutScalingPolicy",
    "autoscaling:ResumeProcesses",
    "autoscaling:SuspendProcesses",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "ec2:DeleteLaunchTemplate",
    "elasticloadbalancing:DeleteRule",
    "elasticloadbalancing:DeleteTargetGroup",
    "elasticloadbalancing:ModifyTargetGroupAttributes",
)
_LIVE_RULE = ("elasticloadbalancing:AddTags", "elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule")
"""The rule that serves is somebody else's as a rule; what it said before phoenix is written on it."""
_RIGHTS = {
    Work.BAKE: Rights(
        reads=(*_READS_OF_ALL, *_READS_OF_IMAGES),
        makes=("ec2:CreateKeyPair", "ec2:CreateLaunchTemplate", "ec2:CreateSecurityGroup", "ec2:CreateTags"),
        changes=(
            *_REMOVES_BUILDERS,
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:EnableImageDeprecation",
            "ec2:StopInstances",
            "ssm:SendCommand",
        ),
        anywhere=("ec2:CreateFleet", "ec2:CreateImage", "ec2:ModifyImageAttribute", "ec2:RunInstances"),
    ),
    Work.ROLL: Rights(
        reads=(*_READS_OF_ALL, *_READS_OF_GROUPS),
        makes=(
            "autoscaling:CreateAutoScalingGroup",
            "ec2:CreateLaunchTemplate",
            "ec2:CreateTags",
            "elasticloadbalancing:CreateRule",
            "elasticloadbalancing:CreateTargetGroup",
        ),
        changes=_CHANGES_OF_GROUPS,
        anywhere=("ec2:RunInstances", *_LIVE_RULE),
    ),
}
_RIGHTS[Work.ADOPT] = Rights(
    reads=(),
    makes=(),
    changes=(),
    anywhere=(
        "autoscaling:CreateOrUpdateTags",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:DeleteTags",
        "autoscaling:ResumeProcesses",
        "autoscaling:SuspendProcesses",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "autoscaling:UpdateAutoScalingGroup",
    ),
)
_RIGHTS[Work.TEND] = Rights(
    reads=tuple(sorted({*_RIGHTS[Work.BAKE].reads, *_RIGHTS[Work.ROLL].reads})),
    makes=(),
    changes=(*_REMOVES_BUILDERS, *_CHANGES_OF_GROUPS),
    anywhere=_LIVE_RULE,
)
_KEYS = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
PASS = "iam:PassRole"
BEYOND: Mapping[str, str] = {
    PASS: "machines get a profile, and carried hooks their role, only from who may pass that role",
    "iam:CreateServiceLinkedRole": "the first Auto Scaling group, or load balancer, of an account makes AWS's own role",
    "ec2:RunInstances": "Auto Scaling checks, when a group is made, that who makes it may start its launch template",
    **dict.fromkeys(_KEYS, "with a key of your own (`images.kms`) EC2 uses it in the name of who bakes"),
}
"""Rights that no call of phoenix shows, with the reason."""


def rights(work: Work) -> Rights:
    """What this work needs."""
    return _RIGHTS[work]


def policy(work: Work, project: str, passed: tuple[str, ...]) -> dict[str, Any]:
    """The policy as IAM takes it, for one project of the account.

    `passed`: ARNs of the roles that this work's machines get.
    """
    wanted = rights(work)
    made = {"StringEquals": {f"aws:RequestTag/{PROJECT}": project}}
    ours = {"StringEquals": {f"aws:ResourceTag/{PROJECT}": project}}
    statements = [
        _statement("Read", wanted.reads),
        _statement("Make", wanted.makes, made),
        _statement("Change", wanted.changes, ours),
        _statement("Anywhere", wanted.anywhere),
    ]
    if wanted.makes:
        own = {"StringEquals": {"iam:AWSServiceName": ["autoscaling.amazonaws.com", "spot.amazonaws.com"]}}
        statements += [
            *([_passing("PassRole", "ec2.amazonaws.com", sorted(passed))] if passed else []),
            _statement("OwnRoles", ("iam:CreateServiceLinkedRole",), own),
            _statement("Keys", _KEYS, {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}}),
        ]
    if work is Work.ADOPT:
        statements.append(_passing("PassRoleOfHooks", "autoscaling.amazonaws.com", "*"))
    return {"Version": _VERSION, "Statement": [each for each in statements if each["Action"]]}


def _passing(name: str, service: str, roles: str | list[str]) -> dict[str, Any]:
    """To hand over the roles to one service alone, which then works with their rights."""
    return {**_statement(name, (PASS,), {"StringEquals": {"iam:PassedToService": service}}), "Resource": roles}


def _statement(name: str, actions: tuple[str, ...], condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    limited = {"Condition": dict(condition)} if condition else {}
    return {"Sid": name, "Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*", **limited}
