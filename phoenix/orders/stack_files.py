"""Terraform's plans as files (`--plan-out`, `--from-plan`): with what they were made of, so that each is applied where
it was made for and to what phoenix.yaml says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix import __version__
from phoenix.errors import SpecError
from phoenix.spec.stacks import StackSpec

FORMAT = "phoenix-stack-plan-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPlan:
    """What was in the file. `stale`: why it no longer fits phoenix.yaml, empty where it does."""

    content: bytes
    destroy: bool
    stale: str


def write(file: Path, spec: StackSpec, plan: Path, *, destroy: bool) -> None:
    """Write the saved plan, whole or not at all, readable by its owner alone. SpecError where that cannot be done."""
    data = {
        "format": FORMAT,
        "phoenix": __version__,
        "stack": spec.name,
        "made_of": _made_of(spec),
        "destroy": destroy,
        "plan": base64.b64encode(plan.read_bytes()).decode(),
    }
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(data, out)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SpecError(
            f"the plan cannot be written to {file}",
            details=error.strerror or str(error),
            resolution="Name a file in a directory that is there, with --plan-out.",
        ) from error


def read(file: Path, spec: StackSpec) -> KeptPlan:
    """The plan in the file. SpecError where it is damaged, or another stack's."""
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise _no_plan(file, f"it has format {data['format']}; this is phoenix {__version__} with {FORMAT}")
        if data["stack"] != spec.name:
            raise _no_plan(file, f"it plans the stack {data['stack']}, not {spec.name}")
        content = base64.b64decode(data["plan"], validate=True)
        same = data["made_of"] == _made_of(spec)
        return KeptPlan(
            content=content,
            destroy=data["destroy"] is True,
            stale="" if same else f"stacks.{spec.name} of phoenix.yaml, or a variable of its, has changed since",
        )
    except OSError as error:
        raise _no_plan(file, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise _no_plan(file, f"phoenix has not written it, or it was cut off: {error}") from error


def _made_of(spec: StackSpec) -> str:
    """A digest of what phoenix.yaml says. It is kept beside the plan alone, which holds the secrets themselves."""
    files = [hashlib.sha256(file.read_bytes()).hexdigest() for file in spec.variable_files if file.is_file()]
    parts = [dict(spec.variables), dict(spec.backend), files]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _no_plan(file: Path, why: str) -> SpecError:
    return SpecError(
        f"{file} is no plan that can be carried out here",
        details=why,
        resolution="Write one with --plan-out, by the same phoenix and for the same stack, and leave it as it is.",
    )
