"""What phoenix and Packer have called on an emulated AWS, beside the policies that phoenix prints."""

from __future__ import annotations

from collections.abc import Iterable

from phoenix.clouds.aws.account.policy import Work, rights
from tests.emulators.aws.calls import Call

PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
"""How IAM calls a service, where boto3 says another word."""
OURS = ("phoenix", "Packer")
"""Of user agents: what tests call to look, or to be somebody else, needs no right of phoenix's."""


def allowed() -> frozenset[str]:
    """Every action of every policy."""
    return frozenset().union(*(rights(work).actions for work in Work))


def uncovered(calls: Iterable[Call]) -> list[str]:
    """The actions that were called, and that no policy allows, sorted."""
    ours = [call for call in calls if any(word in call.user_agent for word in OURS)]
    actions = {f"{PREFIXES.get(call.service, call.service)}:{call.action}" for call in ours}
    return sorted(actions - allowed())
