"""Whether whoever phoenix is in an account has the rights of `policy`: asked of IAM's own simulator; changes nothing.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from phoenix.clouds.aws.account.policy import BEYOND, PASS, Work, rights
from phoenix.clouds.aws.calls import Asks
from phoenix.clouds.aws.labels import PROJECT
from phoenix.manner import Finding, State

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
_AT_ONCE = 100
"""Actions that one simulation takes."""


def principal(caller: str) -> str:
    """Whose policies count for the caller that STS names: the role, where one was assumed.

    STS leaves out the path of a role: one that has a path is not found by this name.
    """
    assumed = _ASSUMED.fullmatch(caller)
    if not assumed:
        return caller
    return f"arn:{assumed['partition']}:iam::{assumed['account']}:role/{assumed['role']}"


def findings(
    calls: Asks, caller: str, project: str, cloud: str, passed: Mapping[Work, tuple[str, ...]]
) -> Iterator[Finding]:
    """One finding for each kind of work: everything is allowed, or what is not. `passed`: the roles it hands over."""
    who = principal(caller)
    allowed = _allowed(calls, who, project)
    for work in (Work.BAKE, Work.ROLL, Work.TEND):  # the simulation knows no group of somebody else's to adopt
        makes = BEYOND.keys() - {PASS} if rights(work).makes else set[str]()
        lacks = sorted(rights(work).actions.union(makes) - allowed)
        lacks += [f"{PASS} of {role}" for role in passed.get(work, ()) if not _may_pass(calls, who, role)]
        yield Finding(
            state=State.LACK if lacks else State.FINE,
            subject=f"{cloud}: rights to {work}",
            found=f"not allowed: {', '.join(lacks)}" if lacks else "all are given",
            remedy=f"phoenix doctor --cloud {cloud} --policy prints what to give" if lacks else "",
        )


def _allowed(calls: Asks, who: str, project: str) -> frozenset[str]:
    actions = sorted({action for work in Work for action in rights(work).actions} | BEYOND.keys() - {PASS})
    context = [_entry(f"aws:{kind}/{PROJECT}", project) for kind in ("RequestTag", "ResourceTag")]
    allowed: set[str] = set()
    for start in range(0, len(actions), _AT_ONCE):
        answer = calls.ask(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=who,
            ActionNames=actions[start : start + _AT_ONCE],
            ContextEntries=context,
        )
        results = answer["EvaluationResults"]
        allowed |= {each["EvalActionName"] for each in results if each["EvalDecision"] == "allowed"}
    return frozenset(allowed)


def _may_pass(calls: Asks, who: str, role: str) -> bool:
    answer = calls.ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=who,
        ActionNames=[PASS],
        ResourceArns=[role],
        ContextEntries=[_entry("iam:PassedToService", "ec2.amazonaws.com")],
    )
    return all(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"])


def _entry(key: str, value: str) -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
