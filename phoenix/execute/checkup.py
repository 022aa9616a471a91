"""What `phoenix doctor` looks at on every computer: the programs that are needed. Each cloud adds its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime

from phoenix.errors import PhoenixError
from phoenix.execute import signing
from phoenix.execute.repositories import UNSIGNED
from phoenix.manner import Finding, State
from phoenix.spec.project import Project
from phoenix.tools import packer, terraform, toolbox


def tools(*, local: bool, elsewhere: bool = True) -> Iterator[Finding]:
    """Every program that is needed, with its version; with `local` also those for machines of this computer.

    `elsewhere`: whether other clouds are asked for. Without Packer this computer still bakes its own images.
    """
    for tool in toolbox.TOOLBOX:
        if tool.local and not local:
            continue
        path = toolbox.find(tool)
        if path is not None and tool.program == "packer":
            yield _packer(path)
            continue
        if path is not None:
            found = toolbox.version(tool, path) or path
            yield Finding(state=State.FINE, subject=tool.program, found=found)
            continue
        dispensable = {"newuidmap": os.geteuid() == 0, "packer": not elsewhere}.get(tool.program, False)
        needed = not tool.instead and not dispensable
        remedy = f"apt-get install {tool.package}" + (f", or {tool.instead}" if tool.instead else "")
        if tool.program == "packer":
            remedy += " (Debian 13 has none: take it from its makers)"
        state = State.LACK if needed else State.NOTE
        yield Finding(state=state, subject=tool.program, found=f"missing: {tool.purpose}", remedy=remedy)


def _packer(path: str) -> Finding:
    """Which Packer it is, what it can bake for, and where it lacks plugins the line that installs them all."""
    from phoenix.tools import packer_plugins

    try:
        version = packer.version()
        there = packer_plugins.installed(version)
    except PhoenixError as error:
        return Finding(state=State.NOTE, subject="packer", found=f"{path}: {error.brief}", remedy=error.resolution)
    able = packer_plugins.able(version, there)
    lacking = [
        name for builder in packer_plugins.BUILDERS.values() for name in packer_plugins.missing(version, there, builder)
    ]
    found = f"{packer_plugins.told(version, there)}; bakes for {', '.join(able) or 'no cloud'}"
    remedy = packer_plugins.install(dict.fromkeys(lacking))
    return Finding(state=State.FINE if able else State.NOTE, subject="packer", found=found, remedy=remedy)


def stacks(project: Project) -> Iterator[Finding]:
    """The Terraform or OpenTofu of each stack, with its version."""
    for spec in project.stacks.values():
        subject = f"stack {spec.name}"
        try:
            found = terraform.version(terraform.find(spec.program))
        except PhoenixError as error:
            yield Finding(state=State.LACK, subject=subject, found=error.brief, remedy=error.resolution)
            continue
        yield Finding(state=State.FINE, subject=subject, found=found)


def repositories(project: Project, now: datetime) -> Iterator[Finding]:
    """How each repository is signed, and what is to be done about its key before long."""
    for spec in project.repositories.values():
        subject = f"repository {spec.name}"
        if spec.sign == UNSIGNED:
            remedy = "set `sign: auto` in phoenix.yaml and publish again"
            yield Finding(state=State.NOTE, subject=subject, found=signing.unsigned(spec), remedy=remedy)
            continue
        try:
            troubles = signing.warnings(spec, now)
        except PhoenixError as error:
            why = error.details.rpartition("\n")[2] or error.brief
            yield Finding(state=State.LACK, subject=subject, found=f"its keys cannot be read: {why}")
            continue
        for trouble in troubles:
            yield Finding(state=State.NOTE, subject=subject, found=trouble)
        if not troubles:
            yield Finding(state=State.FINE, subject=subject, found=f"signed (`sign: {spec.sign}`)")
