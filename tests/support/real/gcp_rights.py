"""What phoenix and Packer have called on an emulated Google Cloud, beside the roles that phoenix prints."""

from __future__ import annotations

from collections.abc import Iterable

from phoenix.clouds.gcp.account.policy import Work, rights
from tests.emulators.gcp.calls import Call

OURS = ("phoenix", "Packer")
"""Of user agents: what tests call to look, or to be somebody else, needs no right of phoenix's."""


def needed(calls: Iterable[Call]) -> frozenset[str]:
    """The permissions of all calls that phoenix or Packer made."""
    ours = [call for call in calls if any(word in call.user_agent for word in OURS)]
    return frozenset(permission for call in ours for permission in call.permissions)


def allowed() -> frozenset[str]:
    """Every permission of every role."""
    return frozenset().union(*(rights(work).permissions for work in Work))


def uncovered(calls: Iterable[Call]) -> list[str]:
    """The permissions that were needed, and that no role has, sorted."""
    return sorted(needed(calls) - allowed())
