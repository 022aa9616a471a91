"""The instance metadata service of one machine: what 169.254.169.254 tells it of itself.

Rules from "Use the Instance Metadata Service" in the EC2 User Guide: a session begins with PUT /latest/api/token and a
time to live of 1 to 21,600 seconds; every GET of version 2 bears the token. Version 1, without one, is refused where
the instance has `HttpTokens: required`. Pure functions answer what is asked.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.emulators.aws.machines import Launch
from tests.emulators.machines.metadata import Answer, Answering

TOKEN = "X-aws-ec2-metadata-token"
LIFETIME = f"{TOKEN}-ttl-seconds"
LONGEST = 21_600
"""Seconds that a token may live."""
VERSIONS = ("1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest")
ACCOUNT = "123456789012"

Tree = Mapping[str, "Tree | str"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one machine is told of itself."""

    launch: Launch
    address: str
    mac: str


class Tokens:
    """The sessions of one machine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}

    def begin(self, seconds: int) -> str:
        """A new token that is good for so many seconds."""
        token = secrets.token_urlsafe(40)
        self._ends[token] = self._clock() + seconds
        return token

    def good(self, token: str) -> bool:
        """Whether the token was given out and its time is not over."""
        return self._clock() < self._ends.get(token, 0.0)


def answering(facts: Facts) -> Answering:
    """The answers to one machine."""
    return partial(answer, facts, Tokens())


def answer(facts: Facts, tokens: Tokens, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    """Answer one request; names of headers are those of HTTP, in lower case."""
    if method == "PUT":
        return _begin(tokens, path, headers)
    if method != "GET":
        return Answer(status=405)
    token = headers.get(TOKEN.lower())
    if facts.launch.tokens_only if token is None else not tokens.good(token):
        return Answer(status=401)
    version, _, rest = path.partition("?")[0].strip("/").partition("/")
    if not version:
        return _text("\n".join(VERSIONS))
    if version not in VERSIONS:
        return Answer(status=404)
    if rest == "user-data":
        found = facts.launch.user_data
        kind = {"Content-Type": "application/octet-stream"}
        return Answer(status=200, body=found, headers=kind) if found else Answer(status=404)
    return _look_up(tree(facts), rest)


def _begin(tokens: Tokens, path: str, headers: Mapping[str, str]) -> Answer:
    if path != "/latest/api/token":
        return Answer(status=405)
    if "x-forwarded-for" in headers:
        return Answer(status=403)
    seconds = headers.get(LIFETIME.lower(), "")
    if not seconds.isdecimal() or not 1 <= int(seconds) <= LONGEST:
        return Answer(status=400)
    return Answer(status=200, body=tokens.begin(int(seconds)).encode(), headers={LIFETIME: seconds})


def _look_up(found: Tree | str, path: str) -> Answer:
    for name in filter(None, path.split("/")):
        if isinstance(found, str) or name not in found:
            return Answer(status=404)
        found = found[name]
    return _text(found if isinstance(found, str) else "\n".join(_listing(found)))


def _listing(tree: Tree) -> list[str]:
    """Names of a directory: those of directories end in a slash, keys are listed with their names."""
    listed = []
    for name, value in tree.items():
        key = value.get(" name") if isinstance(value, Mapping) else None
        if name != " name":
            listed.append(f"{name}={key}" if key else name if isinstance(value, str) else f"{name}/")
    return listed


def _text(text: str) -> Answer:
    return Answer(status=200, body=text.encode(), headers={"Content-Type": "text/plain"})


def tree(facts: Facts) -> Tree:
    """Everything below a version."""
    launch, zone = facts.launch, facts.launch.zone
    name = f"ip-{facts.address.replace('.', '-')}.{launch.region}.compute.internal"
    addresses = {"local-ipv4": facts.address, **({"public-ipv4": facts.address} if launch.public else {})}
    metadata: dict[str, Tree | str] = {
        "ami-id": launch.image,
        "ami-launch-index": "0",
        "hostname": name,
        "instance-id": launch.id,
        "instance-life-cycle": "on-demand",
        "instance-type": launch.type,
        "local-hostname": name,
        **addresses,
        "mac": facts.mac,
        "network": {"interfaces": {"macs": {facts.mac: {"device-number": "0", "mac": facts.mac, **addresses}}}},
        "placement": {"availability-zone": zone, "region": launch.region},
        "security-groups": "default",
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if launch.key:
        metadata["public-keys"] = {"0": {" name": _name_of(launch.key), "openssh-key": launch.key.strip() + "\n"}}
    if launch.tags:
        metadata["tags"] = {"instance": dict(launch.tags)}
    if launch.profile:
        metadata["iam"] = _iam(launch.profile)
    dynamic = {"instance-identity": {"document": _identity(facts)}}
    # user-data is bytes, and told before anything is looked up here
    own: Tree = {"user-data": ""} if launch.user_data else {}
    return {"meta-data": metadata, "dynamic": dynamic, **own}


def _name_of(key: str) -> str:
    """The comment of a public key, where EC2 gives the key pair's name."""
    words = key.split(None, 2)
    return words[2].strip() if len(words) > 2 else "key"


def _identity(facts: Facts) -> str:
    launch = facts.launch
    said: dict[str, Any] = {
        "accountId": ACCOUNT,
        "architecture": "x86_64",
        "availabilityZone": launch.zone,
        "imageId": launch.image,
        "instanceId": launch.id,
        "instanceType": launch.type,
        "privateIp": facts.address,
        "region": launch.region,
        "version": "2017-09-30",
    }
    return json.dumps(said, indent=2)


def _iam(profile: str) -> Tree:
    """The instance profile, and credentials that the emulator takes as it takes any."""
    role, now = profile.rpartition("/")[2], datetime.now(UTC).replace(microsecond=0)

    def when(moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    info = {"Code": "Success", "LastUpdated": when(now), "InstanceProfileArn": profile, "InstanceProfileId": "AIPAEMU"}
    credentials = {
        "Code": "Success",
        "LastUpdated": when(now),
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIAEMULATED",
        "SecretAccessKey": "emulated",
        "Token": "emulated",
        "Expiration": when(now + timedelta(hours=6)),
    }
    return {"info": json.dumps(info), "security-credentials": {role: json.dumps(credentials, indent=2)}}
