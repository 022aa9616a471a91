"""The emulated metadata service against the rules of "Use the Instance Metadata Service" in the EC2 User Guide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.emulators.aws.imds import LIFETIME, TOKEN, Facts, Tokens, answer
from tests.emulators.aws.machines import Launch
from tests.emulators.machines.metadata import Answer

LAUNCH = Launch(
    id="i-1",
    image="ami-1",
    user_data=b"\x1f\x8b raw",
    key="ssh-rsa AAAA my pair",
    profile="arn:aws:iam::123456789012:instance-profile/web",
    tokens_only=True,
    tags={"Name": "web"},
)
FACTS = Facts(launch=LAUNCH, address="127.64.0.1", mac="02:00:00:00:00:01")


class Time:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def begin(tokens: Tokens, seconds: str = "60", **headers: str) -> Answer:
    return answer(FACTS, tokens, "PUT", "/latest/api/token", {LIFETIME.lower(): seconds, **headers})


def get(path: str, facts: Facts = FACTS) -> Answer:
    tokens = Tokens()
    return answer(facts, tokens, "GET", path, {TOKEN.lower(): begin(tokens).body.decode()})


def test_a_token_is_good_until_its_time_is_over() -> None:
    time = Time()
    tokens = Tokens(clock=time)
    given = begin(tokens)
    assert (given.status, given.headers) == (200, {LIFETIME: "60"})
    headers = {TOKEN.lower(): given.body.decode()}
    time.now = 59.9
    assert answer(FACTS, tokens, "GET", "/latest/meta-data/instance-id", headers).body == b"i-1"
    time.now = 60.0
    assert answer(FACTS, tokens, "GET", "/latest/meta-data/instance-id", headers).status == 401


@pytest.mark.parametrize("headers", [{}, {TOKEN.lower(): "made-up"}, {TOKEN.lower(): ""}])
def test_version_1_and_false_tokens_are_refused(headers: dict[str, str]) -> None:
    assert answer(FACTS, Tokens(), "GET", "/latest/meta-data/instance-id", headers).status == 401


def test_where_tokens_are_optional_only_false_ones_are_refused() -> None:
    facts = Facts(launch=replace(LAUNCH, tokens_only=False), address="127.64.0.1", mac="02:00:00:00:00:01")
    assert answer(facts, Tokens(), "GET", "/latest/meta-data/instance-id", {}).body == b"i-1"
    assert answer(facts, Tokens(), "GET", "/latest/meta-data/instance-id", {TOKEN.lower(): "made-up"}).status == 401


@pytest.mark.parametrize("seconds", ["", "0", "21601", "-1", "soon"])
def test_a_life_that_no_token_may_have(seconds: str) -> None:
    assert begin(Tokens(), seconds).status == 400


def test_tokens_are_not_given_through_a_proxy_and_other_methods_are_not_known() -> None:
    assert begin(Tokens(), **{"x-forwarded-for": "10.0.0.1"}).status == 403
    assert answer(FACTS, Tokens(), "PUT", "/latest/meta-data/", {}).status == 405
    assert answer(FACTS, Tokens(), "POST", "/latest/api/token", {}).status == 405


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/latest/meta-data/instance-id", "i-1"),
        ("/2021-03-23/meta-data/local-ipv4", "127.64.0.1"),
        ("/latest/meta-data/placement/availability-zone", "eu-west-1a"),
        ("/latest/meta-data/placement/", "availability-zone\nregion"),
        ("/latest/meta-data/public-keys/", "0=my pair"),
        ("/latest/meta-data/public-keys/0/", "openssh-key"),
        ("/latest/meta-data/public-keys/0/openssh-key", "ssh-rsa AAAA my pair\n"),
        ("/latest/meta-data/tags/instance", "Name"),
        ("/latest/meta-data/tags/instance/Name", "web"),
        ("/latest/meta-data/iam/security-credentials/", "web"),
        ("/latest/user-data", "\x1f\ufffd raw"),
        ("/latest/", "meta-data/\ndynamic/\nuser-data"),
    ],
)
def test_what_it_tells(path: str, said: str) -> None:
    told = get(path)
    assert told.status == 200
    assert told.body.decode("utf-8", "replace") == said


def test_what_is_not_there_is_404() -> None:
    plain = Facts(launch=Launch(id="i-1", image="ami-1"), address="127.64.0.1", mac="02:00:00:00:00:01")
    for path in ("/1999-01-01/meta-data/", "/latest/meta-data/no", "/latest/meta-data/instance-id/no"):
        assert get(path, plain).status == 404
    for path in ("user-data", "meta-data/public-keys/", "meta-data/iam/info", "meta-data/tags/instance/"):
        assert get(f"/latest/{path}", plain).status == 404
