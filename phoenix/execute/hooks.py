"""Runs the commands of a roll's hooks: each as its own process group with a time limit, output in the record."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from phoenix.errors import RefusedError, ToolError
from phoenix.execute.engine import Context
from phoenix.plan.actions import Plan
from phoenix.plan.roll_actions import RollAction, RunHooks
from phoenix.spec.services import ServiceSpec
from phoenix.tools.process import Command, run


def digests(service: ServiceSpec, directory: Path) -> dict[str, str]:
    """SHA-256 of the file behind each hook command; empty where the command is no file of the project."""
    hooks = (*service.hooks.before_traffic, *service.hooks.after_traffic, *service.hooks.on_abort)
    return {hook.command: _digest(hook.command, directory) for hook in hooks}


def differing(plan: Plan[RollAction], directory: Path) -> tuple[str, ...]:
    """The plan's hook commands whose files are not, in the project in `directory`, those that were planned."""
    actions = [step.action for step in (*plan.steps, *plan.back) if isinstance(step.action, RunHooks)]
    pairs = [pair for action in actions for pair in zip(action.commands, action.digests, strict=True)]
    return tuple(dict.fromkeys(command for command, digest in pairs if _digest(command, directory) != digest))


def runner(directory: Path) -> Callable[[RunHooks, Mapping[str, str], Context], None]:
    """What carries out a `RunHooks` for the project in `directory`."""

    def run_hooks(action: RunHooks, environment: Mapping[str, str], context: Context) -> None:
        for command, timeout, digest in zip(action.commands, action.timeouts, action.digests, strict=True):
            refuse_another(command, digest, directory)
            context.say(command)
            _run(command, timeout, directory, environment, context)

    return run_hooks


def refuse_another(command: str, digest: str, directory: Path) -> None:
    """Raise RefusedError where the file behind the command is not the one that was planned."""
    if _digest(command, directory) != digest:
        raise RefusedError(
            f"the hook '{command}' is not the one that was planned",
            details="its file has changed since the run began",
            resolution="Abort this run and roll again.",
        )


def _run(command: str, timeout: float, directory: Path, environment: Mapping[str, str], context: Context) -> None:
    log = context.log_directory / f"hook-{context.step}.log"
    try:
        run(
            Command(argv=("/bin/sh", "-c", command), cwd=directory, environment=environment, kept=True),
            timeout=timeout,
            log=log,
            on_line=context.say,
            between=context.renew,
        )
    except ToolError as error:
        raise ToolError(
            f"the hook '{command}' failed",
            details=f"{error.brief} (time limit {timeout:g} s); {error.details}",
            resolution=f"Its output is in {log}.",
        ) from error


def _digest(command: str, directory: Path) -> str:
    words = shlex.split(command)
    file = directory / words[0] if words else directory
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
