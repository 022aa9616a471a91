"""A small project to begin with: a global balancer by URL map, a health check, its firewall rule, images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PROJECT = "shop-test"
NUMBER = "123456789012"
"""Of the project: what Google calls it where nobody has asked."""
REGION = "europe-west1"
SERVICE_ACCOUNT = f"phoenix@{PROJECT}.iam.gserviceaccount.com"
"""Whose key the environment names."""
PROBERS = ("35.191.0.0/16", "130.211.0.0/22")
"""From where health checks come. https://cloud.google.com/load-balancing/docs/health-checks#fw-rule"""


@dataclass(frozen=True, kw_only=True)
class World:
    """What it consists of, by names, but for images."""

    project: str
    region: str
    zones: tuple[str, ...]
    network: str
    subnetwork: str
    firewall: str
    """Lets the health checks in, to all instances with the tag `web`, port 8080."""
    health_check: str
    """HTTP, port 8080, `/healthz`; every second, once is enough."""
    autohealing_check: str
    """A laxer one."""
    url_map: str
    """EXTERNAL_MANAGED; its default service is `fallback`, which has no backend."""
    fallback: str
    """A backend service."""
    proxy: str
    forwarding_rule: str
    image: str
    """The self link of an image of the project's own, with phoenix' labels of a verified image."""
    base_image: str
    """Debian's."""
    service_account: str
    """For instances."""

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
