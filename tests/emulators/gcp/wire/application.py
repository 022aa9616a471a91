"""One request after the other: faults, waiting for operations, the record, and the door for the test."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from tests.emulators.gcp.api.api import Request
from tests.emulators.gcp.api.errors import Json
from tests.emulators.gcp.calls import Call
from tests.emulators.gcp.control import Control
from tests.emulators.gcp.faults import Fault
from tests.emulators.gcp.service import Service
from tests.emulators.gcp.wire.accounts import Accounts
from tests.emulators.gcp.wire.hosts import Hosts, Visit, refused

API = "/compute/v1/"
LONGEST_WAIT = 120.0
"""Seconds. https://cloud.google.com/compute/docs/reference/rest/v1/zoneOperations/wait"""
UNKNOWN_CALLER = {
    "error": {
        "code": 401,
        "message": "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential.",
        "status": "UNAUTHENTICATED",
        "errors": [{"message": "Invalid Credentials", "domain": "global", "reason": "authError"}],
    }
}


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A request as the server has read it."""

    host: str
    """By the proxy's CONNECT, or the Host header."""
    http: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, Any] | None
"""Status and JSON; None: cut the connection."""


class Application:
    """What is between the sockets and the service."""

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._emulated = service.emulated
        self._accounts = accounts
        self._hosts = Hosts(service.emulated, accounts)
        self.lock = threading.Condition(threading.RLock())
        self._control = Control(service, self._hosts)

    def answer(self, heard: Heard) -> Answer:
        """One request."""
        if heard.path.startswith("/emulator/"):
            return self._asked_by_test(heard.path.removeprefix("/emulator/"), heard.body)
        if heard.host.startswith(("oauth2.", "sts.")):
            return self._granted(heard)
        with self.lock:
            header = heard.headers.get("authorization", "")
            caller = self._accounts.caller(header, revoked=self._emulated.settings.revoked)
        if caller is None:
            return 401, UNKNOWN_CALLER
        if heard.path.startswith(API):
            return self._called(heard, caller)
        return self._visited(heard, caller)

    def _called(self, heard: Heard, caller: str) -> Answer:
        request = Request(
            http=heard.http,
            path=heard.path.removeprefix(API),
            query=heard.query,
            body=heard.body,
            caller=caller,
            user_agent=_agent(heard.headers),
            mask=heard.headers.get("x-goog-fieldmask", ""),
        )
        with self.lock:
            self._service.look()
            routed, call = self._service.api.begun(request)
        fault = self._met(call.method)
        with self.lock:
            self._service.look()
            if routed and routed.method.verb == "wait" and not (fault and fault.reason):
                self._wait(routed.key)
            call, answer = self._service.api.answer(request, routed, call, fault)
            lost = bool(fault and fault.lost)
            self._emulated.calls.append(replace(call, status=0) if lost else call)
            self.lock.notify_all()
        return None if lost else (call.status, answer)

    def _wait(self, key: str) -> None:
        """Until an operation is done, or for two minutes. Where time stands still, it passes for who waits."""
        clock, end = self._emulated.clock, time.monotonic() + LONGEST_WAIT
        until = clock.now + LONGEST_WAIT
        while True:
            operation = self._emulated.store.get(key)
            if operation is None or operation["status"] == "DONE" or time.monotonic() >= end:
                return
            if self._emulated.settings.speed:
                due = clock.next if clock.next is not None else until
                self.lock.wait(min(max((due - clock.now) / self._emulated.settings.speed, 0.001), 0.2))
            elif clock.next is None or clock.next > until:
                return
            else:
                clock.advance(max(clock.next - clock.now, 0.0))
            self._service.look()

    def _granted(self, heard: Heard) -> Answer:
        """The token endpoint; `oauth2.token` in faults."""
        fault = self._met("oauth2.token")
        if fault and (fault.reason or fault.lost):
            return None if fault.lost else (fault.status, {"error": fault.reason, "error_description": fault.words})
        with self.lock:
            revoked = self._emulated.settings.revoked
            return self._accounts.granted(parse_qs(heard.body.decode()), revoked=revoked)

    def _met(self, method: str) -> Fault | None:
        with self.lock:
            fault = self._emulated.faults.met(method)
        if fault and fault.delay:
            time.sleep(fault.delay)
        return fault

    def _visited(self, heard: Heard, caller: str) -> Answer:
        """Another host; its permission is its name in faults."""
        visit = Visit(host=heard.host, http=heard.http, path=heard.path, query=heard.query, body=heard.body)
        needed = self._hosts.permission(visit)
        fault = self._met(needed) if needed else None
        with self.lock:
            if fault and fault.reason:
                status, answer = refused(fault.status, fault.words, fault.reason)
            else:
                status, answer = self._hosts.answer(visit)
            call = Call(
                method=f"{heard.http} {heard.host}{heard.path}",
                permissions=(needed,) if needed else (),
                subject=heard.path,
                query={name: values[-1] for name, values in heard.query.items()},
                body=_json(heard.body),
                at=self._emulated.clock.now,
                caller=caller,
                user_agent=_agent(heard.headers),
                status=0 if fault and fault.lost else status,
            )
            if not heard.path.endswith("/allowedLocations"):  # google-auth asks for it by itself, and does without
                self._emulated.calls.append(call)
        return None if fault and fault.lost else (status, answer)

    def _asked_by_test(self, verb: str, body: bytes) -> tuple[int, Json]:
        with self.lock:
            try:
                self._service.look()
                answer = dict(self._control.verbs[verb](json.loads(body or b"{}")))
                self._service.look()
            except Exception:
                return 400, {"error": traceback.format_exc()}
            self.lock.notify_all()
        return 200, answer


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _agent(headers: Mapping[str, str]) -> str:
    """The SDK says who it works for in a header of its own."""
    return f"{headers.get('user-agent', '')} {headers.get('x-goog-api-client', '')}".strip()
