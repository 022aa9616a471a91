"""Plans as files: written to be looked at, read to be carried out by the same phoenix and for the same place.

A file holds no secret: settings only refer to them. Its digest tells a damaged one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from phoenix import __version__
from phoenix.errors import RefusedError, SpecError
from phoenix.model import Release
from phoenix.orders.planned import Decided, Planned
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.roll_actions import roll_plan
from phoenix.spec.services import Strategy
from phoenix.spec.strategies import KINDS, kind_of
from phoenix.typed import adapter

FORMAT = 1
"""Changes with everything that an older phoenix would misread."""

O = TypeVar("O")  # noqa: E741 - an order


def write(file: Path, saved: Planned[Any]) -> None:
    """Write the file, whole or not at all, readable by its owner. SpecError where that cannot be done."""
    if saved.aborts:
        raise RefusedError(
            f"{saved.plan.subject if saved.plan else saved.aborts} has a run that a rollback aborts",
            details=saved.plan.why if saved.plan else saved.aborts,
            resolution="Say `phoenix rollback` without a plan, or `phoenix abort`.",
        )
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


def read(file: Path, order: O, kind: str, subject: str) -> Planned[O]:
    """The plan in the file, of `order`. SpecError where it is damaged, of another kind, subject or format."""
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
    plan, decided = _parsed(file, data)
    if not ((decided.release and decided.strategy) if decided.kind == "roll" else (decided.release or decided.group)):
        raise _no_plan(file, "it does not say where to")
    if (decided.kind, plan.subject) != (kind, subject):
        raise _no_plan(file, f"it plans the {decided.kind} of {plan.subject}, not the {kind} of {subject}")
    return Planned(order=order, plan=plan, decided=decided)


def _data(saved: Planned[Any]) -> dict[str, Any]:
    plan, decided = saved.plan, saved.decided
    assert plan is not None, "bakes are planned anew"
    assert decided is not None, "only rolls and rollbacks are saved"
    strategy = {"kind": kind_of(decided.strategy), **asdict(decided.strategy)} if decided.strategy else None
    data = {
        "format": FORMAT,
        "phoenix": __version__,
        "kind": decided.kind,
        "subject": plan.subject,
        "release": asdict(decided.release) if decided.release else None,
        "options": {
            "strategy": strategy,
            "hold": decided.hold,
            "adopt": decided.adopt,
            "group": decided.group,
            "former": decided.former,
        },
        "plan": to_json(plan),
    }
    same: dict[str, Any] = json.loads(json.dumps(data))  # tuples become lists, as they will be when it is read
    return same


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _parsed(file: Path, data: Mapping[str, Any]) -> tuple[Plan[Any], Decided]:
    try:
        options, release = data["options"], data["release"]
        return roll_plan(data["plan"]), Decided(
            kind=data["kind"],
            release=adapter(Release).validate_python(release) if release else None,
            strategy=_strategy(options["strategy"]),
            hold=bool(options["hold"]),
            adopt=bool(options.get("adopt")),
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
