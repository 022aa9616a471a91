"""A cloud's images in memory."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clouds.api import BakeRequest, Between, Say, idle
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.model import Image, ImageType, Proof, TestResult


class FakeImages:
    """A cloud's images in memory."""

    def __init__(self) -> None:
        self.shared = False
        self.there: dict[str, Image] = {}
        self.machines = Proof.QEMU
        """What this cloud's machines need."""
        self.verified: list[tuple[str, Proof]] = []
        """What was verified, and how."""
        self.broken: dict[str, str] = {}
        """Images that cannot be built, with the reason."""
        self._bakers: dict[str, object] = {}
        """Which process is at work on an image."""
        self._process: object = object()

    def put(self, image_id: str, *, kind: str = "foundation", name: str = "nodejs", verified: bool = True) -> Image:
        """An image of some recipe that is not today's."""
        image = Image(
            id=image_id,
            type=ImageType(kind),
            name=name,
            cloud="local",
            key=hashlib.sha256(image_id.encode()).hexdigest(),
            parent=None,
            created=datetime(2026, 1, 1, tzinfo=UTC),
            verified=verified,
            builder="chroot",
        )
        self.there[image_id] = image
        return image

    def list(self) -> tuple[Image, ...]:
        return tuple(sorted(self.there.values(), key=lambda image: (image.created, image.id), reverse=True))

    def find(self, image_id: str) -> Image | None:
        return self.there.get(image_id)

    def whereabouts(self, image_id: str) -> dict[str, str]:
        return {}

    def base(self, wanted: str) -> str:
        return wanted

    def build(self, request: BakeRequest, *, log: Path, say: Say, between: Between) -> Image:
        there = self.there.get(request.image_id)
        if there is not None:
            return there
        for _round in range(10):
            between()
        if request.image_id in self.broken:
            raise ToolError("the playbook failed", details=self.broken[request.image_id])
        say(f"built {request.image_id}")
        self.put(request.image_id, kind=request.type, name=request.name, verified=False)
        self.there[request.image_id] = replace(
            self.there[request.image_id],
            key=request.key,
            parent=request.parent,
            created=request.created,
            source=request.source,
        )
        self._bakers[request.image_id] = self._process
        return self.there[request.image_id]

    def proof(self, say: Say) -> Proof:
        return self.machines

    def refuse_unproven(self, image: Image) -> None:
        if not image.verified_on.covers(self.machines):
            raise RefusedError(f"{image.ref} was verified on a {image.verified_on} machine only")

    def verify(
        self, image: Image, tests: tuple[str, ...], *, on: Proof, log: Path, say: Say, between: Between
    ) -> tuple[TestResult, ...]:
        self.verified.append((image.id, on))
        return ()

    def mark_verified(
        self, image: Image, tests: tuple[TestResult, ...], *, on: Proof, between: Between = idle
    ) -> Image:
        self.there[image.id] = replace(self.there[image.id], verified=True, verified_on=on, tests=tests)
        self._bakers.pop(image.id, None)
        return self.there[image.id]

    def delete(self, image_id: str) -> None:
        if self._bakers.get(image_id, self._process) != self._process:
            raise CloudError(f"the image {image_id} is being worked on")
        self._bakers.pop(image_id, None)
        self.there.pop(image_id, None)

    def discard(self, image_id: str) -> None:
        image = self.there.get(image_id)
        mine = self._bakers.get(image_id, self._process) == self._process
        if image is not None and mine and not image.verified:
            self.delete(image_id)

    def sweep(self) -> tuple[str, ...]:
        return ()

    def again(self) -> FakeImages:
        """The same images, as another process sees them."""
        other = copy(self)
        other._process = object()
        return other
