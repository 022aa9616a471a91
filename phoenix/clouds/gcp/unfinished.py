"""What the bakes of this process make: labelled as theirs, and gone when they end, however they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from phoenix.clock import Clock
from phoenix.clouds import bakers
from phoenix.clouds.api import Between, idle
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import gce_images, remains
from phoenix.clouds.gcp.bake.remains import Thing
from phoenix.clouds.gcp.calls import RefusedCallError
from phoenix.clouds.gcp.labels import Role
from phoenix.errors import CloudError, ToolError

if TYPE_CHECKING:
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.calls import Calls
    from phoenix.spec.clouds import GcpCloud

ENDING = 300.0
"""Seconds that a machine may take to end, where a lease is kept meanwhile."""


class Unfinished:
    """The things of one project's bakes in one Google Cloud project, as one baker sees them."""

    def __init__(self, project: str, spec: GcpCloud, calls: Calls, clock: Clock) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock
        self._baker = bakers.Baker.here()

    def marks(self, image_id: str, role: Role) -> dict[str, str]:
        """The labels of everything that is made for the image from now on."""
        return labels.written(
            {
                **self._spec.labels,
                labels.PROJECT: self._project,
                labels.IMAGE: image_id,
                labels.ROLE: role,
                labels.BAKER: str(self._baker),
                labels.SINCE: labels.moment(self._clock.now()),
            }
        )

    def owns(self, marks: Mapping[str, str]) -> bool:
        """Whether this baker made the thing of these labels."""
        return self._baker.owns(marks.get(labels.BAKER))

    def may_remove(self, marks: Mapping[str, str]) -> bool:
        """Whether nobody else is at work on the thing of these labels."""
        return self.owns(marks) or self._left(marks)

    @contextmanager
    def tidy(self, image_id: str, roles: tuple[Role, ...], between: Between) -> Iterator[None]:
        """At the end nothing is left of these roles, but for what is whole; `between` is called while it ends."""
        try:
            yield
        except (ToolError, RefusedCallError):
            self.remove(image_id, roles, between=between, patience=ENDING)
            raise
        except BaseException:  # broken off: whoever asked for it does not wait, and the next sweep finds the rest
            with suppress(CloudError):
                self.remove(image_id, roles)
            raise
        machines = tuple(role for role in roles if role is not Role.UNPROVEN)
        self.remove(image_id, machines, between=between, patience=ENDING)

    def remove(
        self,
        image_id: str,
        roles: tuple[Role, ...],
        *,
        also: tuple[Thing, ...] = (),
        between: Between = idle,
        patience: float = remains.PATIENCE,
    ) -> None:
        """Remove what bakes of the image have not finished and nobody else is at work on, and `also`."""
        image = gce_images.find(self._calls, image_id) if Role.UNPROVEN in roles and not also else None
        mine = (image,) if image is not None and image.labels.get(labels.PROJECT) == self._project else ()
        found = remains.unfinished(self._calls, self._project, mine, image_id)
        things = (*also, *(each for each in found if self._mine(each, roles)))
        remains.remove(self._calls, things, self._clock, between=between, patience=patience)

    def sweep(self, images: tuple[GceImage, ...]) -> tuple[Thing, ...]:
        """Remove what bakes that died left, also of these `images` of the project; what that was."""
        found = remains.unfinished(self._calls, self._project, images)
        dead = tuple(each for each in found if self._left(each.labels))
        return remains.remove(self._calls, dead, self._clock) if dead else ()

    def _mine(self, thing: Thing, roles: tuple[Role, ...]) -> bool:
        return thing.labels[labels.ROLE] in roles and self.may_remove(thing.labels)

    def _left(self, marks: Mapping[str, str]) -> bool:
        """Whether nobody is at work any more on the thing of these labels."""
        try:
            since = labels.from_moment(marks.get(labels.SINCE, ""))
        except ValueError:
            since = None
        return bakers.left(marks.get(labels.BAKER), since, self._clock.now())
