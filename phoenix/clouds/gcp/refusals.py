"""What went wrong in a call to Google, as phoenix's errors. The SDK's exceptions are read here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from phoenix.errors import CloudError, UnreachableError

NOT_FOUND, EXISTS = "notFound", "alreadyExists"
IN_USE, NOT_READY = "resourceInUseByAnotherResource", "resourceNotReady"
STALE, QUOTA = "conditionNotMet", "quotaExceeded"
INVALID = "invalid"
_BUSY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "backendError", "internalError", "internal"})
_BUSY_STATUS, _STALE_STATUS, _SERVER_ERROR = 429, 412, 500
_NOT_KNOWN, _NOT_ALLOWED = 401, 403
_BY_STATUS = {400: INVALID, 404: NOT_FOUND, 409: EXISTS, 412: STALE, 403: "forbidden", 401: "authError"}
"""The reason where Google gives none (its other APIs than Compute)."""
_CALL = re.compile(r"^[A-Z]+ https?://\S+: ")
"""What the SDK writes before Google's words."""
_LOGIN = (
    "Log in again (`gcloud auth application-default login`, a key file in GOOGLE_APPLICATION_CREDENTIALS), "
    "then see `phoenix doctor --cloud {cloud}`."
)


class RefusedCallError(CloudError):
    """Google said no. `said` is its reason, such as resourceNotReady; the details hold its own words."""

    def __init__(self, brief: str, *, said: str, details: str, resolution: str = "") -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.said = said


class StaleError(RefusedCallError):
    """The thing has changed since it was read: it is to be read, and decided on, again. Nothing was written."""


class NotReadyError(RefusedCallError, UnreachableError):
    """Something else is being done to the thing: it is asked again while there is time."""


def refused(cloud: str, what: str, error: Exception) -> CloudError | None:
    """The error that an exception of the SDK amounts to; None for one that is none of it (a bug).

    `what`: the call. `cloud`: the name in phoenix.yaml.
    """
    from google.api_core.exceptions import GoogleAPICallError
    from requests import RequestException

    found = credentials(cloud, error)
    if found is not None:
        return found
    if isinstance(error, GoogleAPICallError):
        return _answered(cloud, what, error)
    if isinstance(error, RequestException):
        return _unanswered(what, str(error))
    return None


def credentials(cloud: str, error: Exception) -> CloudError | None:
    """The error where nobody is logged in, or no longer; None where it is about something else."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    if not isinstance(error, GoogleAuthError):
        return None
    if isinstance(error, TransportError) or error.retryable:
        return _unanswered("a login", str(error))
    return CloudError(
        f"no credentials for the cloud '{cloud}' that Google takes",
        details=str(error.args[0] if error.args else error),
        resolution=_LOGIN.format(cloud=cloud),
    )


def raise_failed(what: str, operation: Mapping[str, Any]) -> None:
    """Raise what failed in an operation that is done; nothing where it went well."""
    errors = operation.get("error", {}).get("errors", ())
    status = int(operation.get("httpErrorStatusCode", 0))
    if not errors and not status:
        return
    first = str(errors[0].get("code", "")) if errors else ""
    said = reason(first) or _BY_STATUS.get(status, str(status))
    words = "; ".join(_words(errors)) or str(operation.get("httpErrorMessage", ""))
    raise _refusal(f"Google Cloud could not do the {what}", said, words, "See Google's words above.", status)


def reason(code: str) -> str:
    """A code as answers spell it: QUOTA_EXCEEDED, which operations say, is quotaExceeded."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", code):
        return code
    first, *others = code.lower().split("_")
    return first + "".join(map(str.capitalize, others))


def _answered(cloud: str, what: str, error: Any) -> CloudError:
    status = int(error.code or 0)
    first = next((each for each in error.errors if isinstance(each, Mapping)), {})
    said = reason(str(first.get("reason", ""))) or _BY_STATUS.get(status, str(status))
    words = _CALL.sub("", str(error.message))
    if said in _BUSY or status == _BUSY_STATUS or status >= _SERVER_ERROR:
        return UnreachableError(
            f"Google Cloud was too busy for {what}", details=f"{said}: {words}", resolution="Say it again in a moment."
        )
    resolution = "See Google's words above; `phoenix status` shows what stands."
    if status == _NOT_KNOWN:
        resolution = _LOGIN.format(cloud=cloud)
    elif status == _NOT_ALLOWED and said != QUOTA:
        resolution = f"`phoenix doctor --cloud {cloud} --policy` prints the rights that phoenix needs."
    return _refusal(f"Google Cloud refused {what}", said, words, resolution, status)


def _refusal(brief: str, said: str, words: str, resolution: str, status: int) -> RefusedCallError:
    kind = StaleError if said == STALE or status == _STALE_STATUS else RefusedCallError
    kind = NotReadyError if said == NOT_READY else kind
    details = f"{said}: {words}" if words else said
    return kind(brief, said=said, details=details, resolution=resolution)


def _unanswered(what: str, details: str) -> UnreachableError:
    return UnreachableError(
        f"Google Cloud did not answer {what}",
        details=details,
        resolution="Look at the network, then say it again; what was asked may have been done.",
    )


def _words(errors: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for each in errors:
        yield f"{each.get('code', '')}: {each.get('message', '')}".removesuffix(": ")
