"""Calls that go wrong, as a test wants them to."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass

from moto.core.exceptions import ServiceException


class RefusedError(ServiceException):
    """AWS says no: `RefusedError("AlreadyExists", "...")`. The code is that of the API's reference."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What becomes of some calls of an action."""

    service: str
    """As boto3 names it; a regular expression that fits the whole name, as `action` is."""
    action: str
    """`RunInstances`; or `Launch` of `autoscaling`: what a group does by itself."""
    code: str = ""
    """AWS' code, such as `Throttling`; empty for a call that is carried out (late, or with its answer lost)."""
    status: int = 400
    message: str = ""
    times: int = 1
    """So many calls, after the first `skip`."""
    skip: int = 0
    delay: float = 0.0
    """REAL seconds before anything happens."""
    lost: bool = False
    """The call is carried out, and the connection is cut without an answer."""

    empty: bool = False
    """A describing call is answered as if there were nothing to tell: what was written is not seen yet."""

    def fits(self, service: str, action: str) -> bool:
        """Whether such a call is meant."""
        return bool(re.fullmatch(self.service, service) and re.fullmatch(self.action, action))

    def body(self, service: str, *, in_json: bool) -> tuple[str, bytes]:
        """The error as the protocol of the call writes it: content type and bytes."""
        words = self.message or f"{self.code}, as the test wants it"
        request = str(uuid.uuid4())
        if in_json:
            return "application/x-amz-json-1.1", json.dumps({"__type": self.code, "message": words}).encode()
        error = f"<Code>{self.code}</Code><Message>{words}</Message>"
        if service == "ec2":
            text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID></Response>"
        else:
            text = (
                f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error>"
                f"<RequestId>{request}</RequestId></ErrorResponse>"
            )
        return "text/xml", text.encode()


@dataclass
class _Waiting:
    """A fault that has not met all its calls yet."""

    fault: Fault
    skip: int
    times: int


class Faults:
    """All that are still to come. The first that fits a call is the one it meets."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        """One more."""
        self._waiting.append(_Waiting(fault=fault, skip=fault.skip, times=fault.times))

    def clear(self) -> None:
        """None any more."""
        self._waiting.clear()

    def met(self, service: str, action: str) -> Fault | None:
        """The fault of this call."""
        for waiting in self._waiting:
            if not waiting.fault.fits(service, action) or waiting.times == 0:
                continue
            if waiting.skip:
                waiting.skip -= 1
                continue
            waiting.times -= 1
            return waiting.fault
        return None
