"""The images of Google Cloud: made by Packer, proven by one machine that starts from each. What they are they bear
themselves, in labels and description.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.api import idle
from phoenix.clouds.gcp import labels
from phoenix.clouds.gcp.bake import gce_images, image_reading, remains
from phoenix.clouds.gcp.calls import StaleError
from phoenix.clouds.gcp.labels import Role
from phoenix.clouds.gcp.unfinished import ENDING, Unfinished
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.model import Image, Proof, TestResult
from phoenix.wait import DeadlineError, HopelessError, Look, Verdict, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.api import BakeRequest, Between, Say
    from phoenix.clouds.gcp.bake.image_reading import GceImage
    from phoenix.clouds.gcp.calls import Calls
    from phoenix.spec.clouds import GcpCloud

FRESH = 3.0
"""Seconds that a list of the images is good for: what is asked one after the other of one bake is read once."""
SHOWN = 300.0
"""Seconds after which an image that Packer has made is READY, or never."""
_DECISIONS = 3
"""Times that labels are read and written where somebody else writes them, too."""


class GcpImages:
    """Implements `clouds.api.Images` with one image of Compute Engine per image, called by its id."""

    def __init__(self, project: str, spec: GcpCloud, calls: Calls, clock: Clock | None = None) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock or SystemClock()
        self._unfinished = Unfinished(project, spec, calls, self._clock)
        self._bases: dict[str, GceImage] = {}
        self._read: tuple[float, tuple[GceImage, ...]] | None = None

    @property
    def shared(self) -> bool:
        """No: they bear the project's label."""
        return False

    def list(self) -> tuple[Image, ...]:
        """Every whole image of the project here, newest first, by one images.list."""
        whole = [found for found in map(self._image, self._images()) if found is not None]
        return tuple(sorted(whole, key=lambda image: (image.created, image.id), reverse=True))

    def find(self, image_id: str) -> Image | None:
        """The image of that id, or None where Compute Engine says there is none that is whole."""
        found = self._find(image_id)
        return self._image(found) if found else None

    def whereabouts(self, image_id: str) -> Mapping[str, str]:
        """The image by Compute Engine's names, where it is stored, its family where it has one."""
        found = self._find(image_id)
        if found is None:
            return {}
        family = {"family": found.family} if found.family else {}
        told = {"image": found.name, "project": self._spec.project, "locations": found.location, **family}
        return {**told, "features": ", ".join(found.features), "link": found.link}

    def base(self, wanted: str) -> str:
        """The one image that `PROJECT/FAMILY` or `PROJECT/IMAGE` means now, and what of phoenix.yaml goes into images.

        Once asked, this process stays with it.
        """
        images, disk, below = self._spec.images, self._spec.builder.disk, self._base(wanted)
        encrypted = [f"encrypted by {images.kms}"] if images.kms else []
        features = [f"with {feature}" for feature in images.features]
        pinned = f"projects/{gce_images.owner_of(below)}/global/images/{below.name}"
        return ", ".join([pinned, *encrypted, *features, *([f"{disk} bytes"] if disk else [])])

    def build(self, request: BakeRequest, *, log: Path, say: Say, between: Between) -> Image:
        """Make the image by Packer. One that is there is taken, if it is proven or this process's own."""
        from phoenix.clouds.gcp.bake import packer_run, packers

        there = gce_images.find(self._calls, request.image_id)
        if there is not None:
            self._refuse_anothers(there)
            if there.verified or self._unfinished.owns(there.labels):
                return self._expect_image(there)
        packers.refuse_unfit(self._spec)
        self._delete(request.image_id, between, patience=ENDING)
        with self._unfinished.tidy(request.image_id, (Role.BUILDER, Role.UNPROVEN), between):
            run = packer_run.PackerRun(
                calls=self._calls,
                cloud=self._spec,
                clock=self._clock,
                below=self._below(request),
                request=request,
                marks=self._unfinished.marks(request.image_id, Role.BUILDER),
                token=secrets.token_hex(4),
                log=log,
                say=say,
                between=between,
            )
            return self._made(run.image(), request.image_id, between)

    def proof(self, say: Say) -> Proof:  # noqa: ARG002 (others have to try it out)
        """As whole machines are: nothing else runs there."""
        return Proof.QEMU

    def refuse_unproven(self, image: Image) -> None:
        """Raise RefusedError where the image was not booted as a whole machine is."""
        if not image.verified_on.covers(Proof.QEMU):
            raise RefusedError(
                f"{image.ref} was not verified on a whole machine",
                details=f"its labels say {image.verified_on}; every machine of '{self._spec.name}' is a whole one",
                resolution=f"Run `phoenix bake {image.type} {image.name} --cloud {image.cloud} --force`.",
            )

    def verify(
        self, image: Image, tests: tuple[str, ...], *, on: Proof, log: Path, say: Say, between: Between
    ) -> tuple[TestResult, ...]:
        """Start one machine from the image, run the tests in it, end it. Its console is left beside `log`."""
        from phoenix.clouds.gcp.bake import way_in
        from phoenix.clouds.gcp.bake.verification import Verification

        del on  # there is one way to start a machine
        way_in.refuse_unreachable(self._spec)
        with self._unfinished.tidy(image.id, (Role.TRIAL,), between):
            verification = Verification(
                calls=self._calls,
                cloud=self._spec,
                clock=self._clock,
                marks=self._unfinished.marks(image.id, Role.TRIAL),
                token=secrets.token_hex(4),
                image=image,
                log=log,
                say=say,
                between=between,
            )
            return verification.results(self._expect(image.id), tests)

    def mark_verified(
        self, image: Image, tests: tuple[TestResult, ...], *, on: Proof, between: Between = idle
    ) -> Image:
        """Write what the tests said, give it its family, then label it as verified: that makes it visible to rolls."""
        found = self._expect(image.id)
        told = {"description": image_reading.proof(found, tests), **self._family(image)}
        if told != {"description": found.description, **({"family": found.family} if found.family else {})}:
            between()
            self._calls.change("images", "patch", image=image.id, body=told, between=between)
        between()
        self._label(image.id, lambda found: image_reading.proven(found, on), between)
        return self._expect_image(self._expect(image.id))

    def delete(self, image_id: str) -> None:
        """Delete the image, with whatever a dead bake of it has left.

        Refused while another process is at work on it.
        """
        self._delete(image_id, idle, patience=remains.PATIENCE)

    def _delete(self, image_id: str, between: Between, *, patience: float) -> None:
        """The same. `between` is called meanwhile; what cannot go within `patience` seconds is left."""
        found = self._image_now(image_id)
        if found and not found.verified and not self._unfinished.may_remove(found.labels):
            raise CloudError(
                f"the image {image_id} is being worked on",
                details=f"by {found.labels.get(labels.BAKER)}, since {found.labels.get(labels.SINCE)}",
                resolution="Wait until it is done, then try again.",
            )
        if found and found.verified:  # whoever dies from here on has left it
            marks = self._unfinished.marks(image_id, Role.UNPROVEN)
            self._label(image_id, lambda found: {**image_reading.unproven(found), **marks}, between)
            found = self._image_now(image_id)
        self._read = None
        also = (remains.of_image(found),) if found else ()
        self._unfinished.remove(image_id, tuple(Role), also=also, between=between, patience=patience)

    def discard(self, image_id: str) -> None:
        """Remove what this process's unfinished bake of the image made, or a dead one's."""
        self._read = None
        self._unfinished.remove(image_id, tuple(Role))

    def sweep(self) -> tuple[str, ...]:
        """Remove what bakes that died left here: machines, disks, images."""
        gone = self._unfinished.sweep(self._images())
        self._read = None if gone else self._read
        return tuple(str(thing) for thing in gone)

    def _made(self, told: str, image_id: str, between: Between) -> Image:
        """The image that Packer told of, as soon as Compute Engine shows it whole."""
        shown: list[Image] = []

        def look() -> Look:
            found = self._image_now(told)
            image = self._image(found) if found else None
            shown.extend([image] if image and told == image_id else [])
            seen = f"it is {found.state}, its labels: {dict(found.labels)}" if found else "there is no such image"
            over = found is None or found.state != image_reading.PENDING
            return Look(verdict=Verdict.PASS if shown else Verdict.FAIL if over else Verdict.UNKNOWN, seen=seen)

        self._read = None
        try:
            wait_for(
                f"the image {told}", patient(look), clock=self._clock, deadline=SHOWN, interval=2.0, between=between
            )
        except (DeadlineError, HopelessError) as error:
            raise ToolError(
                f"what Packer made is not the image {image_id}",
                details=f"{told}: {error.details}",
                resolution="See its log. A template of the project's own has to give the image local.image_labels, and "
                "var.facts at the end of its description.",
            ) from error
        return shown[0]

    def _below(self, request: BakeRequest) -> GceImage:
        """The image that the request's image is baked on."""
        return self._expect(request.parent) if request.parent else self._base(request.base)

    def _base(self, wanted: str) -> GceImage:
        """The vendor's image: what `base` of a recipe says, or what this one's `base` said of it before."""
        which = wanted.partition(", ")[0]
        if which not in self._bases:
            self._bases[which] = gce_images.base(self._calls, which, project=self._spec.project)
        return self._bases[which]

    def _images(self) -> tuple[GceImage, ...]:
        """The project's images, read at most FRESH seconds ago, and after this process's last write."""
        now = self._clock.monotonic()
        if self._read is None or now - self._read[0] > FRESH:
            self._read = (self._clock.monotonic(), gce_images.ours(self._calls, self._project))
        return self._read[1]

    def _find(self, image_id: str) -> GceImage | None:
        return next((found for found in self._images() if found.name == image_id), None)

    def _image_now(self, image_id: str) -> GceImage | None:
        """The project's image of that id, in whatever state; None where Compute Engine says there is none."""
        found = gce_images.find(self._calls, image_id)
        return found if found is not None and found.labels.get(labels.PROJECT) == self._project else None

    def _refuse_anothers(self, found: GceImage) -> None:
        """RefusedError where it is somebody else's image that bears the name that this one would have."""
        if found.labels.get(labels.PROJECT) != self._project:
            raise RefusedError(
                f"there is an image {found.name} that this project did not make",
                details=f"in {self._spec.project}, without the label {labels.PROJECT}={self._project}: "
                f"its labels are {dict(found.labels)}",
                resolution="Delete it if nobody needs it, or call the project or the image in phoenix.yaml otherwise.",
            )

    def _expect(self, image_id: str) -> GceImage:
        found = self._image_now(image_id)
        if found is None:
            raise CloudError(
                f"the image {image_id} is gone",
                details=f"the project {self._spec.project} has none of that name",
                resolution="Bake it again.",
            )
        return found

    def _expect_image(self, found: GceImage) -> Image:
        image = self._image(found)
        if image is None:
            raise CloudError(
                f"{found.name} is no whole image",
                details=f"it is {found.state}, its labels: {dict(found.labels)}, its description: {found.description}",
                resolution="Delete it, then bake again.",
            )
        return image

    def _image(self, found: GceImage) -> Image | None:
        return image_reading.image(found, self._spec.name) if found.state == image_reading.READY else None

    def _family(self, image: Image) -> dict[str, str]:
        """The family that it belongs to from now on."""
        beginning = self._spec.images.family
        return {"family": f"{beginning}-{image.type}-{image.name}"} if beginning else {}

    def _label(self, image_id: str, decide: Callable[[GceImage], Mapping[str, str]], between: Between = idle) -> None:
        """Give the image the labels that are decided on what it is now; again, where that was too long ago."""
        self._read = None
        for attempt in range(1, _DECISIONS + 1):
            found = self._expect(image_id)
            wanted = labels.written(decide(found))
            if found.labels == wanted:
                return
            body = {"labels": wanted, "labelFingerprint": found.fingerprint}
            try:
                self._calls.change("images", "setLabels", resource=image_id, body=body, between=between)
                return
            except StaleError:  # somebody else labels it, or the answer to this very write was lost
                if attempt == _DECISIONS:
                    raise
