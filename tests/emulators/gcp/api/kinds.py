"""What is special about a kind of thing; a `Kind` without more is what most kinds are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.emulators.gcp.api.document import Method
from tests.emulators.gcp.api.errors import Json, OperationError


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call, read and checked."""

    method: Method
    key: str
    """The thing or the collection that it is about."""
    project: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    caller: str = ""
    error: OperationError | None = None
    """How its operation is to end, as a test wants it."""

    @property
    def request(self) -> str:
        """Its id, by which it is carried out once."""
        return self.query.get("requestId", "")


Handler = Callable[[Asked], Json]
"""Answers a call. ApiError: it is refused."""


class Kind:
    """One kind of thing. Methods are called under the server's lock; ApiError refuses, OperationError fails later."""

    noun = ""
    """As paths call it."""
    fingerprint_to_patch = False
    """Whether a patch without a fingerprint is refused, as an update always is where the kind has one."""

    def actions(self) -> Mapping[str, Handler]:
        """What is answered in a way of its own, by verb."""
        return {}

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """A new thing as it is stored: checked, and with what the service adds."""
        return body

    def created(self, key: str) -> float | None:
        """Carry out its creation; seconds after which to go on, or None when it is there."""
        return None

    def undone(self, key: str) -> None:
        """Its creation has failed: what was made beside it goes, too."""

    def show(self, key: str, row: Json) -> Json:
        """As answers have it."""
        return row

    def change(self, asked: Asked, key: str, former: Json, new: Json) -> Json:
        """A changed thing as it will be stored, checked."""
        return new

    def changed(self, key: str, former: Json) -> None:
        """A change has come into effect."""

    def check_deletion(self, asked: Asked, key: str) -> None:
        """Whether it may go."""

    def deleting(self, key: str) -> None:
        """Its deletion begins."""

    def deleted(self, key: str) -> float | None:
        """Carry out its deletion; seconds after which to go on, or None when it is gone."""
        return None
