"""A listener's rule, as AWS answers it (API_DescribeRules), read and rewritten."""

from __future__ import annotations

from typing import Any

import pytest

from phoenix.clouds.aws.balancer import rule

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
LEGACY, OLD, NEW = (
    f"{ARN}:targetgroup/{name}/73e2d6bc24d8a067" for name in ("legacy", "web-prod-v001", "web-prod-v002")
)
OIDC = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://login.acme.example",
        "AuthorizationEndpoint": "https://login.acme.example/auth",
        "TokenEndpoint": "https://login.acme.example/token",
        "UserInfoEndpoint": "https://login.acme.example/user",
        "ClientId": "web",
        "SessionCookieName": "AWSELBAuthSessionCookie",
        "Scope": "openid",
        "SessionTimeout": 604800,
        "OnUnauthenticatedRequest": "authenticate",
    },
}
COGNITO = {
    "Type": "authenticate-cognito",
    "Order": 1,
    "AuthenticateCognitoConfig": {
        "UserPoolArn": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abc",
        "UserPoolClientId": "web",
        "UserPoolDomain": "acme",
    },
}
FORWARD = {
    "Type": "forward",
    "Order": 2,
    "TargetGroupArn": LEGACY,
    "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": LEGACY, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 600},
    },
}
REDIRECT = {
    "Type": "redirect",
    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
}
FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


def answer(*actions: dict[str, Any], priority: str = "10") -> rule.Rule:
    return rule.parsed(
        {
            "RuleArn": f"{ARN}:listener-rule/app/front/1/2/3",
            "Priority": priority,
            "Conditions": [{"Field": "path-pattern", "Values": ["/api/*"]}],
            "Actions": list(actions),
            "IsDefault": priority == "default",
        }
    )


def forward(**weights: int) -> dict[str, Any]:
    named = {"legacy": LEGACY, "old": OLD, "new": NEW}
    groups = [{"TargetGroupArn": named[name], "Weight": weight} for name, weight in weights.items()]
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": False}},
    }


def test_a_rule_is_read_with_its_actions_in_their_order() -> None:
    seen = answer(FORWARD, OIDC)
    assert (seen.priority, seen.actions) == (10, (OIDC, FORWARD))
    assert seen.routing == FORWARD
    assert seen.weights == {LEGACY: 1}
    assert answer(FIXED, priority="default").priority is None


@pytest.mark.parametrize(
    ("action", "shares"),
    [
        ({"Type": "forward", "TargetGroupArn": LEGACY}, {LEGACY: 100}),
        (forward(legacy=1), {LEGACY: 100}),
        (forward(old=95, new=5), {OLD: 95, NEW: 5}),
        (forward(old=2, new=1), {OLD: 67, NEW: 33}),
        (forward(old=999, new=1), {OLD: 99, NEW: 1}),
        (forward(old=100, new=0), {OLD: 100, NEW: 0}),
        (forward(old=0, new=0), {OLD: 0, NEW: 0}),
        (REDIRECT, {}),
        (FIXED, {}),
    ],
)
def test_foreign_weights_are_read_as_percents(action: dict[str, Any], shares: dict[str, int]) -> None:
    assert answer(action).shares == shares


def test_what_is_no_forward_is_told_in_words_and_a_forward_in_none() -> None:
    assert answer({"Type": "redirect", "RedirectConfig": {"Port": "443"}}).elsewhere == "a redirect"
    assert answer({"Type": "fixed-response"}).elsewhere == "a fixed-response"
    assert answer(forward(old=1)).elsewhere == ""


def test_only_the_target_groups_of_a_forward_are_rewritten() -> None:
    written = rule.forwarding(answer(COGNITO, FORWARD), {OLD: 95, NEW: 5})
    assert written == [
        COGNITO,
        {
            "Type": "forward",
            "Order": 2,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": OLD, "Weight": 95}, {"TargetGroupArn": NEW, "Weight": 5}],
                "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 600},
            },
        },
    ]
    assert FORWARD["TargetGroupArn"] == LEGACY, "what was read is left as it was"


def test_a_clients_secret_that_nobody_is_told_is_kept() -> None:
    (written, _forward) = rule.forwarding(answer(OIDC, FORWARD), {NEW: 100})
    config = written["AuthenticateOidcConfig"]
    assert config == {**OIDC["AuthenticateOidcConfig"], "UseExistingClientSecret": True}  # type: ignore[dict-item]
    told = {**OIDC, "AuthenticateOidcConfig": {**config, "ClientSecret": "told by mistake"}}
    assert "ClientSecret" not in rule.forwarding(answer(told, FORWARD), {NEW: 100})[0]["AuthenticateOidcConfig"]


@pytest.mark.parametrize("former", [REDIRECT, FIXED])
def test_a_rule_that_did_not_forward_does_so_and_can_be_given_back(former: dict[str, Any]) -> None:
    seen = answer({**former, "Order": 1})
    written = rule.forwarding(seen, {NEW: 100})
    assert written == [
        {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": NEW, "Weight": 100}]}}
    ]
    assert rule.replaced(answer(*written), former) == [{**former, "Order": 1}]


def test_what_authenticates_stays_where_a_rule_is_given_back() -> None:
    assert rule.replaced(answer(COGNITO, FORWARD), FIXED) == [COGNITO, {**FIXED, "Order": 2}]


def test_the_version_follows_what_the_rule_does_and_nothing_else() -> None:
    version = answer(COGNITO, FORWARD).version
    assert answer(FORWARD, COGNITO).version == version
    assert answer(COGNITO, {**FORWARD, "TargetGroupArn": None}).version == version
    assert answer(COGNITO, {**FORWARD, **forward(legacy=1)}).version != version, "its stickiness is another"
    assert answer(FORWARD).version != version
    assert answer(forward(old=95, new=5)).version == answer(forward(new=5, old=95)).version
    assert answer(forward(old=95, new=5)).version != answer(forward(old=5, new=95)).version


@pytest.mark.parametrize(
    ("stands", "asked", "done"),
    [
        (forward(old=95, new=5), forward(new=5, old=95), True),
        (forward(old=95, new=5), forward(old=90, new=10), False),
        (forward(old=100), FIXED, False),
        (FIXED, forward(old=100), False),
        ({**FIXED, "Order": 1}, FIXED, True),
        (REDIRECT, FIXED, False),
    ],
)
def test_whether_a_rule_does_what_it_was_told(stands: dict[str, Any], asked: dict[str, Any], done: bool) -> None:
    assert rule.does(answer(COGNITO, stands), [COGNITO, asked]) is done


def test_every_target_group_of_a_rule_is_known() -> None:
    assert answer(COGNITO, forward(old=95, new=0)).target_groups == {OLD, NEW}
    assert answer(FIXED).target_groups == frozenset()


def test_a_rule_has_a_name_for_people() -> None:
    assert answer(FIXED).named("HTTPS:443 of front") == "rule 10 of the listener HTTPS:443 of front"
    assert (
        answer(FIXED, priority="default").named("HTTP:80 of front")
        == "the default rule of the listener HTTP:80 of front"
    )
