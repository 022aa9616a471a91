"""Bakes by the local builders themselves: a playbook on a tree, without record, locks and verification."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import SystemClock
from phoenix.clouds.api import BakeRequest
from phoenix.clouds.local.bake import builders, chroot_builder, light_builder, template
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.execute import workspace
from phoenix.model import ImageType, Source
from phoenix.spec.images import ImageName, Recipe
from phoenix.spec.project import Project

HEAD = """---
- name: Tried
  hosts: all
  become: true
  gather_facts: {facts}
  tasks:
"""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What came of a bake."""

    tree: Path
    log: str
    said: tuple[str, ...]


def build(
    builder: str,
    below: Path,
    directory: Path,
    tasks: str,
    *,
    reach: tuple[int, ...] = (),
    facts: bool = False,
    vault: bytes = b"",
) -> Build:
    """Run tasks (of a playbook, indented by four) on the tree `below`. ToolError where one fails.

    Further files of the project may lie in `directory`/project already.
    """
    own = directory / "project/playbooks/tried.yml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(HEAD.format(facts=str(facts).lower()) + tasks)
    said: list[str] = []
    laid_out = directory / "workspace"
    workspace.lay_out(_project(directory / "project"), _recipe(), template.template(), laid_out)
    files = ImageFiles(directory=directory / "image")
    files.directory.mkdir()
    work = builders.Work(
        request=_request(builder, laid_out, vault),
        files=files,
        clock=SystemClock(),
        log=directory / "log",
        say=said.append,
        between=lambda: None,
        reach=reach,
    )
    work.scratch.mkdir()
    bake = light_builder.bake if builder == "light" else chroot_builder.bake
    bake(work, below)
    return Build(tree=files.tree, log=work.log.read_text(), said=tuple(said))


def _project(directory: Path) -> Project:
    return Project(
        name="tried",
        directory=directory,
        file=directory / "phoenix.yaml",
        state=".phoenix",
        state_is_shared=False,
        clouds={},
        repositories={},
        recipes={},
        services={},
        stacks={},
    )


def _recipe() -> Recipe:
    return Recipe(
        image=ImageName(type=ImageType.FOUNDATION, name="tried"),
        parent=ImageName(type=ImageType.OS, name="below"),
        base={},
        playbook="tried.yml",
        variables={},
        packages=(),
        tests=(),
        max_age=None,
    )


def _request(builder: str, laid_out: Path, vault: bytes) -> BakeRequest:
    return BakeRequest(
        image_id="tried",
        type=ImageType.FOUNDATION,
        name="tried",
        key="key",
        parent="below",
        base="",
        builder=builder,
        fresh=False,
        workspace=laid_out,
        packages=(),
        source=Source(commit="c" * 40, dirty=False),
        created=datetime.datetime.now(datetime.UTC),
        vault=vault,
    )
