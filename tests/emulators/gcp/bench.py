"""Short words for the emulator's own tests: the API's calls with what they always need filled in.

What is sent is JSON and not the SDK's messages: those cannot say what is wrong.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from tests.emulators.gcp.api.document import Document
from tests.emulators.gcp.client import Emulator

WAITS = 200
"""So often an operation is waited for before something is wrong."""
ALL = "https://www.googleapis.com/auth/cloud-platform"
API = "https://compute.googleapis.com/compute/v1/"
Json = dict[str, Any]


class RefusedError(Exception):
    """Google says no."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason


class FailedError(Exception):
    """An operation has ended with an error."""

    def __init__(self, operation: Json) -> None:
        (error,) = operation["error"]["errors"]
        super().__init__(error["message"])
        self.code = error["code"]
        self.operation = operation


@cache
def document() -> Document:
    """The discovery document."""
    return Document.read()


@cache
def _session(directory: Path, proxy: str) -> AuthorizedSession:
    """Connections to one emulator, with a token of its account; no reset ends them."""
    credentials = service_account.Credentials.from_service_account_file(str(directory / "key.json"), scopes=[ALL])
    tokens = requests.Session()
    session = AuthorizedSession(credentials, auth_request=Request(tokens))
    for each in (tokens, session):
        each.proxies = {"https": proxy}
        each.verify = str(directory / "ca.pem")
        each.trust_env = False
    return session


class Bench:
    """One emulator, its world, and its API."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.world = emulator.world()
        self.session = _session(emulator.directory, emulator.environment["HTTPS_PROXY"])

    def call(self, method: str, body: Any = None, *, headers: dict[str, str] | None = None, **given: Any) -> Json:
        """One call: what is answered. RefusedError where Google says no. What is given is path or query."""
        found = document().methods[f"compute.{method}"]
        usual = {"project": self.world.project, "region": self.world.region, "zone": self.world.zones[0]}
        path = re.sub(r"\{(\w+)\}", lambda name: quote(str(given.pop(name[1], None) or usual[name[1]])), found.template)
        query = "&".join(f"{name}={quote(str(value))}" for name, value in given.items())
        return self.web(found.http, f"{API}{path}?{query}", body, headers=headers)

    def web(self, http: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Json:
        """One request to whatever host."""
        data = None if body is None else json.dumps(body)
        answer = self.session.request(http, url, data=data, headers=headers, timeout=30)
        said: Json = answer.json()
        if answer.status_code != 200:
            reason = said["error"].get("errors", [{}])[0].get("reason", said["error"].get("status", ""))
            raise RefusedError(answer.status_code, reason, said["error"]["message"])
        return said

    def done(self, operation: Json) -> Json:
        """Wait for an operation; it. FailedError where it has failed."""
        place = next((kind for kind in ("zone", "region") if kind in operation), "global")
        where = {} if place == "global" else {place: operation[place].rpartition("/")[2]}
        for _attempt in range(WAITS):
            if operation["status"] == "DONE":
                break
            operation = self.call(f"{place}Operations.wait", operation=operation["name"], **where)
        assert operation["status"] == "DONE", operation
        if "error" in operation:
            raise FailedError(operation)
        return operation

    def do(self, method: str, body: Any = None, **given: Any) -> Json:
        """A call, and the wait for its operation."""
        return self.done(self.call(method, body, **given))

    def template(self, name: str = "web", **properties: Any) -> str:
        """An instance template; its name."""
        body = {"name": name, "properties": {**self.instance(), "machineType": "e2-small", **properties}}
        self.do("instanceTemplates.insert", body)
        return name

    def instance(self, name: str | None = None, **more: Any) -> Json:
        """What an instance is made of."""
        disk = {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": self.world.image}}
        body = {"disks": [disk], "networkInterfaces": [{"network": "global/networks/default"}], **more}
        if name:
            body |= {"name": name, "machineType": f"zones/{self.world.zones[0]}/machineTypes/e2-small"}
        return {**body, **more}

    def group(self, name: str = "web", *, size: int = 2, zonal: bool = False, **more: Any) -> str:
        """A managed group with a named port, regional unless `zonal`; its name."""
        if "instanceTemplate" not in more:
            more["instanceTemplate"] = f"global/instanceTemplates/{self.template(f'{name}-template')}"
        body = {"name": name, "baseInstanceName": name, "targetSize": size, **more}
        self.do(f"{self.managers(zonal)}.insert", body)
        ports = {"namedPorts": [{"name": "http", "port": 8080}]}
        groups = "instanceGroups" if zonal else "regionInstanceGroups"
        self.do(f"{groups}.setNamedPorts", ports, instanceGroup=name)
        return name

    @staticmethod
    def managers(zonal: bool) -> str:
        """The collection of managers."""
        return "instanceGroupManagers" if zonal else "regionInstanceGroupManagers"

    def manager(self, name: str = "web", *, zonal: bool = False) -> Json:
        """A managed group as the API shows it."""
        return self.call(f"{self.managers(zonal)}.get", instanceGroupManager=name)

    def stable(self, name: str = "web", *, zonal: bool = False) -> bool:
        """Whether it is."""
        return bool(self.manager(name, zonal=zonal)["status"]["isStable"])

    def members(self, name: str = "web", *, zonal: bool = False) -> list[Json]:
        """Its managed instances."""
        found = self.call(f"{self.managers(zonal)}.listManagedInstances", instanceGroupManager=name)
        return list(found.get("managedInstances", []))

    def actions(self, name: str = "web", *, zonal: bool = False) -> list[str]:
        """What they are doing, sorted."""
        return sorted(member["currentAction"] for member in self.members(name, zonal=zonal))

    def errors(self, name: str = "web", *, zonal: bool = False) -> list[str]:
        """The codes of what went wrong, newest first."""
        found = self.call(f"{self.managers(zonal)}.listErrors", instanceGroupManager=name)
        return [item["error"]["code"] for item in found.get("items", [])]

    def backend(self, group: str = "web", **more: Any) -> Json:
        """A backend of a backend service, of a regional group."""
        return {"group": self.manager(group)["instanceGroup"], **more}

    def backend_service(self, name: str = "web", *groups: str, **more: Any) -> str:
        """A backend service with groups behind it; its name."""
        body = {
            "name": name,
            "loadBalancingScheme": "EXTERNAL_MANAGED",
            "healthChecks": [f"global/healthChecks/{self.world.health_check}"],
            "backends": [self.backend(group) for group in groups],
            **more,
        }
        self.do("backendServices.insert", body)
        return name

    def service(self, name: str = "web") -> Json:
        """A backend service as the API shows it."""
        return self.call("backendServices.get", backendService=name)

    def url_map(self) -> Json:
        """The world's URL map."""
        return self.call("urlMaps.get", urlMap=self.world.url_map)

    def route(self, *services: str, **more: Any) -> None:
        """The world's URL map leads to these, evenly."""
        weights = [{"backendService": f"global/backendServices/{service}", "weight": 100} for service in services]
        former = {name: part for name, part in self.url_map().items() if name != "defaultService"}
        body = {**former, "defaultRouteAction": {"weightedBackendServices": weights}, **more}
        self.do("urlMaps.update", body, urlMap=self.world.url_map)

    def health(self, service: str = "web", group: str = "web") -> list[str]:
        """What getHealth says, sorted."""
        url = self.manager(group)["instanceGroup"]
        said = self.call("backendServices.getHealth", {"group": url}, backendService=service)
        return sorted(status["healthState"] for status in said.get("healthStatus", []))

    def served(self, name: str = "web", **more: Any) -> str:
        """A group behind a backend service to which the URL map leads; the name of all three."""
        self.group(name, **more)
        self.backend_service(name, name)
        self.route(name)
        return name


def request_id() -> str:
    """A new one."""
    return str(uuid.uuid4())


@contextmanager
def refused(status: int, reason: str, words: str = "") -> Iterator[None]:
    """Google says no with this status and reason, and with these words in its message."""
    with pytest.raises(RefusedError) as error:
        yield
    assert (error.value.status, error.value.reason) == (status, reason), error.value
    assert words in str(error.value)


@contextmanager
def failed(code: str, words: str = "") -> Iterator[None]:
    """An operation ends with this code."""
    with pytest.raises(FailedError) as error:
        yield
    assert error.value.code == code, error.value
    assert words in str(error.value)


def names(rows: Sequence[Json]) -> list[str]:
    """Of things."""
    return [row["name"] for row in rows]
