"""The images of the local cloud: directories, made by chroot or by Packer, proven by one boot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix.clock import Clock, SystemClock
from phoenix.clouds.api import idle
from phoenix.clouds.local import image_files
from phoenix.clouds.local.bake import proven
from phoenix.clouds.local.bake.base_digest import base_digest
from phoenix.clouds.local.bake.mirror import mirror_of
from phoenix.clouds.local.image_files import BUILDING, REMOVED, TRIAL, ImageFiles, Locks, Manifest
from phoenix.clouds.local.machines import guest
from phoenix.errors import CloudError, ToolError
from phoenix.model import Image, Proof, TestResult
from phoenix.spec.clouds import LocalCloud

if TYPE_CHECKING:
    from phoenix.clouds.api import BakeRequest, Between, Say

OTHERS_DEADLINE = 4500.0
"""Seconds to wait for another process that is at work on the same image: as long as its bake may take."""


class LocalImages:
    """Implements `clouds.api.Images` with one directory per image (see `image_files`)."""

    def __init__(self, spec: LocalCloud, clock: Clock | None = None, *, reach: tuple[int, ...] = ()) -> None:
        """`reach` are the loopback ports of this computer that bakes may reach."""
        self._spec = spec
        self._reach = reach
        self._clock = clock or SystemClock()
        self._locks = Locks(spec.images)

    def files(self, image_id: str) -> ImageFiles:
        """Where the files of an image are, or would be."""
        return ImageFiles(directory=self._spec.images / image_id)

    @property
    def shared(self) -> bool:
        """Where phoenix.yaml names a directory of its own for them."""
        return self._spec.root not in self._spec.images.parents

    def list(self) -> tuple[Image, ...]:
        """Every whole image here, newest first."""
        if not self._spec.images.is_dir():
            return ()
        found = (self.find(path.name) for path in self._spec.images.iterdir() if not path.name.startswith("."))
        whole = [image for image in found if image is not None]
        return tuple(sorted(whole, key=lambda image: (image.created, image.id), reverse=True))

    def find(self, image_id: str) -> Image | None:
        """The image of that id, or None where there is none."""
        manifest = image_files.read_manifest(self.files(image_id))
        return manifest.image if manifest else None

    def whereabouts(self, image_id: str) -> Mapping[str, str]:
        """The image's directory, and the files in it that people read."""
        files = self.files(image_id)
        return {
            "directory": str(files.directory),
            "manifest": str(files.manifest),
            "packages": str(files.packages),
            "disk": str(files.disk),
        }

    def base(self, wanted: str) -> str:
        """The suite, the mirror it comes from, and what phoenix itself puts into a base."""
        return f"{wanted} {mirror_of(self._spec)} {base_digest()}"

    def build(self, request: BakeRequest, *, log: Path, say: Say, between: Between) -> Image:
        """Make the image; where another process is just making it, wait and take that one.

        This process keeps the image's lock until it is marked verified or deleted.
        """
        self._take_lock(request.image_id, say, between)
        building = self._beside(BUILDING, request.image_id)
        try:
            there = self.find(request.image_id)
            if there is None:
                return self._make(request, building, log, say, between)
            if there.verified:
                self._locks.release(request.image_id)
        except BaseException:
            _remove_tree(building)
            self._locks.release(request.image_id)
            raise
        return there

    def proof(self, say: Say) -> Proof:
        """As this computer's machines are: `auto` is tried out."""
        return proven.proof_of(proven.engine_of(self._spec, say))

    def refuse_unproven(self, image: Image) -> None:
        """Raise RefusedError where this computer's machines are whole ones and the image was verified light."""
        if not image.verified_on.covers(Proof.QEMU):
            proven.refuse_unproven(image, proven.engine_of(self._spec))

    def verify(
        self, image: Image, tests: tuple[str, ...], *, on: Proof, log: Path, say: Say, between: Between
    ) -> tuple[TestResult, ...]:
        """Look at the image's tree, then start it once for its tests. The console is left beside `log`."""
        from phoenix.clouds import rules
        from phoenix.clouds.local.bake import trial, verification

        files, wanted = self.files(image.id), rules.trials(tests)
        seen = verification.look_at_tree(files.tree)
        with self._locked(image.id, say, between), self._trial_directory(image.id, log) as directory:
            start = trial.Trial(
                directory=directory,
                image=files,
                user_data=verification.user_data(wanted),
                last_line=verification.OVER,
                clock=self._clock,
                on_line=lambda line: say(rules.shown(line, wanted)),
                between=between,
            )
            reports = start.on_a_light_machine(say) if on is Proof.LIGHT else start.in_qemu(say)
        return (*seen, *rules.results(wanted, reports))

    def mark_verified(
        self, image: Image, tests: tuple[TestResult, ...], *, on: Proof, between: Between = idle
    ) -> Image:
        """Make the image visible to rolls, with its test results, and what gave them, in its manifest."""
        files = self.files(image.id)
        manifest = image_files.read_manifest(files)
        if manifest is None:
            raise CloudError(
                f"the image {image.id} is gone",
                details=f"{files.directory} is not there",
                resolution="Bake it again.",
            )
        between()
        verified = replace(manifest.image, verified=True, tests=tests, verified_on=on)
        image_files.write_manifest(files, replace(manifest, image=verified))
        self._locks.release(image.id)
        return verified

    def delete(self, image_id: str) -> None:
        """Remove the image and whatever was left of a bake of it; refused while another process works on it."""
        if not self._locks.take(image_id):
            raise CloudError(
                f"the image {image_id} is being worked on",
                details=f"by {self._locks.holder(image_id)}",
                resolution="Wait until it is done, then try again.",
            )
        try:
            self._remove(image_id)
        finally:
            self._locks.release(image_id)

    def discard(self, image_id: str) -> None:
        """Remove what an unfinished bake of the image made; what is verified, or another process's, stays."""
        if self._locks.take(image_id):
            try:
                image = self.find(image_id)
                if image is None or not image.verified:
                    self._remove(image_id)
            finally:
                self._locks.release(image_id)

    def sweep(self) -> tuple[str, ...]:
        """Remove unfinished and unverified images that nobody is at work on any more; close those that others read."""
        image_files.make_private(self._spec.images)
        left = image_files.unfinished(self._spec.images)
        left |= {self.files(image.id).directory: image.id for image in self.list() if not image.verified}
        return tuple(f"{path} of a bake that died" for path, image_id in left.items() if self._swept(path, image_id))

    def _swept(self, path: Path, image_id: str) -> bool:
        """Remove `path` unless somebody is at work on its image, or has proven it meanwhile."""
        if self._locks.holds(image_id) or not self._locks.take(image_id):
            return False
        try:
            image = self.find(path.name)
            if image is not None and image.verified:
                return False
            _remove_tree(path)
        finally:
            self._locks.release(image_id)
        return True

    def _make(self, request: BakeRequest, building: Path, log: Path, say: Say, between: Between) -> Image:
        """Build beside the image's place, then move it there."""
        from phoenix.clouds.local.bake import builders

        _remove_tree(building)
        building.parent.mkdir(parents=True, exist_ok=True)
        building.mkdir(mode=image_files.PRIVATE)
        files = ImageFiles(directory=building)
        parent = self.files(request.parent) if request.parent else None
        work = builders.Work(
            request=request, files=files, clock=self._clock, log=log, say=say, between=between, reach=self._reach
        )
        seconds = builders.make_files(work, parent, mirror_of(self._spec))
        image = Image(
            id=request.image_id,
            type=request.type,
            name=request.name,
            cloud=self._spec.name,
            key=request.key,
            parent=request.parent,
            created=request.created,
            verified=False,
            builder=request.builder,
            source=request.source,
            packages=request.packages,
            size=files.disk.stat().st_blocks * 512,
        )
        image_files.write_manifest(files, Manifest(image=image, made_with=builders.versions(), seconds=seconds))
        building.rename(self.files(request.image_id).directory)
        return image

    def _remove(self, image_id: str) -> None:
        """Out of sight in one step, then file by file."""
        directory, removed = self.files(image_id).directory, self._beside(REMOVED, image_id)
        _remove_tree(removed)
        if directory.exists():
            directory.rename(removed)
        for path, about in image_files.unfinished(self._spec.images).items():
            if about == image_id:
                _remove_tree(path)

    def _beside(self, prefix: str, image_id: str) -> Path:
        return self._spec.images / f"{prefix}{image_id}"

    @contextmanager
    def _locked(self, image_id: str, say: Say, between: Between) -> Iterator[None]:
        """Hold the image's lock meanwhile; one that was held before is kept."""
        held = self._locks.holds(image_id)
        self._take_lock(image_id, say, between)
        try:
            yield
        finally:
            if not held:
                self._locks.release(image_id)

    def _take_lock(self, image_id: str, say: Say, between: Between) -> None:
        from phoenix.wait import Look, Verdict, wait_for

        def look() -> Look:
            taken = self._locks.take(image_id)
            seen = "" if taken else f"waiting for {self._locks.holder(image_id)}, which is at work on {image_id}"
            return Look(verdict=Verdict.PASS if taken else Verdict.UNKNOWN, seen=seen)

        wait_for(
            f"the other process's work on {image_id}",
            look,
            clock=self._clock,
            deadline=OTHERS_DEADLINE,
            interval=0.2,
            on_change=say,
            between=between,
        )

    @contextmanager
    def _trial_directory(self, image_id: str, log: Path) -> Iterator[Path]:
        """A directory for the machine on trial, gone afterwards; what the machine said is kept beside `log`."""
        directory = self._beside(TRIAL, image_id)
        _remove_tree(directory)
        directory.mkdir(mode=image_files.PRIVATE)
        try:
            yield directory
        except ToolError as error:
            raise ToolError(
                error.brief, details=error.details, resolution=f"Read the machine's console in {log.parent}."
            ) from error
        finally:
            for name in ("console.log", "qemu.log"):
                guest.keep(directory / name, log.with_name(name))
            _remove_tree(directory)


def _remove_tree(path: Path) -> None:
    from phoenix.clouds.local.bake import trial

    trial.remove(path)
