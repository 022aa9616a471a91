"""What was asked of the emulator, for tests that count calls and for the proof that a role allows them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call, whatever became of it."""

    method: str
    """As discovery names it, `compute.regionInstanceGroupManagers.insert`; host, verb and path of what is none."""
    permissions: tuple[str, ...]
    """What IAM asks for it, sorted."""
    subject: str
    """The thing or the collection, as a path from `projects` on."""
    query: Mapping[str, str]
    body: Any
    """As it came; None where there was none."""
    at: float
    """Virtual seconds since 1970."""
    caller: str
    """The service account's address."""
    user_agent: str
    status: int = 0
    """Of HTTP; 0 where the answer was lost."""
    reason: str = ""
    """The API's word where it was refused: `conditionNotMet`."""

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Call:
        """From JSON."""
        return cls(**{**entry, "permissions": tuple(entry["permissions"])})

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)
