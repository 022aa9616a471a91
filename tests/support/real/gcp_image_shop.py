"""A project that bakes on the emulated Google Cloud, and programs that stand in for a machine's answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from phoenix.clock import Clock
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.gcp.calls import Calls
from phoenix.clouds.gcp.images import GcpImages
from phoenix.model import Image, Package, Proof
from phoenix.spec.clouds import GcpCloud
from tests.emulators.gcp import Emulator
from tests.support.real import gcp_images
from tests.support.real.bakes import Bakes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELLO = Package(name="hello", version="2.10-3", sha256="0123456789abcdef" * 4, repository="main")
SAY_OK = r'sed -n "s/^echo \"trial \([0-9]*\) .*/trial \1 0 /p"'
"""A shell script: whatever is tried has gone well."""
LAYER = "layer-os"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The project `shop` in the emulated one."""

    emulator: Emulator
    spec: GcpCloud
    directory: Path

    def images(self, spec: GcpCloud | None = None, clock: Clock | None = None) -> GcpImages:
        """As a process of its own sees them."""
        return GcpImages("shop", spec or self.spec, Calls(spec or self.spec), clock)

    def request(self, name: str = "x", *, parent: str | None = LAYER, doing: str = "") -> BakeRequest:
        """For the image `shop-NAME`."""
        bakes = Bakes(project="shop", spec=self.spec, directory=self.directory)
        return bakes.request(f"shop-{name}", parent=parent, created=NOON, packages=(HELLO,), doing=doing)

    def bake(self, images: GcpImages, request: BakeRequest) -> Image:
        """Build it, without a word."""
        return images.build(request, log=self.directory / "build.log", say=lambda _line: None, between=lambda: None)

    def verify(self, images: GcpImages, image: Image, said: list[str] | None = None) -> list[str]:
        """Verify it by two tests of its own; the names of all tests that went well."""
        hear = (said if said is not None else []).append
        log = self.directory / "verification.log"
        results = images.verify(image, ("one", "two"), on=Proof.QEMU, log=log, say=hear, between=lambda: None)
        return [test.name for test in results if test.ok]

    def left(self) -> list[str]:
        """What is there that somebody pays for, or stands in somebody's way, but for the world's own."""
        own = ("images hello-1", f"images {LAYER}")
        return [each for each in gcp_images.left(self.emulator, self.spec.project) if each not in own]

    def marks(self, image_id: str) -> dict[str, str]:
        """The image's labels."""
        found = Calls(self.spec).ask("images", image=image_id)
        return dict(found.get("labels", {}))

    def mark(self, image_id: str, **marks: str) -> None:
        """Somebody labels the image."""
        found = Calls(self.spec).ask("images", image=image_id)
        body = {"labels": {**found.get("labels", {}), **marks}, "labelFingerprint": found["labelFingerprint"]}
        Calls(self.spec).change("images", "setLabels", resource=image_id, body=body)


def program(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file
