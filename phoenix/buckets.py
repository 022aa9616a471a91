"""A place in a bucket: how it is reached, and what its failures mean to a person. Pure: nothing is called.

Credentials, region and endpoint come from the environment variables that the clouds' own tools read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from phoenix.errors import SpecError

_URL = re.compile(r"(s3|gs)://([a-z0-9][a-z0-9._-]+[a-z0-9])(?:/(.*))?")
_PART = re.compile(r"[A-Za-z0-9._=@+-]+")
_ENDPOINTS = {"s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"), "gs": ("STORAGE_EMULATOR_HOST",)}
_REGION, _KEY = re.compile(r"[a-z0-9-]*"), re.compile(r"[!-~]*")
_VARIABLES = {
    "AWS_REGION": _REGION,
    "AWS_DEFAULT_REGION": _REGION,
    "AWS_ACCESS_KEY_ID": _KEY,
    "AWS_SECRET_ACCESS_KEY": _KEY,
    "AWS_SESSION_TOKEN": _KEY,
}
"""What travels in addresses and headers, where obstore breaks down on what cannot stand there."""
_CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role; it needs "
    "s3:GetObject, s3:PutObject and s3:ListBucket, and s3:DeleteObject where a repository is shown.",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to a key file, or give the machine a service account; it needs the "
    "role Storage Object User.",
}
_OTHER_REGION = r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|301 Moved|LOCATION"
_NO_CREDENTIALS = (
    r"//169\.254\.|/latest/|computeMetadata|token request|metadata\.google|AWS profile|[Mm]issing (Access|Secret)|"
    r"service account file|pem file|token file"
)
_REFUSED = r"40[13] \w|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A place in a bucket, as phoenix.yaml names it."""

    scheme: str
    """`s3` or `gs`."""
    bucket: str
    prefix: str
    """What stands before every name; empty where the whole bucket is meant."""
    endpoint: str | None
    """Where the object store answers, if not at its cloud's usual place."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def allows_http(self) -> bool:
        """Whether requests may go unencrypted: only where the endpoint itself says so."""
        return self.endpoint is not None and self.endpoint.startswith("http://")


def address(url: str, environment: Mapping[str, str], *, key: str = "state") -> Address:
    """What `url` means in this environment; `key` of phoenix.yaml says it.

    SpecError where it, or what the environment says, cannot be used.
    """
    found = _URL.fullmatch(url)
    prefix = (found[3] or "").strip("/") if found else ""
    if found is None or not all(_PART.fullmatch(part) and set(part) != {"."} for part in prefix.split("/") if prefix):
        raise SpecError(
            f"'{url}' names no place in a bucket",
            details="accepted are s3://BUCKET/PREFIX and gs://BUCKET/PREFIX; a bucket has three letters or more",
            resolution=f"Correct `{key}` in phoenix.yaml.",
        )
    for name, form in _VARIABLES.items() if found[1] == "s3" else ():
        if not form.fullmatch(environment.get(name, "")):
            raise SpecError(
                f"{name} holds what it cannot hold",
                details="there is a space, a line's end or another sign in it that does not belong there",
                resolution=f"Set {name} again; mind what was copied along.",
            )
    return Address(scheme=found[1], bucket=found[2], prefix=prefix, endpoint=_endpoint(found[1], environment))


def _endpoint(scheme: str, environment: Mapping[str, str]) -> str | None:
    """The address that the environment sets, if any, with its scheme and without a slash at its end."""
    name = next((name for name in _ENDPOINTS[scheme] if environment.get(name)), None)
    if name is None:
        return None
    value = environment[name]
    whole = value if "://" in value or scheme == "s3" else f"http://{value}"
    try:
        parts = urlsplit(whole)
        usable = (
            parts.scheme in ("http", "https") and bool(re.fullmatch(r"[\w.:\[\]-]+", parts.netloc)) and parts.port != 0
        )
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise SpecError(
            f"{name} is no address of an object store",
            details="accepted is http(s)://HOST:PORT; what it says is not shown, since it may hold a password",
            resolution=f"Correct or unset {name}.",
        )
    return whole.rstrip("/")


def meaning(place: Address, words: str, *, key: str = "state") -> tuple[str, str]:
    """What a failed request comes to, and what to do, from the words of the library that made it.

    `key` of phoenix.yaml says which bucket it is.
    """
    if "NoSuchBucket" in words:
        return f"there is no bucket {place.bucket}", f"Create it, or correct `{key}` in phoenix.yaml."
    if "RequestTimeTooSkewed" in words:
        return "this computer's clock is wrong", "Set it: the object store refuses what is 15 minutes off."
    if re.search(_OTHER_REGION, words):
        return f"the bucket {place.bucket} is in another region", "Set AWS_REGION to the bucket's own."
    if re.search(_NO_CREDENTIALS, words):
        return f"there are no usable credentials for {place}", _CREDENTIALS[place.scheme]
    if re.search(_REFUSED, words):
        return f"the credentials may not use {place}", _CREDENTIALS[place.scheme]
    return f"the {key} cannot be reached", "See that the network leads to the bucket, then try again."


def shortened(words: str) -> str:
    """The library's words without what only its makers read: one line; of an XML answer, code and message."""
    text = words.partition("\n\nDebug source")[0]
    head, _, body = text.partition("<")
    told = [found[1] for tag in ("Code", "Message") if (found := re.search(rf"<{tag}>(.*?)</{tag}>", "<" + body, re.S))]
    return " ".join(f"{head.removesuffix(': ')}: {': '.join(told)}".split()) if told else " ".join(text.split())
