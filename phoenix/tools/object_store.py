"""Objects in a bucket of S3 or GCS, by obstore: whole files written, listed, read and removed.

Credentials are found where the clouds' own tools look for them: environment, files, the machine's role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import chain
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import GCSStore, S3Store

from phoenix.buckets import Address, address, meaning, shortened
from phoenix.errors import CloudError

Client = S3Store | GCSStore
SECONDS = 15.0
"""What one request of `Objects` may take: less than a lease, so that whoever writes keeps it."""
PART = 5 * 1024 * 1024
"""Bytes that are sent at a time; the least that S3 takes."""
_OWN_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
"""Where one of these is set, obstore finds AWS credentials without the files of a profile."""


class NoCredentialsError(Exception):
    """The credentials that the environment names cannot be used; the library's words."""


class Objects:
    """The objects below one place, by their names there. Every method raises CloudError where the bucket refuses."""

    def __init__(self, place: Address, client: Client, *, key: str) -> None:
        self.place = place
        self._client = client
        self._key = key

    @classmethod
    def open(cls, url: str, environment: Mapping[str, str], *, key: str) -> Objects:
        """The objects at `url`, which `key` of phoenix.yaml says. Nothing is asked of the bucket yet.

        SpecError where the url or the environment cannot be used, CloudError where the credentials cannot.
        """
        place = address(url, environment, key=key)
        try:
            return cls(place, client(place, environment, seconds=SECONDS, retries=2), key=key)
        except (BaseError, NoCredentialsError) as error:
            raise _problem(place, error, key) from error

    def sizes(self, below: str = "") -> dict[str, int]:
        """The bytes of every object below the directory, by its name."""
        try:
            listed = chain.from_iterable(obstore.list(self._client, below or None, chunk_size=1000))
            return {found["path"]: found["size"] for found in listed}
        except BaseError as error:
            raise self._problem(error) from error

    def read(self, name: str) -> bytes | None:
        """What the object holds; None where it is not there."""
        try:
            return bytes(obstore.get(self._client, name).bytes())
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._problem(error) from error
            return None
        except BaseError as error:
            raise self._problem(error) from error

    def create(self, name: str, content: bytes, kind: Mapping[str, str]) -> bool:
        """Write the object where there is none of that name; whether there was none. `kind`: its HTTP headers."""
        try:
            obstore.put(self._client, name, content, mode="create", use_multipart=False, attributes=dict(kind))
        except (AlreadyExistsError, PreconditionError):
            return False
        except (BaseError, FileNotFoundError) as error:
            raise self._problem(error) from error
        return True

    def write(self, name: str, file: Path, kind: Mapping[str, str], between: Callable[[], None]) -> None:
        """Put the file in the place of the object, in one moment. `between` is called before each part of it."""
        with file.open("rb") as content:
            try:
                sent = obstore.open_writer(
                    self._client, name, attributes=dict(kind), buffer_size=PART, max_concurrency=1
                )
                while part := content.read(PART):
                    between()
                    sent.write(part)
                sent.close()  # here alone: what was broken off must not become the object
            except (BaseError, OSError) as error:  # its writer says OSError for whatever the bucket says
                raise self._problem(error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove the objects; those that are not there are removed already."""
        for name in names:
            try:
                obstore.delete(self._client, name)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise self._problem(error) from error

    def _problem(self, error: Exception) -> CloudError:
        return _problem(self.place, error, self._key)


def _problem(place: Address, error: Exception, key: str) -> CloudError:
    brief, resolution = meaning(place, str(error), key=key)
    return CloudError(brief, details=f"{place}: {shortened(str(error))}", resolution=resolution)


def client(place: Address, environment: Mapping[str, str], *, seconds: float, retries: int) -> Client:
    """A client for the place; one request takes `seconds` at most, and is tried again `retries` times.

    Nothing is asked of the bucket yet. NoCredentialsError where those that the environment names cannot be used.
    """
    limit = timedelta(seconds=seconds)
    options: dict[str, object] = {
        "prefix": place.prefix or None,
        "client_options": {"timeout": limit, "allow_http": place.allows_http},
        "retry_config": {"max_retries": retries, "retry_timeout": limit},
    }
    if place.scheme == "gs":
        # A token for an emulator, which asks for none: obstore would look for a real one before each write.
        emulator = {"base_url": place.endpoint, "bearer_token": "emulator"} if place.endpoint else {}
        return GCSStore(place.bucket, **options, **emulator)  # type: ignore[arg-type]
    endpoint = {"endpoint": place.endpoint} if place.endpoint else {}
    options["conditional_put"] = "etag"  # whatever AWS_CONDITIONAL_PUT says
    return S3Store(place.bucket, **options, **endpoint, **_profile(environment))  # type: ignore[arg-type]


def _profile(environment: Mapping[str, str]) -> dict[str, object]:
    """The credentials of a profile in the user's AWS files, which obstore does not read by itself."""
    file = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws/credentials")
    has_files = "AWS_PROFILE" in environment or file.exists()
    if any(environment.get(name) for name in _OWN_CREDENTIALS) or not has_files:
        return {}
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return {"credential_provider": Boto3CredentialProvider()}
    except Exception as error:  # boto3's errors have no ancestor that could be named without importing it
        raise NoCredentialsError(f"AWS profile: {error}") from error
