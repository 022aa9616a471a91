"""Things of a load balancer read, and written back whole, as the JSON that Google told: nothing in it is lost.

The SDK's messages drop what the SDK does not know yet, and leave an empty list out of what they send: written back
whole, a setting that is newer than the SDK would be gone, and the last backend of a backend service could never be
taken out (a PATCH with no `backends` in it does nothing, and says so to nobody). So what is changed by reading and
writing goes through `Calls.web`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import links, refusals
from phoenix.clouds.gcp.calls import Calls, RefusedCallError, StaleError
from phoenix.clouds.gcp.patience import briefly
from phoenix.errors import CloudError, UnreachableError

API = "https://compute.googleapis.com/compute/v1/"
_ATTEMPTS = 5
"""Others write to the same thing, each of them on what was read a moment ago."""
_TOLD = frozenset({"kind", "id", "selfLink", "creationTimestamp", "region", "usedBy"})
"""What Google tells of a thing, and is not told."""

Json = Mapping[str, Any]
Decide = Callable[[Json], Json | None]
"""What a thing is to be, from what it is; None where that is as it should be."""


def read(calls: Calls, link: str) -> Json | None:
    """The thing as it is now, or None where there is none."""
    try:
        found: Json = calls.web("GET", f"{API}{links.short(link)}")
    except RefusedCallError as error:
        if error.said == refusals.NOT_FOUND:
            return None
        raise
    return found


def change(calls: Calls, link: str, decide: Decide, between: Between = idle) -> bool:
    """Read the thing, decide, and write it back; whether anything was written. `between` comes before each write.

    Where somebody else has written meanwhile it is read again and decided again: what `decide` raises ends that.
    UnreachableError where nobody knows whether it was written. A thing that is gone is CloudError.
    """
    for _attempt in range(_ATTEMPTS):
        there = read(calls, link)
        if there is None:
            raise CloudError(f"{links.name_of(link)} is gone", details=f"Google Cloud has no {links.short(link)}")
        wanted = decide(there)
        if wanted is None:
            return False
        try:
            _put(calls, link, {**wanted, "fingerprint": there.get("fingerprint", "")}, between)
        except StaleError:
            continue
        return True
    raise UnreachableError(
        f"{links.name_of(link)} was changed by somebody else each time it was to be written",
        details=f"{_ATTEMPTS} times what had been read was no longer what stands",
        resolution="Say it again in a moment; see who writes to it all the time.",
    )


def _put(calls: Calls, link: str, body: Json, between: Between) -> None:
    asked = {key: value for key, value in body.items() if key not in _TOLD}
    _write(calls, "PUT", links.short(link), asked, between)


def _write(calls: Calls, verb: str, path: str, body: Json | None, between: Between) -> None:
    """One write, waited for a while. UnreachableError where it is not done by then, or another is under way."""
    between()
    try:
        briefly(calls, calls.web(verb, f"{API}{path}?requestId={uuid.uuid4()}", body=body))
    except RefusedCallError as error:
        if error.said != refusals.NOT_READY:
            raise
        raise UnreachableError(
            f"{links.name_of(path)} is being changed by somebody else",
            details=error.details,
            resolution="Say it again in a moment.",
        ) from error


def make(calls: Calls, parent: str, kind: str, body: Json, between: Between = idle) -> None:
    """Make the thing. Whoever comes second, also by a call that was made twice, gets RefusedCallError (EXISTS)."""
    _write(calls, "POST", f"{parent}/{kind}", body, between)


def delete(calls: Calls, link: str, between: Between = idle) -> None:
    """Remove the thing; one that is gone is removed. RefusedCallError (IN_USE) while something refers to it."""
    try:
        _write(calls, "DELETE", links.short(link), None, between)
    except RefusedCallError as error:
        if error.said != refusals.NOT_FOUND:
            raise


def call(calls: Calls, link: str, verb: str, body: Json) -> Json:
    """What Google says to a custom method of the thing, such as `getHealth`, that changes nothing."""
    said: Json = calls.web("POST", f"{API}{links.short(link)}/{verb}", body=body)
    return said


def perform(calls: Calls, link: str, verb: str, body: Json, between: Between = idle) -> None:
    """A custom method of the thing that changes it, such as `setSecurityPolicy`."""
    _write(calls, "POST", f"{links.short(link)}/{verb}", body, between)


def listed(calls: Calls, parent: str, kind: str) -> Iterator[Json]:
    """Every thing of that kind there, page by page."""
    token = ""
    while True:
        answer = calls.web("GET", f"{API}{parent}/{kind}" + (f"?pageToken={quote(token)}" if token else ""))
        yield from answer.get("items", ())
        token = answer.get("nextPageToken", "")
        if not token:
            return
