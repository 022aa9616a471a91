"""A small account to begin with: a VPC over two zones, a balancer with one listener, an AMI, a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class World:
    """What it consists of, by ids and ARNs."""

    account: str
    region: str
    vpc: str
    zones: tuple[str, ...]
    subnets: tuple[str, ...]
    """One in each zone."""
    security_group: str
    balancer: str
    listener: str
    """HTTP on port 80; its default rule answers 503 by itself."""
    image: str
    """An AMI of the account's own, with phoenix' labels of a verified image."""
    base_image: str
    """Debian's."""
    profile: str
    """The ARN of an instance profile."""
    role: str
    """The ARN of its role."""

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> World:
        """From JSON."""
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
        }
        return cls(**read)

    def written(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)
