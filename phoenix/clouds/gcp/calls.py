"""The one place that speaks to Google Cloud: google-cloud-compute behind five verbs, `ask`, `find`, `pages`, `change`
and `web`.

A call is named as Google's own reference and its permissions name it: `ask("instances", "get", zone=..., instance=...)`
is compute.instances.get; parameters, bodies and answers are plain mappings with the keys of the REST reference
(https://cloud.google.com/compute/docs/reference/rest/v1). Every call is made at most twice and waits 8 seconds at most,
half a lease. What Google refuses is a `RefusedCallError` with Google's own reason, a fingerprint that is older than
what stands is a `StaleError`, and no answer is an `UnreachableError`: nobody knows then whether it was done.

A change bears a request id, the same on its second attempt, so that it is done once
(https://cloud.google.com/compute/docs/samples/compute-request-idempotency). Its operation is waited for with clients of
our own: the ones inside an ExtendedOperation of the SDK forget the client's options. That it is DONE means "accepted"
for whatever a managed group does afterwards; what failed in it is raised.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import links, messages, refusals
from phoenix.clouds.gcp.refusals import RefusedCallError, StaleError
from phoenix.clouds.sight import Sight
from phoenix.errors import CloudError, UnreachableError
from phoenix.spec.clouds import GcpCloud
from phoenix.wait import Look, Verdict, retry_while_unknown, wait_for

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

__all__ = ["Answer", "Asks", "Calls", "Lists", "RefusedCallError", "StaleError"]

OPERATION = 300.0
"""Seconds that an operation may take, where nobody says it better."""
_ATTEMPTS = 2
_TIMEOUT = 8.0
"""Seconds of one attempt."""
_PAUSE = 0.5
"""Seconds between the attempts."""
_LOOK = 1.0
"""Seconds between two questions for an operation, which Google answers as soon as it is done, or after a while."""
_SHARED = frozenset(
    {
        "autoscalers",
        "backendServices",
        "instanceGroupManagers",
        "instanceTemplates",
        "machineTypes",
        "regionAutoscalers",
        "regionInstanceGroupManagers",
        "regions",
    }
)
"""What is read of groups and balancers, and for room for them, is shared within a look (`Sight`)."""
_TELLS = "/getHealth"
"""A method that changes nothing, although it is asked for with POST."""
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_USER = "https://openidconnect.googleapis.com/v1/userinfo"
_AN_HOUR = 3600

Answer = Mapping[str, Any]
"""What Google said, with the keys of the API's reference; numbers of 64 bits are texts, as in its JSON."""
_Said = TypeVar("_Said")


class Asks(Protocol):
    """What answers one call: `Calls`, or a test."""

    def ask(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer:
        """What Google says, or a CloudError."""
        ...

    def find(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer | None:
        """The same, and None where Google says that there is no such thing."""
        ...


class Lists(Asks, Protocol):
    """What also answers lists: `Calls`, or a test."""

    def pages(
        self, collection: str, method: str = "list", /, *, key: str = "items", **parameters: Any
    ) -> Iterator[Answer]:
        """The items under `key` of every page."""
        ...


class Calls:
    """Google Cloud in the project, and with the rights, that one entry of `clouds` names."""

    def __init__(self, spec: GcpCloud, clock: Clock | None = None) -> None:
        self._spec = spec
        self._clock = clock or SystemClock()
        self.sight = Sight(self._clock)
        self._credentials = cache(self._made_credentials)
        self._session = cache(self._made_session)
        self._client = cache(self._made_client)

    @property
    def project(self) -> str:
        """The project's id: what every call is asked of where it does not name another."""
        return self._spec.project

    def ask(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer:
        """One call that changes nothing. `body` is what is sent; `fields` what alone is wanted of the answer.

        RefusedCallError where Google says no, UnreachableError where it does not answer or is too busy to.
        """
        asked = partial(self._asked, collection, method, parameters)
        if collection in _SHARED and method == "get":
            return self.sight.seen(asked, collection, method, parameters)
        return asked()

    def _asked(self, collection: str, method: str, parameters: Answer) -> Answer:
        return messages.mapping(self._call(collection, method, parameters))

    def told(self, collection: str, method: str, answer: Answer, /, **parameters: Any) -> None:
        """What the answer to another call has told of this one: it is not made within the same look."""
        self.sight.tell(answer, collection, method, parameters)

    def find(self, collection: str, method: str = "get", /, **parameters: Any) -> Answer | None:
        """The same, and None where Google says that there is no such thing."""
        try:
            return self.ask(collection, method, **parameters)
        except RefusedCallError as error:
            if error.said == refusals.NOT_FOUND:
                return None
            raise

    def pages(
        self, collection: str, method: str = "list", /, *, key: str = "items", **parameters: Any
    ) -> Iterator[Answer]:
        """The items under `key` of every page; of an aggregated list those of every place.

        UnreachableError where a place did not answer: what is there would be taken for gone.
        """
        if collection not in _SHARED:
            yield from self._paged(collection, method, key, parameters)
            return
        every = partial(self._every, collection, method, key, parameters)
        yield from self.sight.seen(every, key, collection, method, parameters)

    def _every(self, collection: str, method: str, key: str, parameters: Answer) -> tuple[Answer, ...]:
        return tuple(self._paged(collection, method, key, parameters))

    def _paged(self, collection: str, method: str, key: str, parameters: Answer) -> Iterator[Answer]:
        token = ""
        while True:
            more = {"pageToken": token} if token else {}
            pager = self._call(collection, method, {**parameters, **more})
            answer = messages.mapping(next(pager.pages))  # the page that was just fetched
            _refuse_partial(f"compute.{collection}.{method}", answer)
            found = answer.get(key, ())
            yield from messages.flat(found) if isinstance(found, Mapping) else found
            token = answer.get("nextPageToken", "")
            if not token:
                return

    def change(
        self,
        collection: str,
        method: str,
        /,
        *,
        between: Between = idle,
        deadline: float = OPERATION,
        **parameters: Any,
    ) -> Answer:
        """One call that changes something, and the wait until its operation is done; the operation.

        StaleError where the fingerprint in `body` is older than what stands. `between` is called every second.
        """
        return self.await_done(self.begin(collection, method, **parameters), between=between, deadline=deadline)

    def begin(self, collection: str, method: str, /, **parameters: Any) -> Answer:
        """The same without the wait: the operation as it begins."""
        self.sight.forget()
        asked = {"requestId": str(uuid.uuid4()), **parameters}
        return messages.mapping(self._call(collection, f"{method}Unary", asked))

    def await_done(self, operation: Answer, *, between: Between = idle, deadline: float = OPERATION) -> Answer:
        """Wait until an operation is done; RefusedCallError with what failed in it."""
        seen = [operation]

        def look() -> Look:
            if seen[-1].get("status") != "DONE":
                try:
                    seen.append(self._waited(seen[-1]))
                except UnreachableError as error:
                    return retry_while_unknown(error)
            state = str(seen[-1].get("status", ""))
            return Look(verdict=Verdict.PASS if state == "DONE" else Verdict.UNKNOWN, seen=f"it is {state}")

        what = f"{operation.get('operationType', 'a change')} of {links.name_of(operation.get('targetLink', ''))}"
        wait_for(what, look, clock=self._clock, deadline=deadline, interval=_LOOK, between=between)
        self.sight.forget()
        refusals.raise_failed(what, seen[-1])
        return seen[-1]

    def web(self, verb: str, url: str, /, *, body: Answer | None = None) -> Answer:
        """One call by its whole address: of another API of Google (Secret Manager, IAM, Cloud Resource Manager), or of
        Compute Engine where what it tells is to be written back as it stands.
        """
        asked = partial(self._web, verb, url, body)
        if verb == "GET" or url.endswith(_TELLS):
            return self.sight.seen(asked, verb, url, body)
        self.sight.forget()
        return asked()

    def _web(self, verb: str, url: str, body: Answer | None) -> Answer:
        def once() -> Any:
            answer = self._session().request(verb, url, json=body, timeout=_TIMEOUT)
            if not answer.ok:
                from google.api_core.exceptions import from_http_response

                raise from_http_response(answer)
            return answer.json() if answer.content else {}

        said: Answer = self._tried(f"{verb} {url}", once)
        return said

    def who(self) -> str:
        """The e-mail of whose rights these are; empty where Google does not tell it (a federated identity).

        CloudError where it is nobody's. https://developers.google.com/identity/openid-connect/openid-connect#obtaininguserprofileinformation
        """
        self.token()
        account = self._spec.impersonate or getattr(self._credentials(), "service_account_email", None)
        if account:
            return str(account)
        try:
            return str(self.web("GET", _USER).get("email", ""))
        except RefusedCallError:  # who is logged in without the scope for it
            return ""

    def token(self) -> str:
        """An access token with these rights, of an hour at most: for a program (Packer) that works with them."""

        def once() -> str:
            from google.auth.transport.requests import Request

            credentials = self._credentials()
            if not credentials.valid:
                credentials.refresh(partial(Request(), timeout=_TIMEOUT))  # by itself it waits for two minutes
            return str(credentials.token)

        return self._tried("an access token", once)

    def _waited(self, operation: Answer) -> Answer:
        """The operation as it is when it is done, or a little later than now.

        Asked once: Google holds this call for up to two minutes, so no answer is the rule for whatever takes longer
        than a call may, and a second attempt would only keep a lease from being renewed.
        """
        name = operation["name"]
        if operation.get("zone"):
            collection, place = "zoneOperations", {"zone": links.name_of(operation["zone"])}
        elif operation.get("region"):
            collection, place = "regionOperations", {"region": links.name_of(operation["region"])}
        else:
            collection, place = "globalOperations", {}
        return messages.mapping(self._call(collection, "wait", {**place, "operation": name}, attempts=1))

    def _call(self, collection: str, method: str, parameters: Mapping[str, Any], *, attempts: int = _ATTEMPTS) -> Any:
        asked = dict(parameters)
        fields = asked.pop("fields", "")
        called = self._opened(lambda: getattr(self._client(collection), messages.snake(method)))
        request = self._request(called, asked)
        if method == "patchUnary":
            messages.refuse_lost(f"compute.{collection}.patch", request, parameters.get("body"))
        masks = [("x-goog-fieldmask", fields)] if fields else []
        return self._tried(
            f"compute.{collection}.{method.removesuffix('Unary')}",
            lambda: called(request=request, retry=None, timeout=_TIMEOUT, metadata=masks),
            attempts,
        )

    def _request(self, called: Any, parameters: dict[str, Any]) -> Any:
        """The message that the method takes, of plain values. CloudError where it does not take one of them."""
        from google.protobuf.json_format import ParseDict, ParseError

        kind = messages.request_type(called.__func__)
        fields = kind.meta.fields
        body = parameters.pop("body", None)
        if body is not None:
            parameters[messages.camel(next(each for each in fields if each.endswith("_resource")))] = body
        if "project" in fields:
            parameters.setdefault("project", self._spec.project)
        if "request_id" not in fields:  # labels of an image: their fingerprint makes it done once
            parameters.pop("requestId", None)
        try:
            return kind(ParseDict(parameters, kind.pb(kind())))
        except (ParseError, ValueError, TypeError) as error:
            raise CloudError(f"{kind.__name__} does not take what it was asked with", details=str(error)) from error

    def _opened(self, made: Callable[[], _Said]) -> _Said:
        """Making a client looks for credentials, which fails in words of its own."""
        try:
            return made()
        except Exception as error:
            refused = refusals.credentials(self._spec.name, error)
            if refused is None:
                raise
            raise refused from error

    def _tried(self, what: str, call: Callable[[], _Said], attempts: int = _ATTEMPTS) -> _Said:
        """What the call says; it is made once more where no answer came, or Google was too busy."""
        for attempt in range(1, attempts + 1):
            try:
                return call()
            except Exception as error:
                refused = refusals.refused(self._spec.name, what, error)
                if refused is None:
                    raise
                if attempt == attempts or not isinstance(refused, UnreachableError):
                    raise refused from error
            self._clock.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _made_client(self, collection: str) -> Any:
        from google.api_core.gapic_v1.client_info import ClientInfo

        kind = getattr(messages.sdk(), f"{collection[0].upper()}{collection[1:]}Client")
        return kind(credentials=self._credentials(), client_info=ClientInfo(user_agent="phoenix"))

    def _made_session(self) -> Any:
        from google.auth.transport.requests import AuthorizedSession

        session = AuthorizedSession(self._credentials())
        session.headers["User-Agent"] = "phoenix"
        return session

    def _made_credentials(self) -> Credentials:
        """Those of the environment, or of the service account that they may act as."""
        import google.auth
        from google.auth import impersonated_credentials

        own, _project = google.auth.default(scopes=[_SCOPE])
        if not self._spec.impersonate:
            return own
        return impersonated_credentials.Credentials(
            source_credentials=own,
            target_principal=self._spec.impersonate,
            target_scopes=[_SCOPE],
            lifetime=_AN_HOUR,
        )


def _refuse_partial(what: str, answer: Answer) -> None:
    places = answer.get("unreachables", ())
    if places:
        raise UnreachableError(
            f"Google Cloud told only a part of {what}",
            details=f"these did not answer: {', '.join(places)}",
            resolution="Say it again in a moment.",
        )
