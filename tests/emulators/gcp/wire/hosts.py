"""Google's other hosts, as far as phoenix asks them: services, rights, accounts, secrets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.rights import denied, granted
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.wire.accounts import Accounts
from tests.emulators.gcp.world import NUMBER

SERVICES = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "iap.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
)
"""Enabled, unless a test has disabled them."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request to one of them."""

    host: str
    http: str
    path: str
    query: Mapping[str, list[str]]
    body: bytes
    found: Mapping[str, str] = field(default_factory=dict)
    """What the path says."""

    @property
    def asked(self) -> Json:
        """The body, read."""
        read: Json = json.loads(self.body) if self.body else {}
        return read


Answer = tuple[int, Any]


@dataclass(frozen=True)
class Route:
    """What is answered to some paths of a host."""

    host: str
    """Without `.googleapis.com`."""
    http: str
    path: str
    """A regular expression."""
    permission: str
    answer: Callable[[Visit], Answer]

    def match(self, visit: Visit) -> re.Match[str] | None:
        """Whether it is meant."""
        here = (visit.host, visit.http) == (f"{self.host}.googleapis.com", self.http)
        return re.fullmatch(self.path, visit.path) if here else None


def refused(status: int, words: str, kind: str) -> Answer:
    """An error as these hosts write it. https://cloud.google.com/apis/design/errors"""
    return status, {"error": {"code": status, "message": words, "status": kind}}


class Hosts:
    """Their answers."""

    def __init__(self, emulated: Emulated, accounts: Accounts) -> None:
        self._emulated = emulated
        self._accounts = accounts
        self.secrets: dict[str, bytes] = {}
        """By name; the newest version."""
        services, account = "/v1/projects/(?P<project>[^/]+)/services", "/serviceAccounts/(?P<account>[^/:]+)"
        project = "/v[13]/projects/(?P<project>[^/:]+)"
        secret = "/v1/projects/(?P<project>[^/]+)/secrets/(?P<name>[^/]+)/versions/(?P<version>[^/:]+):access"
        self._routes = (
            Route("serviceusage", "GET", services, "serviceusage.services.list", self._services),
            Route("serviceusage", "GET", f"{services}:batchGet", "serviceusage.services.get", self._some_services),
            Route("serviceusage", "GET", f"{services}/(?P<name>[^/]+)", "serviceusage.services.get", self._service),
            Route("cloudresourcemanager", "POST", f"{project}:testIamPermissions", "", self._rights),
            Route("cloudresourcemanager", "GET", project, "resourcemanager.projects.get", self._project),
            Route("iam", "POST", f"/v1/projects/[^/]+{account}:testIamPermissions", "", self._rights),
            Route("iam", "GET", f"/v1/projects/[^/]+{account}", "iam.serviceAccounts.get", self._account),
            Route(
                "iamcredentials",
                "POST",
                f"/v1/projects/-{account}:generateAccessToken",
                "iam.serviceAccounts.getAccessToken",
                self._impersonated,
            ),
            Route("secretmanager", "GET", secret, "secretmanager.versions.access", self._secret),
        )

    def forget(self) -> None:
        """No secret is kept."""
        self.secrets.clear()

    def permission(self, visit: Visit) -> str:
        """What IAM asks for it; empty for nothing."""
        return next((route.permission for route in self._routes if route.match(visit)), "")

    def answer(self, visit: Visit) -> Answer:
        """What is answered; 404 for what is not known here."""
        for route in self._routes:
            found = route.match(visit)
            if found:
                return self._answer(route, replace(visit, found=found.groupdict()))
        return refused(404, f"The emulator does not serve {visit.http} {visit.host}{visit.path}", "NOT_FOUND")

    def _answer(self, route: Route, visit: Visit) -> Answer:
        if visit.host in self._emulated.settings.disabled:
            return refused(403, f"{visit.host} is disabled in the project.", "PERMISSION_DENIED")
        project = visit.found.get("project")
        if project and f"projects/{project}" not in self._emulated.store:
            return refused(403, "The caller does not have permission", "PERMISSION_DENIED")
        if denied(route.permission, self._emulated.settings.denied):
            return refused(403, f"Permission '{route.permission}' denied on resource", "PERMISSION_DENIED")
        return route.answer(visit)

    def _services(self, visit: Visit) -> Answer:
        """https://cloud.google.com/service-usage/docs/reference/rest/v1/services/list"""
        wanted = visit.query.get("filter", [""])[0].partition(":")[2]
        shown = [self._shown(visit.found["project"], name) for name in SERVICES]
        return 200, {"services": [one for one in shown if not wanted or one["state"] == wanted]}

    def _some_services(self, visit: Visit) -> Answer:
        """https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet"""
        names = [name.rpartition("/")[2] for name in visit.query.get("names", [])]
        return 200, {"services": [self._shown(visit.found["project"], name) for name in names]}

    def _service(self, visit: Visit) -> Answer:
        return 200, self._shown(visit.found["project"], visit.found["name"])

    def _shown(self, project: str, name: str) -> Json:
        enabled = name in SERVICES and name not in self._emulated.settings.disabled
        return {
            "name": f"projects/{NUMBER}/services/{name}",
            "parent": f"projects/{NUMBER}",
            "config": {"name": name},
            "state": "ENABLED" if enabled else "DISABLED",
        }

    def _rights(self, visit: Visit) -> Answer:
        """https://cloud.google.com/resource-manager/reference/rest/v3/projects/testIamPermissions"""
        return 200, granted(visit.asked, self._emulated.settings.denied)

    def _project(self, visit: Visit) -> Answer:
        project = visit.found["project"]
        return 200, {
            "name": f"projects/{NUMBER}" if visit.path.startswith("/v3") else project,
            "projectId": project,
            "projectNumber": NUMBER,
            "state": "ACTIVE",
            "lifecycleState": "ACTIVE",
        }

    def _account(self, visit: Visit) -> Answer:
        account = visit.found["account"]
        if not account.endswith(".gserviceaccount.com"):
            return refused(404, f"Unknown service account {account}", "NOT_FOUND")
        return 200, {"name": f"projects/-/serviceAccounts/{account}", "email": account}

    def _impersonated(self, visit: Visit) -> Answer:
        """https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
        token = self._accounts.token(visit.found["account"])["access_token"]
        return 200, {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}

    def _secret(self, visit: Visit) -> Answer:
        """https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access"""
        name = visit.found["name"]
        if name not in self.secrets:
            return refused(404, f"Secret [projects/{NUMBER}/secrets/{name}] not found or has no versions.", "NOT_FOUND")
        data = base64.b64encode(self.secrets[name]).decode()
        return 200, {"name": f"projects/{NUMBER}/secrets/{name}/versions/1", "payload": {"data": data}}
