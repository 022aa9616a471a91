"""What each action of a bake does: build an image, prove it, remove it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import assert_never

from phoenix.clock import Clock
from phoenix.clouds.api import BakeRequest, Images
from phoenix.errors import ToolError
from phoenix.execute.engine import Context, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.model import Image, Source, TestResult
from phoenix.plan.bake_actions import BakeAction, BuildImage, DeleteImage, VerifyImage
from phoenix.record.journal import Part

CONSOLE_LINES = 20
"""Lines of the machine's console that a failed verification's error carries."""
OUTPUT_LINES = 12
"""Lines of each failed test's output that it carries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built(Outcome):
    """An image that is there, unverified."""

    image: str
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified(Outcome):
    """An image that has passed so many tests."""

    image: str
    tests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class World(Performer[BakeAction]):
    """What a bake acts on: the images of one cloud."""

    images: Images
    clock: Clock
    lay_out: Callable[[BuildImage, Path], None]
    """Writes the recipe of the image as files into an empty directory (`execute.workspace`)."""
    vault: Callable[[BuildImage], bytes]
    """The password of Ansible Vault, where the recipe of the image needs it."""
    source: Callable[[], Source]
    """Where the recipe comes from: commit and whether it had uncommitted changes."""

    def perform(self, action: BakeAction, context: Context) -> Outcome:
        """Do `action` and say what it came to."""
        match action:
            case BuildImage():
                return self._build(action, context)
            case VerifyImage():
                return self._verify(action, context)
            case DeleteImage():
                self._delete(action, context)
                return Outcome()
            case _:
                assert_never(action)

    def outcomes(self, action: BakeAction) -> tuple[type[Outcome], ...]:
        """What the action can come to."""
        match action:
            case BuildImage():
                return (Built,)
            case VerifyImage():
                return (Verified,)
            case DeleteImage():
                return ()
            case _:
                assert_never(action)

    def _build(self, action: BuildImage, context: Context) -> Built:
        workspace = context.log_directory / "workspace"
        workspace.mkdir(exist_ok=True)
        self.lay_out(action, workspace)
        request = BakeRequest(
            image_id=action.image,
            type=action.type,
            name=action.name,
            key=action.key,
            parent=action.parent,
            base=action.base,
            builder=action.builder,
            fresh=action.fresh,
            workspace=workspace,
            packages=action.packages,
            source=self.source(),
            created=self.clock.now(),
            vault=self.vault(action),
        )
        log = context.log_directory / "build.log"
        try:
            image = self.images.build(request, log=log, say=context.say, between=context.renew)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)  # its variables may hold what came from the environment
        return Built(image=image.id, bytes=image.size)

    def _delete(self, action: DeleteImage, context: Context) -> None:
        """On the way back only what this bake made: the image may be another's that it had only waited for."""
        if context.part is Part.BACK:
            self.images.discard(action.image)
        else:
            self.images.delete(action.image)

    def _verify(self, action: VerifyImage, context: Context) -> Verified:
        image = self.images.find(action.image)
        if image is None:
            raise ToolError(
                f"the image {action.image} is gone before it was verified",
                details="another process removed it, or its bake died",
                resolution="Bake it again.",
            )
        proven = image.verified and image.verified_on.covers(action.on)  # by another process, while this one waited
        if not proven:
            log = context.log_directory / "verification.log"
            tests = self.images.verify(
                image, action.tests, on=action.on, log=log, say=context.say, between=context.renew
            )
            _expect_all_ok(image, tests, context.log_directory / "console.log")
            image = self.images.mark_verified(image, tests, on=action.on, between=context.renew)
        return Verified(image=image.id, tests=len(image.tests))


def _expect_all_ok(image: Image, tests: tuple[TestResult, ...], console: Path) -> None:
    failed = [test for test in tests if not test.ok]
    if failed:
        shown = [f"{test.name}\n{_indented(test.output, OUTPUT_LINES)}".rstrip() for test in failed]
        raise ToolError(
            f"{image.type}/{image.name} failed {len(failed)} of {len(tests)} tests of its verification",
            details="\n".join([*shown, "the end of its console:", _indented(_text(console), CONSOLE_LINES)]),
            resolution=f"Correct the recipe or the test, then bake again. The whole console is in {console}.",
            facts={"tests": [{"image": f"{image.type}/{image.name}", **asdict(test)} for test in tests]},
        )


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def _indented(text: str, lines: int) -> str:
    return "\n".join(f"    {line.rstrip()}" for line in text.splitlines()[-lines:])
