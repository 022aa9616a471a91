"""The one place that speaks to AWS: boto3 behind two verbs, `ask` and `pages`.

Every call is made at most twice and waits 8 seconds at most, half a lease: what takes longer is looked at again by who
waits for it. What AWS answers is given on as it stands; what it refuses is a `RefusedCallError` with AWS's own code,
and no answer is an `UnreachableError`: nobody knows then whether it was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from phoenix.clock import SystemClock
from phoenix.clouds.sight import Sight
from phoenix.errors import CloudError, UnreachableError
from phoenix.spec.clouds import AwsCloud

if TYPE_CHECKING:
    from boto3 import Session

_ATTEMPTS = 2
_CONNECT, _READ = 3, 5
"""Seconds: 8 together."""
_LOGIN = "Log in again (`aws sso login`, new keys, another profile), then see `phoenix doctor --cloud {cloud}`."
_NOT_ALLOWED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure"})
_NOT_KNOWN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_BUSY = frozenset(
    {
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ResourceContention",
        "ScalingActivityInProgress",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    }
)
_SERVER_ERROR = 500
_LATELY = 60.0
"""Seconds."""
_SHARED = frozenset({"autoscaling", "elbv2"})
"""What is read of groups and balancers is shared within a look (`Sight`)."""

Answer = Mapping[str, Any]
"""What AWS said, as boto3 gives it: the keys are those of the API's reference."""


class Asks(Protocol):
    """What answers one call: `Calls`, or a test."""

    def ask(self, service: str, action: str, **parameters: Any) -> Answer:
        """What AWS says, or a CloudError."""
        ...


class AsksLately(Asks, Protocol):
    """What also keeps answers for a minute: `Calls`, or a test."""

    def lately(self, service: str, action: str, **parameters: Any) -> Answer:
        """The same, of less than a minute ago where it was asked then."""
        ...


class RefusedCallError(CloudError):
    """AWS said no. `said` is its code, such as InvalidAMIID.NotFound; the details hold its own words."""

    def __init__(self, brief: str, *, said: str, details: str, resolution: str = "") -> None:
        super().__init__(brief, details=details, resolution=resolution)
        self.said = said


class Calls:
    """AWS in the region, and with the rights, that one entry of `clouds` names."""

    def __init__(self, spec: AwsCloud) -> None:
        self._spec = spec
        self._session: Session | None = None
        self._client = cache(self._made_client)
        self._clock = SystemClock()
        self._lately: dict[str, tuple[float, Answer]] = {}
        self.sight = Sight()

    def ask(self, service: str, action: str, **parameters: Any) -> Answer:
        """One call, as boto3 names it: `ask("ec2", "describe_images", Owners=["self"])`.

        RefusedCallError where AWS says no, UnreachableError where it does not answer or is too busy to.
        """
        asked = partial(self._asked, service, action, parameters)
        if service not in _SHARED:
            return asked()
        if action.startswith("describe_"):
            return self.sight.seen(asked, service, action, parameters)
        self.sight.forget()
        return asked()

    def pages(self, service: str, action: str, key: str, **parameters: Any) -> Iterator[Any]:
        """The items under `key` of every page of a call that AWS answers in pages."""
        if service not in _SHARED:
            yield from self._paged(service, action, key, parameters)
            return
        every = partial(self._every, service, action, key, parameters)
        yield from self.sight.seen(every, key, service, action, parameters)

    def told(self, service: str, action: str, answer: Answer, **parameters: Any) -> None:
        """What the answer to another call has told of this one: it is not made within the same look."""
        self.sight.tell(answer, service, action, parameters)

    def _asked(self, service: str, action: str, parameters: Answer) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Answer = getattr(self._client(service), action)(**parameters)
        except ClientError as error:
            raise self._refused(service, action, error.response) from error
        except BotoCoreError as error:
            raise self._unanswered(service, action, error) from error
        return answer

    def lately(self, service: str, action: str, **parameters: Any) -> Answer:
        """One call, or its answer of less than a minute ago: of quotas and subnets, before anything is begun."""
        question, now = f"{service} {action} {sorted(parameters.items())}", self._clock.monotonic()
        kept = self._lately.get(question)
        if kept is None or now - kept[0] >= _LATELY:
            kept = self._lately[question] = now, self.ask(service, action, **parameters)
        return kept[1]

    def _every(self, service: str, action: str, key: str, parameters: Answer) -> tuple[Any, ...]:
        return tuple(self._paged(service, action, key, parameters))

    def _paged(self, service: str, action: str, key: str, parameters: Answer) -> Iterator[Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for page in self._client(service).get_paginator(action).paginate(**parameters):
                yield from page[key]
        except ClientError as error:
            raise self._refused(service, action, error.response) from error
        except BotoCoreError as error:
            raise self._unanswered(service, action, error) from error

    def environment(self) -> Mapping[str, str]:
        """The variables by which a program (Packer) works in the same region with the same rights.

        Where a role is assumed these are keys of an hour, made for it: those of this process may end any minute, and
        Packer before 1.7 cannot assume a role itself.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = self._assumed() if self._spec.assume_role else self._opened()
            found = session.get_credentials()
            keys = found.get_frozen_credentials() if found else None
        except ClientError as error:
            raise self._refused("sts", "assume_role", error.response) from error
        except BotoCoreError as error:  # a login of SSO that is over
            raise self._no_credentials(str(error)) from error
        if keys is None:
            raise self._no_credentials()
        token = {"AWS_SESSION_TOKEN": keys.token} if keys.token else {}
        return {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_DEFAULT_REGION": self._spec.region,
            "AWS_REGION": self._spec.region,
            **token,
        }

    def _made_client(self, service: str) -> Any:
        from botocore.config import Config

        limits = Config(
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            user_agent_extra="phoenix",
        )
        return self._opened().client(service, region_name=self._spec.region, config=limits)

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._assumed() if self._spec.assume_role else self._own()
        return self._session

    def _own(self) -> Session:
        from boto3 import Session
        from botocore.exceptions import BotoCoreError

        try:
            return Session(profile_name=self._spec.profile, region_name=self._spec.region)
        except BotoCoreError as error:  # a profile that the configuration does not have
            raise self._no_credentials(str(error)) from error

    def _assumed(self) -> Session:
        """A session whose keys are those of the role, fetched when they are needed and again before they end."""
        from boto3 import Session
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
        from botocore.session import get_session

        own = self._own()
        source = own.get_credentials()
        if source is None:
            raise self._no_credentials()
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=own._session.create_client,
            source_credentials=source,
            role_arn=self._spec.assume_role,
            extra_args={"RoleSessionName": "phoenix"},
        )
        session = get_session()
        session._credentials = DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return Session(botocore_session=session, region_name=self._spec.region)

    def _refused(self, service: str, action: str, response: Answer) -> CloudError:
        error = response.get("Error", {})
        code, words = str(error.get("Code", "")), str(error.get("Message", ""))
        what = f"{service} {action} in {self._spec.region}"
        details = f"{code}: {words}" if words else code
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _BUSY or status >= _SERVER_ERROR:
            return UnreachableError(
                f"AWS was too busy for {what}", details=details, resolution="Say it again in a moment."
            )
        resolution = "See AWS's words above; `phoenix status` shows what stands."
        if code in _NOT_KNOWN:
            resolution = _LOGIN.format(cloud=self._spec.name)
        elif code in _NOT_ALLOWED:
            resolution = f"`phoenix doctor --cloud {self._spec.name} --policy` prints the rights that phoenix needs."
        return RefusedCallError(f"AWS refused {what}", said=code, details=details, resolution=resolution)

    def _unanswered(self, service: str, action: str, error: Exception) -> CloudError:
        from botocore.exceptions import NoCredentialsError, ParamValidationError

        if isinstance(error, NoCredentialsError):
            return self._no_credentials()
        if isinstance(error, ParamValidationError):
            return CloudError(f"{service} {action} does not take what it was asked with", details=str(error))
        return UnreachableError(
            f"AWS did not answer {service} {action} in {self._spec.region}",
            details=str(error),
            resolution="Look at the network, then say it again; what was asked may have been done.",
        )

    def _no_credentials(self, details: str = "") -> CloudError:
        return CloudError(
            f"no credentials for the cloud '{self._spec.name}'",
            details=details or "none in the environment, the profile, the SSO cache or the role of this machine",
            resolution=_LOGIN.format(cloud=self._spec.name),
        )
