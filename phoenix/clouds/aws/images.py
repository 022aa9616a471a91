"""The images of AWS: AMIs, made by Packer, proven by one machine that starts from each. All of it stands in tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.api import idle
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import amis, image_reading, remains
from phoenix.clouds.aws.labels import Role
from phoenix.clouds.aws.unfinished import Unfinished
from phoenix.errors import CloudError, RefusedError, ToolError
from phoenix.model import Image, Proof, TestResult
from phoenix.wait import DeadlineError, Look, Verdict, patient, wait_for

if TYPE_CHECKING:
    from phoenix.clouds.api import BakeRequest, Between, Say
    from phoenix.clouds.aws.bake.image_reading import Ami
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

FRESH = 3.0
"""Seconds that a list of the AMIs is good for: what is asked one after the other of one bake is read once."""
SHOWN = 60.0
"""Seconds after which AWS shows what was just written everywhere."""


class AwsImages:
    """Implements `clouds.api.Images` with one AMI per image, in one region."""

    def __init__(self, project: str, spec: AwsCloud, calls: Calls, clock: Clock | None = None) -> None:
        self._project = project
        self._spec = spec
        self._calls = calls
        self._clock = clock or SystemClock()
        self._unfinished = Unfinished(project, spec, calls, self._clock)
        self._bases: dict[str, Ami] = {}
        self._read: tuple[float, tuple[Ami, ...]] | None = None

    @property
    def shared(self) -> bool:
        """No: they bear the project's tag."""
        return False

    def list(self) -> tuple[Image, ...]:
        """Every whole image of the project here, newest first, by one DescribeImages."""
        whole = [found for found in map(self._image, self._amis()) if found is not None]
        return tuple(sorted(whole, key=lambda image: (image.created, image.id), reverse=True))

    def find(self, image_id: str) -> Image | None:
        """The image of that id, or None where AWS says there is none that is whole."""
        found = self._find(image_id)
        return self._image(found) if found else None

    def whereabouts(self, image_id: str) -> Mapping[str, str]:
        """The AMI, its region and its snapshots, by AWS's ids."""
        found = self._find(image_id)
        if found is None:
            return {}
        return {"ami": found.id, "region": self._spec.region, "snapshots": ", ".join(found.snapshots)}

    def base(self, wanted: str) -> str:
        """The id of the AMI that `OWNER/NAME-PATTERN` or `ami-ID` means now, and what of phoenix.yaml goes into images.

        Once asked, this process stays with it.
        """
        keys, disk = self._spec.images, self._spec.builder.disk
        encrypted = [f"encrypted by {keys.kms or 'the key of EBS'}"] if keys.encrypt else []
        return ", ".join([self._base(wanted).id, *encrypted, *([f"{disk} bytes"] if disk else [])])

    def build(self, request: BakeRequest, *, log: Path, say: Say, between: Between) -> Image:
        """Make the image by Packer. One that is there is taken, if it is proven or this process's own."""
        from phoenix.clouds.aws.bake import packer_run, way_in

        there = self._amis_now(request.image_id)
        if there and (there.verified or self._unfinished.owns(there.tags)):
            return self._expect_image(there)
        way_in.refuse_unreachable(self._spec)
        packer_run.refuse_without_tools(self._spec)
        self.delete(request.image_id)
        with self._unfinished.tidy(request.image_id, (Role.BUILDER, Role.UNPROVEN), between):
            run = packer_run.PackerRun(
                calls=self._calls,
                cloud=self._spec,
                below=self._below(request),
                request=request,
                tags=self._unfinished.tags(request.image_id, Role.BUILDER),
                log=log,
                say=say,
                between=between,
            )
            return self._made(run.ami(), request.image_id, between)

    def proof(self, say: Say) -> Proof:  # noqa: ARG002 (others have to try it out)
        """As whole machines are: nothing else runs there."""
        return Proof.QEMU

    def refuse_unproven(self, image: Image) -> None:
        """Raise RefusedError where the image was not booted as a whole machine is."""
        if not image.verified_on.covers(Proof.QEMU):
            raise RefusedError(
                f"{image.ref} was not verified on a whole machine",
                details=f"its tags say {image.verified_on}; every machine of '{self._spec.name}' is a whole one",
                resolution=f"Run `phoenix bake {image.type} {image.name} --cloud {image.cloud} --force`.",
            )

    def verify(
        self, image: Image, tests: tuple[str, ...], *, on: Proof, log: Path, say: Say, between: Between
    ) -> tuple[TestResult, ...]:
        """Start one machine from the AMI, run the tests in it, end it. Its console is left beside `log`."""
        from phoenix.clouds.aws.bake import way_in
        from phoenix.clouds.aws.bake.verification import Verification

        del on  # there is one way to start a machine
        way_in.refuse_unreachable(self._spec)
        with self._unfinished.tidy(image.id, (Role.TRIAL,), between):
            verification = Verification(
                calls=self._calls,
                cloud=self._spec,
                clock=self._clock,
                tags=self._unfinished.tags(image.id, Role.TRIAL),
                image=image,
                log=log,
                say=say,
                between=between,
            )
            return verification.results(self._expect(image.id), tests)

    def mark_verified(
        self, image: Image, tests: tuple[TestResult, ...], *, on: Proof, between: Between = idle
    ) -> Image:
        """Write into the tags that the image is verified, and how; one write. It ages from now on, where it does."""
        found = self._expect(image.id)
        tags = image_reading.proof(found, tests, on)
        between()
        self._write(found, tags)
        after = self._spec.images.deprecate_after
        if after is not None:
            moment = self._clock.now() + timedelta(seconds=after)
            between()
            self._calls.ask("ec2", "enable_image_deprecation", ImageId=found.id, DeprecateAt=moment)
        return self._expect_image(self._expect(image.id))

    def delete(self, image_id: str) -> None:
        """Deregister the AMI and delete its snapshots, with whatever a dead bake of it has left.

        Refused while another process is at work on it.
        """
        found = self._amis_now(image_id)
        if found and not found.verified and not self._unfinished.may_remove(found.tags):
            raise CloudError(
                f"the image {image_id} is being worked on",
                details=f"by {found.tags.get(labels.BAKER)}, since {found.tags.get(labels.SINCE)}",
                resolution="Wait until it is done, then try again.",
            )
        self._read = None
        if found:  # whoever dies from here on has left it
            self._write(found, {**self._unfinished.tags(image_id, Role.UNPROVEN), labels.VERIFIED: ""})
        self._unfinished.remove(image_id, tuple(Role), also=remains.of_ami(found) if found else ())

    def discard(self, image_id: str) -> None:
        """Remove what this process's unfinished bake of the image made, or a dead one's."""
        self._read = None
        self._unfinished.remove(image_id, tuple(Role))

    def sweep(self) -> tuple[str, ...]:
        """Remove what bakes that died left here: machines, disks, security groups, AMIs and snapshots."""
        gone = self._unfinished.sweep()
        self._read = None if gone else self._read
        return tuple(str(thing) for thing in gone)

    def _made(self, ami_id: str, image_id: str, between: Between) -> Image:
        """The image that the AMI is, as soon as AWS shows it whole."""
        shown: list[Image] = []

        def look() -> Look:
            found = amis.by_id(self._calls, ami_id)
            image = self._image(found) if found and found.tags.get(labels.PROJECT) == self._project else None
            shown.extend([image] if image and image.id == image_id else [])
            seen = f"it is {found.state}, its tags: {dict(found.tags)}" if found else "AWS knows no such AMI"
            return Look(verdict=Verdict.PASS if shown else Verdict.UNKNOWN, seen=seen)

        try:
            wait_for(
                f"the AMI {ami_id}", patient(look), clock=self._clock, deadline=SHOWN, interval=2.0, between=between
            )
        except DeadlineError as error:
            raise ToolError(
                f"what Packer made is not the image {image_id}",
                details=f"{ami_id}: {error.details}",
                resolution="Mend the project's own Packer template: it tags the AMI with local.image_tags.",
            ) from error
        return shown[0]

    def _below(self, request: BakeRequest) -> Ami:
        """The AMI that the request's image is baked on."""
        return self._expect(request.parent) if request.parent else self._base(request.base)

    def _base(self, wanted: str) -> Ami:
        """The vendor's AMI: what `base` of a recipe says, or what this one's `base` said of it before."""
        pinned, comma, _how = wanted.partition(", ")
        which = pinned if comma and pinned.startswith("ami-") else wanted
        if which not in self._bases:
            architecture, region = self._spec.images.architecture, self._spec.region
            self._bases[which] = amis.base(self._calls, which, architecture=architecture, region=region)
        return self._bases[which]

    def _amis(self) -> tuple[Ami, ...]:
        """The project's AMIs, read at most FRESH seconds ago, and after this process's last write."""
        now = self._clock.monotonic()
        if self._read is None or now - self._read[0] > FRESH:
            self._read = (self._clock.monotonic(), amis.ours(self._calls, self._project))
        return self._read[1]

    def _find(self, image_id: str) -> Ami | None:
        found = tuple(each for each in self._amis() if each.tags.get(labels.IMAGE) == image_id)
        return image_reading.newest(found)

    def _amis_now(self, image_id: str) -> Ami | None:
        return amis.find(self._calls, self._project, image_id)

    def _expect(self, image_id: str) -> Ami:
        found = self._amis_now(image_id)
        if found is None:
            raise CloudError(
                f"the image {image_id} is gone",
                details=f"no AMI in {self._spec.region} has its tags",
                resolution="Bake it again.",
            )
        return found

    def _expect_image(self, found: Ami) -> Image:
        image = self._image(found)
        if image is None:
            raise CloudError(
                f"the AMI {found.id} is no whole image",
                details=f"it is {found.state}, its tags: {dict(found.tags)}",
                resolution="Deregister it, then bake again.",
            )
        return image

    def _image(self, found: Ami) -> Image | None:
        return image_reading.image(found, self._spec.name) if found.state == image_reading.AVAILABLE else None

    def _write(self, found: Ami, tags: Mapping[str, str]) -> None:
        """One write for the AMI and its snapshots. Rights may be bound to the project's tag, so it is among them."""
        self._read = None
        whole = labels.written({**tags, labels.PROJECT: self._project})
        self._calls.ask("ec2", "create_tags", Resources=[found.id, *found.snapshots], Tags=whole)
