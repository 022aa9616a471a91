"""Plans as files: written by `--plan-out`, looked at by a person or another program, carried out by `--from-plan`.

A file holds the plan and what decided it, so that it can be decided again before the first effect: what is no
longer the same plan is refused. It holds no secret: settings only refer to them. Its digest tells a damaged file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from phoenix import __version__
from phoenix.errors import RefusedError, SpecError
from phoenix.execute import hooks
from phoenix.model import Release
from phoenix.plan.actions import Plan, roll_plan, to_json
from phoenix.plan.roll_actions import RollAction
from phoenix.spec.services import Strategy
from phoenix.spec.strategies import KINDS, kind_of
from phoenix.typed import adapter

FORMAT = 1
"""Changes with everything that an older phoenix would misread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPlan:
    """A plan with what decided it."""

    kind: str
    """`roll` or `rollback`."""
    plan: Plan[RollAction]
    release: Release | None = None
    """What a new group is started with; None where traffic goes to a group that stands."""
    strategy: Strategy | None = None
    hold: bool = False
    group: str | None = None
    """The group that stands and is to serve again."""
    former: str | None = None
    """The group that the record is to name as the one before."""


def write(file: Path, saved: SavedPlan) -> None:
    """Write the file, whole or not at all, readable by its owner. SpecError where that cannot be done."""
    if not file.name or (file.exists() and not file.is_file()):
        raise SpecError(
            f"the plan cannot be written to {file}",
            details="it is no file, and would be replaced by one",
            resolution="Name a file, new or to be replaced, with --plan-out.",
        )
    text = json.dumps({**_data(saved), "digest": _digest(_data(saved))}, indent=2) + "\n"
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SpecError(
            f"the plan cannot be written to {file}",
            details=error.strerror or str(error),
            resolution="Name a file in a directory that is there, with --plan-out.",
        ) from error


def read(file: Path, kind: str, subject: str) -> SavedPlan:
    """The plan in the file. SpecError where it is damaged, of another kind or subject, or of another format."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_plan(file, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _no_plan(file, f"it is no JSON: {error}") from error
    if not isinstance(data, dict) or "format" not in data:
        raise _no_plan(file, "phoenix has not written it")
    if data["format"] != FORMAT:
        known = f"it has format {data['format']}, of phoenix {data.get('phoenix', '?')}"
        raise _no_plan(file, f"{known}; this is phoenix {__version__} with format {FORMAT}")
    if data.pop("digest", None) != _digest(data):
        raise _no_plan(file, "it was changed or cut off after phoenix had written it")
    saved = _parsed(file, data)
    if not ((saved.release and saved.strategy) if saved.kind == "roll" else (saved.release or saved.group)):
        raise _no_plan(file, "it does not say where to")
    if (saved.kind, saved.plan.subject) != (kind, subject):
        raise _no_plan(file, f"it plans the {saved.kind} of {saved.plan.subject}, not the {kind} of {subject}")
    return saved


def refuse_stale(saved: SavedPlan, today: Plan[RollAction], directory: Path) -> None:
    """RefusedError where the same decision, taken today, is another plan, or the hooks in `directory` are others."""
    if today.fingerprint != saved.plan.fingerprint:
        raise stale(saved, "groups, routes or phoenix.yaml have changed since it was made")
    other = hooks.differing(saved.plan, directory)
    if other:
        raise stale(saved, f"hooks have changed since it was made: {', '.join(other)}")
    if today != saved.plan:
        raise stale(saved, "the same decision has other steps today, or somebody has edited the file")


def stale(saved: SavedPlan, why: str) -> RefusedError:
    """The refusal of a plan that no longer fits the world."""
    return RefusedError(
        f"the plan for {saved.plan.subject} is stale",
        details=why,
        resolution="Nothing was changed. Make it again with --plan-out, and look at it again.",
    )


def _data(saved: SavedPlan) -> dict[str, Any]:
    strategy = {"kind": kind_of(saved.strategy), **asdict(saved.strategy)} if saved.strategy else None
    data = {
        "format": FORMAT,
        "phoenix": __version__,
        "kind": saved.kind,
        "subject": saved.plan.subject,
        "release": asdict(saved.release) if saved.release else None,
        "options": {"strategy": strategy, "hold": saved.hold, "group": saved.group, "former": saved.former},
        "plan": to_json(saved.plan),
    }
    same: dict[str, Any] = json.loads(json.dumps(data))  # tuples become lists, as they will be when it is read
    return same


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _parsed(file: Path, data: Mapping[str, Any]) -> SavedPlan:
    try:
        options, release = data["options"], data["release"]
        return SavedPlan(
            kind=data["kind"],
            plan=roll_plan(data["plan"]),
            release=adapter(Release).validate_python(release) if release else None,
            strategy=_strategy(options["strategy"]),
            hold=bool(options["hold"]),
            group=_name(options["group"]),
            former=_name(options["former"]),
        )
    except ValidationError as error:
        raise _no_plan(file, f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_plan(file, f"it lacks {error}") from error


def _name(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("a group's name")
    return value


def _strategy(facts: Mapping[str, Any] | None) -> Strategy | None:
    if facts is None:
        return None
    fields = {name: value for name, value in facts.items() if name != "kind"}
    form: Any = KINDS[facts["kind"]]
    strategy: Strategy = adapter(form).validate_python(fields)
    return strategy


def _no_plan(file: Path, why: str) -> SpecError:
    return SpecError(
        f"{file} is no plan that can be carried out here",
        details=why,
        resolution="Write one with --plan-out, by the same phoenix and for the same service, and leave it as it is.",
    )
