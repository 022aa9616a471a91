"""Google's other hosts, as far as phoenix asks them: services, rights, accounts, secrets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.api.rights import granted
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.wire.accounts import Accounts

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
NUMBER = "123456789012"


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
        self._routes: tuple[tuple[str, str, re.Pattern[str], Callable[[Visit], Answer]], ...] = tuple(
            (host, http, re.compile(path), answer)
            for host, http, path, answer in (
                ("serviceusage", "GET", r"/v1/projects/(?P<project>[^/]+)/services", self._services),
                ("serviceusage", "GET", r"/v1/projects/(?P<project>[^/]+)/services:batchGet", self._some_services),
                ("serviceusage", "GET", r"/v1/projects/(?P<project>[^/]+)/services/(?P<name>[^/]+)", self._service),
                (
                    "cloudresourcemanager",
                    "POST",
                    r"/v[13]/projects/(?P<project>[^/:]+):testIamPermissions",
                    self._rights,
                ),
                ("cloudresourcemanager", "GET", r"/v[13]/projects/(?P<project>[^/:]+)", self._project),
                (
                    "iam",
                    "POST",
                    r"/v1/projects/[^/]+/serviceAccounts/(?P<account>[^/:]+):testIamPermissions",
                    self._rights,
                ),
                ("iam", "GET", r"/v1/projects/[^/]+/serviceAccounts/(?P<account>[^/:]+)", self._account),
                (
                    "iamcredentials",
                    "POST",
                    r"/v1/projects/-/serviceAccounts/(?P<account>[^/:]+):generateAccessToken",
                    self._impersonated,
                ),
                (
                    "secretmanager",
                    "GET",
                    r"/v1/projects/(?P<project>[^/]+)/secrets/(?P<name>[^/]+)/versions/(?P<version>[^/:]+):access",
                    self._secret,
                ),
            )
        )

    def forget(self) -> None:
        """No secret is kept."""
        self.secrets.clear()

    def answer(self, visit: Visit) -> Answer:
        """What is answered; 404 for what is not known here."""
        service = visit.host.removesuffix(".googleapis.com")
        for host, http, path, handler in self._routes:
            found = path.fullmatch(visit.path) if (host, http) == (service, visit.http) else None
            if found:
                if f"{host}.googleapis.com" in self._emulated.settings.disabled:
                    return refused(403, f"{visit.host} is disabled in the project.", "PERMISSION_DENIED")
                project = found.groupdict().get("project")
                if project and f"projects/{project}" not in self._emulated.store:
                    return refused(403, "The caller does not have permission", "PERMISSION_DENIED")
                return handler(
                    Visit(**{**visit.__dict__, "found": found.groupdict()}),
                )
        return refused(404, f"The emulator does not serve {visit.http} {visit.host}{visit.path}", "NOT_FOUND")

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
        if not granted({"permissions": ["iam.serviceAccounts.getAccessToken"]}, self._emulated.settings.denied):
            return refused(403, "Permission 'iam.serviceAccounts.getAccessToken' denied", "PERMISSION_DENIED")
        token = self._accounts.token(visit.found["account"])["access_token"]
        return 200, {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}

    def _secret(self, visit: Visit) -> Answer:
        """https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access"""
        name = visit.found["name"]
        if name not in self.secrets:
            return refused(404, f"Secret [projects/{NUMBER}/secrets/{name}] not found or has no versions.", "NOT_FOUND")
        data = base64.b64encode(self.secrets[name]).decode()
        return 200, {"name": f"projects/{NUMBER}/secrets/{name}/versions/1", "payload": {"data": data}}
