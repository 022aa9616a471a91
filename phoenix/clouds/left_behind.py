"""The balancer of a place that phoenix.yaml no longer has: looked at by its groups, and never given other routes.

What serves there goes on serving. A group that gets nothing can be burnt, and takes with it what it was born with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from phoenix.clouds.api import Between, idle
from phoenix.errors import RefusedError
from phoenix.manner import Manner, Preview
from phoenix.model import Backend, Group, Place, Route


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftBehind:
    """Implements `clouds.api.Traffic` where nobody says any more which route is the service's."""

    place: Place
    manner: Manner
    backends: Callable[[], tuple[Backend, ...]]
    """Who of the place's groups a balancer knows, and what they get there, freshly read."""

    def read(self, of: Collection[str] | None = None) -> Route:  # noqa: ARG002 (others ask for each group by itself)
        """What its groups get; the address nobody knows any more."""
        return Route(address="", backends=self.backends())

    def prepare(self, group: Group, *, between: Between = idle) -> tuple[str, ...]:  # noqa: ARG002 (refused)
        """RefusedError."""
        self._refuse(f"no group {group.name} is made")

    def attach(self, group: Group, *, between: Between = idle) -> None:  # noqa: ARG002 (refused)
        """RefusedError."""
        self._refuse(f"{group.name} is not attached")

    def retire(self, group: Group, instances: frozenset[str]) -> bool:  # noqa: ARG002 (others take them out here)
        """Nothing: the group's manager drains machines when it ends them."""
        return False

    def shift(self, shares: Mapping[str, int], seen: Route, *, between: Between = idle) -> None:  # noqa: ARG002
        """RefusedError."""
        self._refuse("no traffic is moved")

    def preview(self, group: str) -> Preview | None:  # noqa: ARG002 (others show one)
        """None: nobody is let in."""
        return None

    def check(self, *, back: bool = False) -> None:  # noqa: ARG002 (others have more to refuse on the way forward)
        """RefusedError."""
        self._refuse("nothing is rolled there")

    def detach(self, group: str, *, between: Between = idle) -> None:
        """Nothing: the group needs it to drain its machines, and takes it along when it goes."""

    def _refuse(self, what: str) -> NoReturn:
        raise RefusedError(
            f"phoenix.yaml no longer says which route serves {self.place.service}/{self.place.environment}",
            details=what,
            resolution="Put the service back into phoenix.yaml; or give its traffic to others at the balancer itself.",
        )
