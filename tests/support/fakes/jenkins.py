"""The few doors of a Jenkins that `phoenix doctor --jenkins` knocks at, answered over HTTP as the real one answers.

After the sources of its GitHub plugin: the plugin's self-check, 405 for who does not post, 400 for a call without an
event. After Jenkins' own pages: the headers of each, Basic logins with API tokens, 403 for who may not see.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

IDENTITY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"
USER, TOKEN = "phoenix", "11e0c0ffee"


@dataclass
class Jenkins:
    """What it is like; a test changes what it wants."""

    version: str = "2.541.1"
    plugins: dict[str, bool] = field(default_factory=dict)
    """Those installed, and whether each is active."""
    nodes: tuple[str, ...] = ("builder-1",)
    offline: bool = False
    github: bool = True
    """Whether it has the GitHub plugin."""
    guarded: bool = False
    """Whether a proxy before it lets nobody in without a login."""
    identity_of_webhook: str = IDENTITY
    may_see: bool = True
    garbled: bool = False
    """Whether its API answers with something that is no JSON."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of each request."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """One request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.asked.append((method, path))
        status, headers, body = self._answer(method, path, environ)
        every = {"X-Jenkins": self.version, "X-Instance-Identity": IDENTITY, **dict(headers)}
        start(status, list(every.items()))
        return [body]

    def _answer(self, method: str, path: str, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        if path == "/login":
            return "200 OK", [], b"<html>"
        if path == "/github-webhook/":
            return self._webhook(method, environ)
        known = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if environ.get("HTTP_AUTHORIZATION") != f"Basic {known}":
            return "401 Unauthorized", [], b""
        if not self.may_see:
            return "403 Forbidden", [], b""
        if self.garbled:
            return "200 OK", [], b"<html>"
        if path == "/pluginManager/api/json":
            listed = [{"shortName": name, "active": active} for name, active in self.plugins.items()]
            return "200 OK", [], json.dumps({"plugins": listed}).encode()
        if path == "/label/phoenix/api/json":
            nodes = [{"nodeName": name} for name in self.nodes]
            found = {"offline": self.offline, "totalExecutors": 2 * len(nodes), "nodes": nodes}
            return "200 OK", [], json.dumps(found).encode()
        return "404 Not Found", [], b""

    def _webhook(self, method: str, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        if self.guarded:
            return "302 Found", [("Location", "/sso")], b""
        if not self.github:
            return "404 Not Found", [], b""
        if method != "POST":
            return "405 Method Not Allowed", [], b"Method POST required"
        if "HTTP_X_JENKINS_VALIDATION" not in environ:
            return "400 Bad Request", [], b"Hook should contain event type"
        return "200 OK", [("X-Instance-Identity", self.identity_of_webhook)], b""
