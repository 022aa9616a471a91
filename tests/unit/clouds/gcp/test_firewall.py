"""Whom the rules of a network let in: decided by priority, tags, accounts, ports and ranges, as Google says."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.gcp.account.firewall import PROBERS, Target, shut_out
from tests.unit.clouds.gcp.account_answers import RULE

WEB = Target(port=8080, tags=("web", "http"), identity="web@acme-prod.iam.gserviceaccount.com")


def rule(**changes: Any) -> dict[str, Any]:
    made = {**RULE, **changes}
    return {key: value for key, value in made.items() if value is not None}


def deny(**changes: Any) -> dict[str, Any]:
    return rule(allowed=None, denied=[{"IPProtocol": "all"}], targetTags=None, **changes)


@pytest.mark.parametrize(
    "rules",
    [
        [rule()],
        [rule(direction=None)],
        [rule(targetTags=None)],
        [rule(targetTags=["x", "http"])],
        [rule(targetTags=None, targetServiceAccounts=["web@acme-prod.iam.gserviceaccount.com"])],
        [rule(allowed=[{"IPProtocol": "tcp", "ports": ["22", "8000-9000"]}])],
        [rule(allowed=[{"IPProtocol": "TCP"}])],
        [rule(allowed=[{"IPProtocol": "all"}])],
        [rule(sourceRanges=["0.0.0.0/0"])],
        [rule(sourceRanges=None)],
        [rule(sourceRanges=["35.191.0.0/17", "35.191.128.0/17", "130.211.0.0/20", "::/0"])],
        [rule(sourceRanges=["35.191.0.0/16"]), rule(sourceRanges=["130.211.0.0/22"], priority=2000)],
        [rule(priority=999), deny()],
        [rule(priority=0), deny(priority=1)],
        [rule(), deny(disabled=True)],
        [rule(), deny(sourceRanges=["10.0.0.0/8"])],
        [rule(), rule(allowed=None, denied=[{"IPProtocol": "tcp", "ports": ["22"]}])],
        [rule(), deny(direction="EGRESS")],
    ],
)
def test_those_that_let_the_health_checks_in(rules: list[dict[str, Any]]) -> None:
    assert shut_out(rules, WEB, PROBERS) == ()


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [rule(disabled=True)],
        [rule(direction="EGRESS")],
        [rule(targetTags=["other"])],
        [rule(targetTags=None, targetServiceAccounts=["other@acme-prod.iam.gserviceaccount.com"])],
        [rule(allowed=[{"IPProtocol": "tcp", "ports": ["80", "9000-9999"]}])],
        [rule(allowed=[{"IPProtocol": "udp", "ports": ["8080"]}])],
        [rule(sourceRanges=["10.0.0.0/8"])],
        [rule(sourceRanges=None, sourceTags=["lb"])],
        [rule(sourceRanges=["35.191.0.0/17", "130.211.0.0/23"])],
        [rule(priority=1000), deny()],
        [rule(priority=1001), deny(priority=1000, sourceRanges=["35.191.4.0/24", "130.211.1.0/24"])],
    ],
)
def test_those_that_do_not(rules: list[dict[str, Any]]) -> None:
    assert shut_out(rules, WEB, PROBERS) == PROBERS


def test_a_half_is_told_apart() -> None:
    assert shut_out([rule(sourceRanges=["35.191.0.0/16"])], WEB, PROBERS) == ("130.211.0.0/22",)


def test_a_machine_without_tags_is_meant_by_rules_without_targets_alone() -> None:
    bare = Target(port=8080)
    assert shut_out([rule()], bare, PROBERS) == PROBERS
    assert shut_out([rule(targetTags=None)], bare, PROBERS) == ()
