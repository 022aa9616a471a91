"""The metadata server of one machine: what 169.254.169.254 (metadata.google.internal) tells it of itself.

https://cloud.google.com/compute/docs/metadata/querying-metadata: every query bears `Metadata-Flavor: Google`; none is
forwarded; directories end in a slash; `recursive=true` gives JSON, with the names in camel case that paths have with
dashes; `wait_for_change=true` answers when something is another than at `last_etag`, or after `timeout_sec` seconds.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.emulators.gcp.machines import Launch
from tests.emulators.machines.metadata import Answer

ROOT = "/computeMetadata/v1"
FLAVOR = {"Metadata-Flavor": "Google"}
LONGEST = 300.0
"""Seconds that a caller who names no time waits for a change."""
PAUSE = 0.2
TOKEN_LIFE = 3599
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PLAIN, JSON, HTML = "application/text", "application/json", "text/html; charset=UTF-8"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one machine is told of itself; the metadata of its `launch` may change while it runs."""

    launch: Launch
    address: str
    mac: str

    def found(self, path: str) -> Any:
        """What stands at a path now."""
        return _found(tree(self), path)

    def wait(self, path: str, etag: str, seconds: float) -> None:
        """Return when what stands at a path is another than that of `etag`, or after so many REAL seconds."""
        end = time.monotonic() + seconds
        while _etag(self.found(path)) == etag and time.monotonic() < end:
            time.sleep(PAUSE)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for, beside the path."""

    recursive: bool
    in_json: bool
    etag: str | None
    """Of what the caller has already seen; None where it does not wait for a change."""
    seconds: float


def answer(facts: Facts, method: str, target: str, headers: Mapping[str, str]) -> Answer:
    """Answer one request; names of headers are those of HTTP, in lower case."""
    url = urlsplit(target)
    if url.path in ("", "/"):
        return _said(200, "computeMetadata/\n")
    if headers.get("metadata-flavor") != "Google":
        return _said(403, "Missing Metadata-Flavor:Google header.", HTML)
    if "x-forwarded-for" in headers:
        return _said(403, "Forwarded requests are refused.", HTML)
    if not url.path.startswith(ROOT):
        return _said(404, "", HTML)
    path = url.path.removeprefix(ROOT)
    if method != "GET":
        return _said(403, "Guest attributes endpoint access is disabled.", HTML)
    if token := _token(facts.launch, path):
        return token
    return _look_up(facts, path, url.query)


def _look_up(facts: Facts, path: str, query: str) -> Answer:
    asked = _query(query, _etag(facts.found(path)))
    if asked.etag is not None:
        facts.wait(path, asked.etag, asked.seconds)
    found = facts.found(path)
    if found is None:
        return _said(404, "", HTML)
    if isinstance(found, (dict, list)) and not path.endswith("/") and not asked.recursive:
        there = f"{ROOT}{path}/" + (f"?{query}" if query else "")
        return Answer(status=HTTPStatus.MOVED_PERMANENTLY, headers={**FLAVOR, "Location": there})
    etag = {"ETag": _etag(found)}
    if (asked.recursive and isinstance(found, (dict, list))) or asked.in_json:
        return _said(200, json.dumps(found), JSON, etag)
    return _said(200, _plain(found), PLAIN, etag)


def _query(query: str, current: str) -> Query:
    sent = {name: values[-1] for name, values in parse_qs(query).items()}
    waits = sent.get("wait_for_change") == "true"
    recursive = sent.get("recursive") == "true"
    return Query(
        recursive=recursive,
        in_json=sent.get("alt", "json" if recursive else "text") == "json",
        etag=sent.get("last_etag", current) if waits else None,
        seconds=float(sent.get("timeout_sec", LONGEST)),
    )


def _token(launch: Launch, path: str) -> Answer | None:
    """https://cloud.google.com/compute/docs/access/authenticate-workloads: a token is not in any listing."""
    asked = re.fullmatch(r"/instance/service-accounts/([^/]+)/token", path)
    if not asked:
        return None
    if not launch.service_account or asked[1] not in ("default", launch.service_account):
        return _said(404, "", HTML)
    token = {
        "access_token": f"ya29.emulated.{launch.service_account}",
        "expires_in": TOKEN_LIFE,
        "token_type": "Bearer",
    }
    return _said(200, json.dumps(token), JSON)


def _found(at: Any, path: str) -> Any:
    """What stands at a path; None where nothing does. Names have dashes there, but for the keys of attributes."""
    for word in filter(None, path.split("/")):
        if isinstance(at, list):
            at = at[int(word)] if word.isdecimal() and int(word) < len(at) else None
        elif isinstance(at, dict):
            at = {**{_dashed(name): value for name, value in at.items()}, **at}.get(word)
        else:
            return None
    return at


def _plain(found: Any) -> str:
    if isinstance(found, dict):
        listed = [_dashed(name) + "/" * isinstance(value, (dict, list)) for name, value in sorted(found.items())]
        return "".join(f"{name}\n" for name in listed)
    if isinstance(found, list):
        return "".join(f"{number}/\n" for number in range(len(found)))
    return str(found)


def _dashed(name: str) -> str:
    """`networkInterfaces` is `network-interfaces` in paths; what has dashes or dots is nobody's but the user's."""
    return name if re.search(r"[^a-zA-Z0-9]", name) else re.sub("([A-Z])", lambda word: f"-{word[1].lower()}", name)


def _etag(found: Any) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def _said(status: int, text: str, kind: str = PLAIN, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=text.encode(), headers={**FLAVOR, "Content-Type": kind, **(headers or {})})


def tree(facts: Facts) -> dict[str, Any]:
    """Everything below the root, as recursive JSON has it.

    https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
    """
    launch, number = facts.launch, zlib.crc32(facts.launch.project.encode())
    return {
        "instance": {
            "attributes": dict(launch.metadata),
            "cpuPlatform": "Unknown CPU Platform",
            "description": "",
            "disks": [{"deviceName": "persistent-disk-0", "index": 0, "mode": "READ_WRITE", "type": "PERSISTENT"}],
            "hostname": f"{launch.name}.{launch.zone}.c.{launch.project}.internal",
            "id": int(launch.id),
            "image": launch.image,
            "machineType": f"projects/{number}/machineTypes/{launch.type}",
            "maintenanceEvent": "NONE",
            "name": launch.name,
            "networkInterfaces": [_interface(facts, number)],
            "preempted": "FALSE",
            "serviceAccounts": _accounts(launch.service_account),
            "tags": list(launch.network_tags),
            "virtualClock": {"driftToken": "0"},
            "zone": f"projects/{number}/zones/{launch.zone}",
        },
        "project": {"attributes": {}, "numericProjectId": number, "projectId": launch.project},
    }


def _interface(facts: Facts, number: int) -> dict[str, Any]:
    external = facts.address if facts.launch.public else ""
    return {
        "accessConfigs": [{"externalIp": external, "type": "ONE_TO_ONE_NAT"}],
        "forwardedIps": [],
        "ip": facts.address,
        "ipAliases": [],
        "mac": facts.mac,
        "network": f"projects/{number}/networks/default",
        "targetInstanceIps": [],
    }


def _accounts(email: str) -> dict[str, Any]:
    """The default one, under its own name too."""
    account = {"aliases": ["default"], "email": email, "scopes": [SCOPE]}
    return {"default": account, email: account} if email else {}
