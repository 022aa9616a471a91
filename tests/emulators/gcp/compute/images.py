"""Images and disks. https://cloud.google.com/compute/docs/reference/rest/v1/images"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.emulators.gcp.api.errors import ApiError, Json, OperationError, invalid, not_found, required
from tests.emulators.gcp.api.generic import Generic
from tests.emulators.gcp.api.kinds import Asked, Handler, Kind
from tests.emulators.gcp.api.references import key_in, key_of, link
from tests.emulators.gcp.compute.quotas import Quotas
from tests.emulators.gcp.emulated import Emulated

WITHOUT_PROJECTS = re.compile(r"(/compute/v1/)(?!projects/)")


class ImageKind(Kind):
    """Images: made of disks or of other images, and found by their family."""

    noun = "images"

    def __init__(self, emulated: Emulated, quotas: Quotas, generic: Generic) -> None:
        self._emulated = emulated
        self._store = emulated.store
        self._quotas = quotas
        self._generic = generic
        self._since: dict[str, float] = {}
        self.machine_of: Callable[[str], str | None] = lambda _disk: None
        """The machine whose disk is one of a key."""

    def actions(self) -> Mapping[str, Handler]:
        """Families and deprecation."""
        return {"getFromFamily": self._get_from_family, "deprecate": self._deprecate}

    def found(self, reference: str, project: str) -> str:
        """The image that a URL of it or of a family means. ApiError where there is none."""
        key = key_of(reference, project)
        if key is None:
            raise invalid("sourceImage", reference, "The URL is malformed.")
        if "/family/" not in key:
            self._store.need(key)
            return key
        images, _, family = key.partition("/family/")
        fitting = [
            (row["creationTimestamp"], row["id"], image)
            for image, row in self._store.of("images", f"{images}/")
            if row.get("family") == family
            and row["status"] == "READY"
            and (row.get("deprecated") or {}).get("state", "ACTIVE") == "ACTIVE"
        ]
        if not fitting:
            raise not_found(key)
        return max(fitting)[2]

    def _get_from_family(self, asked: Asked) -> Json:
        """The newest that is not deprecated. https://cloud.google.com/compute/docs/images/image-families-best-practices"""
        return self._store.need(self.found(link(asked.key), asked.project))

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """Its one source is there and is not being written to."""
        self._quotas.check_kind(self.noun, key)
        sources = [name for name in ("sourceDisk", "sourceImage", "sourceSnapshot", "rawDisk") if body.get(name)]
        if len(sources) != 1:
            raise invalid("resource.sourceDisk", ", ".join(sources), "One source must be given.")
        if body.get("sourceDisk"):
            self._check_disk(asked, body)
        elif body.get("sourceImage"):
            source = self.found(body["sourceImage"], asked.project)
            body["sourceImage"] = link(source)
            body.setdefault("diskSizeGb", self._store.need(source)["diskSizeGb"])
        body.setdefault("diskSizeGb", "10")
        return {"sourceType": "RAW", "archiveSizeBytes": "1073741824", **body, "status": "PENDING"}

    def _check_disk(self, asked: Asked, body: Json) -> None:
        disk = key_of(body["sourceDisk"], asked.project)
        if disk is None and self._emulated.settings.old_packer:
            disk = key_of(WITHOUT_PROJECTS.sub(r"\1projects/", body["sourceDisk"]), asked.project)
        if disk is None:
            raise invalid("resource.sourceDisk", body["sourceDisk"], "The URL is malformed.")
        row = self._store.need(disk)
        for user in row.get("users", []):
            instance = self._store.get(key_in(user))
            if instance and instance["status"] == "RUNNING" and asked.query.get("forceCreate") != "true":
                raise ApiError(
                    400,
                    "resourceInUseByAnotherResource",
                    f"The disk resource '{disk}' is already being used by '{key_in(user)}'",
                )
        body["sourceDisk"] = link(disk)
        body["sourceDiskId"] = row["id"]
        body.setdefault("diskSizeGb", row["sizeGb"])

    def created(self, key: str) -> float | None:
        """Wait for the disk to be copied."""
        row, now = self._store.need(key), self._emulated.clock.now
        try:
            if key not in self._since:
                self._since[key] = now
                if row.get("sourceDisk"):
                    self._save(key_in(row["sourceDisk"]), key)
                elif row.get("sourceImage"):
                    self._emulated.machines.copy(key_in(row["sourceImage"]), key)
            pending = self._emulated.settings.image_pending - (now - self._since[key])
            if pending > 0:
                return pending
        except OSError as error:
            del self._since[key]
            raise OperationError("INTERNAL_ERROR", str(error), status=500, phrase="INTERNAL SERVER ERROR") from None
        del self._since[key]
        row["status"] = "READY"
        return None

    def _save(self, disk: str, image: str) -> None:
        machine = self.machine_of(disk)
        if machine is not None:
            self._emulated.machines.save(machine, image)

    def deleted(self, key: str) -> None:
        """Instances that were made from it do not need it."""
        self._emulated.machines.forget(key)

    def _deprecate(self, asked: Asked) -> Json:
        """ "If an empty request body is given, clears the deprecation status instead."

        https://cloud.google.com/compute/docs/reference/rest/v1/images/deprecate
        """
        row = self._store.need(asked.key)

        def come() -> None:
            row.pop("deprecated", None)
            if asked.body.get("state"):
                row["deprecated"] = asked.body

        return self._generic.alter(asked, come)


class DiskKind(Kind):
    """Disks. https://cloud.google.com/compute/docs/reference/rest/v1/disks"""

    noun = "disks"

    def __init__(self, emulated: Emulated, images: ImageKind) -> None:
        self._store = emulated.store
        self._images = images
        self.free: Callable[[str], None] = lambda _disk: None

    def prepare(self, asked: Asked, key: str, body: Json) -> Json:
        """Of an image, of the size of that, or empty."""
        source = asked.query.get("sourceImage") or body.get("sourceImage")
        if source:
            image = self._images.found(source, asked.project)
            row = self._store.need(image)
            body = {"sizeGb": row["diskSizeGb"], **body, "sourceImage": link(image), "sourceImageId": row["id"]}
        elif not body.get("sizeGb"):
            raise required("resource.sizeGb")
        return {**body, "status": "READY"}

    def deleted(self, key: str) -> None:
        """Its contents are gone."""
        self.free(key)
