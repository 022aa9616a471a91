"""Compute Engine's API: a request is found in the discovery document, checked, carried out and recorded."""

from __future__ import annotations

import copy
import json
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.emulators.gcp.api import fields
from tests.emulators.gcp.api.checking import Checks
from tests.emulators.gcp.api.document import Routed
from tests.emulators.gcp.api.errors import ApiError, Json, OperationError, not_found
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.rights import denied, granted, permissions
from tests.emulators.gcp.calls import Call
from tests.emulators.gcp.emulated import Emulated
from tests.emulators.gcp.faults import Fault

SERVICE = "compute.googleapis.com"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, as it came."""

    http: str
    path: str
    """From `projects` on."""
    query: Mapping[str, list[str]]
    body: bytes
    caller: str
    user_agent: str
    mask: str = ""
    """Which fields are wanted; empty for all, or where the query says it."""


class Api:
    """All methods."""

    def __init__(self, emulated: Emulated, kinds: Iterable[Kind], generic: Generic) -> None:
        self._emulated = emulated
        self._checks = Checks(emulated.document)
        self._generic = generic.handlers()
        self._special: dict[tuple[str, str], Handler] = {
            (kind.noun, verb): handler for kind in kinds for verb, handler in kind.actions().items()
        }
        self._answered: dict[tuple[str, str], Json] = {}
        """What was answered to a request's id, by method."""

    def forget(self) -> None:
        """No request was carried out."""
        self._answered.clear()

    def begun(self, request: Request) -> tuple[Routed | None, Call]:
        """Which method a request means, and its call as far as it is known before it is carried out."""
        routed = self._emulated.document.routed(request.http, request.path)
        body = _json(request.body)
        needed: tuple[str, ...] = ()
        if routed and (isinstance(body, dict) or body is None):
            needed = permissions(routed.method, body or {}, routed.parameters.get("project", ""))
        call = Call(
            method=routed.method.id if routed else f"{request.http} {SERVICE}/{request.path}",
            permissions=needed,
            subject=routed.key if routed else request.path,
            query={name: values[-1] for name, values in request.query.items()},
            body=body,
            at=self._emulated.clock.now,
            caller=request.caller,
            user_agent=request.user_agent,
        )
        return routed, call

    def answer(self, request: Request, routed: Routed | None, call: Call, fault: Fault | None) -> tuple[Call, Json]:
        """Carry a call out; the call as it is to be recorded, and what is answered."""
        try:
            answer = self._answer(request, routed, call, fault)
        except ApiError as error:
            return replace(call, status=error.status, reason=error.reason), error.body()
        except Exception:
            words = f"The emulator is at fault: {traceback.format_exc()}"
            return replace(call, status=500, reason="internalError"), ApiError(500, "internalError", words).body()
        return replace(call, status=200), answer

    def _answer(self, request: Request, routed: Routed | None, call: Call, fault: Fault | None) -> Json:
        if routed is None:
            raise ApiError(404, "notFound", f"There is no method {call.method}")
        self._check_rights(routed, call)
        if fault and fault.reason:
            raise ApiError(fault.status, fault.reason, fault.words)
        if request.body and call.body is None and request.body.strip() != b"null":
            raise ApiError(400, "parseError", "Parse Error")
        method = routed.method
        self._checks.parameters(method, routed.parameters, request.query)
        body = self._checks.body(method, call.body, old_packer=self._emulated.settings.old_packer)
        asked = Asked(
            method=method,
            key=routed.key,
            project=routed.parameters.get("project", ""),
            query=call.query,
            body=body,
            caller=call.caller,
            error=OperationError(fault.code, fault.words, status=fault.status) if fault and fault.code else None,
        )
        mask = fields.read(text) if (text := request.mask or call.query.get("fields", "")) else {}
        if mask:
            fields.check(mask, {"$ref": method.response}, self._emulated.document.schemas)
        answer = copy.deepcopy(self._once(asked))
        self._checks.answer(method, answer)
        wanted: Json = fields.masked(answer, mask)
        return wanted

    def _check_rights(self, routed: Routed, call: Call) -> None:
        project = routed.parameters.get("project", "")
        if f"projects/{project}" not in self._emulated.store:
            raise not_found(f"projects/{project}")
        if SERVICE in self._emulated.settings.disabled:
            raise ApiError(
                403,
                "accessNotConfigured",
                f"Compute Engine API has not been used in project {project} before or it is disabled. Enable it by "
                f"visiting https://console.developers.google.com/apis/api/{SERVICE}/overview?project={project} then "
                "retry.",
            )
        for permission in call.permissions:
            if denied(permission, self._emulated.settings.denied):
                raise ApiError(403, "forbidden", f"Required '{permission}' permission for '{routed.key}'")

    def _once(self, asked: Asked) -> Json:
        """ "If you make the request again with the same request ID, the server can check if original operation with the
        same request ID was received, and if so, will ignore the second request."
        """
        if not asked.request:
            return self._handled(asked)
        before = (asked.request, asked.method.id)
        if before not in self._answered:
            self._answered[before] = self._handled(asked)
        return self._answered[before]

    def _handled(self, asked: Asked) -> Json:
        verb, noun = asked.method.verb, asked.method.noun
        if verb == "testIamPermissions":
            return granted(asked.body, self._emulated.settings.denied)
        handler = self._special.get((noun, verb)) or self._generic.get(verb)
        if handler is None:
            raise ApiError(501, "notImplemented", f"{asked.method.id} is not emulated")
        return handler(asked)


def _json(body: bytes) -> object:
    try:
        read: object = json.loads(body) if body else None
    except ValueError:
        return None
    return read
