"""IAM's simulation of policies, and Service Quotas: both as a test has set them, and moto has neither. Who asks."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from moto.sts.models import STSBackend

from tests.emulators.aws import behind
from tests.emulators.aws.answers import Answers, Asked, Shape, paged
from tests.emulators.aws.emulated import ACCOUNT, Emulated
from tests.emulators.aws.faults import RefusedError

QUOTAS = {
    ("ec2", "L-1216C47A"): ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 64.0),
    ("ec2", "L-34B43A08"): ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 64.0),
    ("autoscaling", "L-CDE20ADC"): ("Auto Scaling groups per region", 500.0),
    ("elasticloadbalancing", "L-53DA6B97"): ("Application Load Balancers per Region", 50.0),
    ("elasticloadbalancing", "L-B22855CB"): ("Target Groups per Region", 3000.0),
    ("elasticloadbalancing", "L-7E6692B2"): ("Targets per Application Load Balancer", 1000.0),
    ("vpc", "L-F678F1CE"): ("VPCs per Region", 5.0),
}
"""Names and values by service and quota code. https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html"""


PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(user|group|role)/.+")
RESULTS = 100
"""In one answer, where none is asked for."""


class Rights:
    """Answers about what an account may do, and how much of it."""

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated

    def add_to(self, answers: Answers) -> None:
        """Answer instead of moto, and have keys that nobody made be a user's of IAM."""
        behind.mend(STSBackend, get_caller_identity=_identity(STSBackend.get_caller_identity))
        answers.add("iam", SimulatePrincipalPolicy=self._simulate)
        answers.add(
            "service-quotas", GetServiceQuota=self._get_service_quota, ListServiceQuotas=self._list_service_quotas
        )

    def _simulate(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

        The role's session, as GetCallerIdentity names it, is no principal:
        https://github.com/aws-containers/amazon-ecs-exec-checker/pull/10
        """
        who = str(asked.get("PolicySourceArn"))
        if not PRINCIPAL.fullmatch(who):
            raise RefusedError(
                "InvalidInput", f"Invalid Entity Arn: {who} does not clearly define entity type and name."
            )
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "implicitDeny" if self._denied(action) else "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in asked.get("ActionNames", [])
            for resource in asked.get("ResourceArns") or ["*"]
        ]
        start = int(asked.get("Marker") or 0)
        end = start + int(asked.get("MaxItems") or RESULTS)
        more = {"Marker": str(end)} if end < len(results) else {}
        return {"EvaluationResults": results[start:end], "IsTruncated": bool(more), **more}

    def _denied(self, action: str) -> bool:
        return any(fnmatchcase(action.lower(), one.lower()) for one in self._emulated.settings.denied)

    def _get_service_quota(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html"""
        service, code = asked.get("ServiceCode"), asked.get("QuotaCode")
        if (service, code) not in QUOTAS:
            raise RefusedError("NoSuchResourceException", f"The quota {code} of {service} is not known")
        return {"Quota": self._quota(service, code, asked.region)}

    def _list_service_quotas(self, asked: Asked) -> Shape:
        """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html"""
        service = asked.get("ServiceCode")
        shown = [self._quota(service, code, asked.region) for of, code in QUOTAS if of == service]
        return paged(asked, "Quotas", shown, limit="MaxResults")

    def _quota(self, service: str, code: str, region: str) -> Shape:
        name, value = QUOTAS[service, code]
        return {
            "ServiceCode": service,
            "ServiceName": service,
            "QuotaArn": f"arn:aws:servicequotas:{region}:{ACCOUNT}:{service}/{code}",
            "QuotaCode": code,
            "QuotaName": name,
            "Value": self._emulated.settings.quotas.get(code, value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def _identity(by_moto: Any) -> Any:
    """A user's ARN is IAM's; moto says STS.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """

    def get_caller_identity(backend: Any, *asked: Any) -> tuple[str, str, str]:
        id, arn, account = by_moto(backend, *asked)
        return id, arn.replace(":sts:", ":iam:") if ":user/" in arn else arn, account

    return get_caller_identity
