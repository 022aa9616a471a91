"""How the API says no: at once, or in an operation that was accepted before."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

Json = dict[str, Any]
"""An object of the API, by the names of its reference."""


class ApiError(Exception):
    """A call is refused. https://cloud.google.com/compute/docs/reference/rest/v1/errors"""

    def __init__(self, status: int, reason: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.more = more

    def body(self) -> Json:
        """As it stands on the wire."""
        entry = {"message": str(self), "domain": "global", "reason": self.reason, **self.more}
        return {"error": {"code": self.status, "message": str(self), "errors": [entry]}}

    def later(self) -> OperationError:
        """The same of an operation: what was there when it was asked for is gone meanwhile."""
        code = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in self.reason)
        return OperationError(code, str(self), status=self.status, phrase=HTTPStatus(self.status).phrase.upper())


class OperationError(Exception):
    """An operation ends with this error. https://cloud.google.com/compute/docs/troubleshooting/troubleshooting-vm-creation"""

    def __init__(self, code: str, message: str, *, status: int = 400, phrase: str = "BAD REQUEST") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.phrase = phrase

    def entry(self) -> Json:
        """One of an operation's errors, or of a group's."""
        return {"code": self.code, "message": str(self)}


def not_found(key: str) -> ApiError:
    """There is nothing of that name."""
    return ApiError(404, "notFound", f"The resource '{key}' was not found")


def not_ready(key: str) -> ApiError:
    """An operation on it is under way."""
    return ApiError(400, "resourceNotReady", f"The resource '{key}' is not ready")


def invalid(field: str, value: object, why: str = "") -> ApiError:
    """A value that cannot be."""
    words = f"Invalid value for field '{field}': '{str(value)[:200]}'."
    return ApiError(400, "invalid", f"{words} {why}".strip())


def required(field: str) -> ApiError:
    """A field that is missing."""
    return ApiError(400, "required", f"Required field '{field}' not specified")
