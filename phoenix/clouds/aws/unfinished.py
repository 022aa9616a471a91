"""What the bakes of this process make: tagged as theirs, and gone when they end, however they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from phoenix.clock import Clock, from_rfc3339, rfc3339
from phoenix.clouds import bakers
from phoenix.clouds.api import Between, idle
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import remains
from phoenix.clouds.aws.bake.remains import Thing
from phoenix.clouds.aws.labels import Role
from phoenix.errors import CloudError, ToolError

if TYPE_CHECKING:
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

ENDING = 300.0
"""Seconds that a machine may take to end, where a lease is kept meanwhile."""


class Unfinished:
    """The things of one project's bakes in one region, as one baker sees them."""

    def __init__(self, project: str, spec: AwsCloud, calls: Calls, clock: Clock) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock
        self._baker = bakers.Baker.here()

    def tags(self, image_id: str, role: Role) -> dict[str, str]:
        """On everything that is made for the image from now on."""
        return {
            **self._spec.tags,
            "Name": image_id,
            labels.PROJECT: self._project,
            labels.IMAGE: image_id,
            labels.ROLE: role,
            labels.BAKER: str(self._baker),
            labels.SINCE: rfc3339(self._clock.now()),
        }

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether this baker made the thing of these tags."""
        return self._baker.owns(tags.get(labels.BAKER))

    def may_remove(self, tags: Mapping[str, str]) -> bool:
        """Whether nobody else is at work on the thing of these tags."""
        return self.owns(tags) or self._left(tags)

    @contextmanager
    def tidy(self, image_id: str, roles: tuple[Role, ...], between: Between) -> Iterator[None]:
        """At the end nothing is left of these roles, but for what is whole; `between` is called while it ends."""
        try:
            yield
        except ToolError:
            self.remove(image_id, roles, between=between, patience=ENDING)
            raise
        except BaseException:  # broken off: whoever asked for it does not wait, and the next sweep finds the rest
            with suppress(CloudError):
                self.remove(image_id, roles)
            raise
        machines = tuple(role for role in roles if role is not Role.UNPROVEN)
        # A current Packer makes AMI and snapshots with the tags of its machine and writes theirs over them; for a
        # while AWS may still tell the first. What is whole is never a builder's rest, whatever its tags say.
        whole = (remains.IMAGE, remains.SNAPSHOT)
        self.remove(image_id, machines, spared=whole, between=between, patience=ENDING)

    def remove(
        self,
        image_id: str,
        roles: tuple[Role, ...],
        *,
        also: tuple[Thing, ...] = (),
        spared: tuple[str, ...] = (),
        between: Between = idle,
        patience: float = remains.PATIENCE,
    ) -> None:
        """Remove what bakes of the image have not finished and nobody else is at work on, and `also`.

        Nothing of the kinds that are `spared`.
        """
        found = (each for each in remains.unfinished(self._calls, self._project, image_id) if self._mine(each, roles))
        things = {each.id: each for each in (*also, *found) if each.kind not in spared}
        remains.remove(self._calls, tuple(things.values()), self._clock, between=between, patience=patience)

    def sweep(self) -> tuple[Thing, ...]:
        """Remove what bakes that died left; what that was."""
        found = remains.unfinished(self._calls, self._project)
        dead = tuple(each for each in found if self._left(each.tags))
        return remains.remove(self._calls, dead, self._clock) if dead else ()

    def _mine(self, thing: Thing, roles: tuple[Role, ...]) -> bool:
        return thing.tags[labels.ROLE] in roles and self.may_remove(thing.tags)

    def _left(self, tags: Mapping[str, str]) -> bool:
        """Whether nobody is at work any more on the thing of these tags."""
        try:
            since = from_rfc3339(tags.get(labels.SINCE, ""))
        except ValueError:
            since = None
        return bakers.left(tags.get(labels.BAKER), since, self._clock.now())
