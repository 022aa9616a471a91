"""Load a `phoenix.yaml` into the frozen values of this package, or tell all its mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phoenix.spec import stack_refs
from phoenix.spec.mistakes import Mistake, MistakesError, Place, dotted, line_of
from phoenix.spec.project import Project
from phoenix.spec.reader import Document, read
from phoenix.spec.relations_stacks import stack_mistakes
from phoenix.spec.stack_refs import Outputs
from phoenix.spec.standing import standing
from phoenix.typed import without_plugins

_OF_STACKS = ("version", "project", "state", "state_is_shared", "stacks")


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """Where a project's record is: what has to be known before anything else of the file."""

    state: str
    directory: Path
    """The state directory, where `state` is none in a bucket."""


def home(file: Path, environment: Mapping[str, str]) -> Home:
    """Where the record of the project in `file` is, whatever else is wrong with the file.

    MistakesError where `state` itself is a mistake: elsewhere nothing would be found of what was ever done.
    """
    from phoenix.spec.form.fields import located

    file = file.absolute()
    document = read(file, environment)
    if wrong := tuple(each for each in document.mistakes if each.path == "state"):
        raise MistakesError(file, wrong)
    named = document.data.get("state")
    state = named if isinstance(named, str) and named else ".phoenix"
    return Home(state=state, directory=located(state, file.parent))


def load_stacks(file: Path, environment: Mapping[str, str], outputs: Outputs, stack: str | None) -> Project:
    """The project's stacks and where its record is, and nothing else of it: ground comes before what stands on it.

    `stack`: the one that is meant; what the others lack is not told. Raises as `load`.
    """
    file = file.absolute()
    document = read(file, environment, outputs)
    data = {name: value for name, value in document.data.items() if name in _OF_STACKS}
    mistakes = [
        mistake
        for mistake in (*document.mistakes, *(document.unset if stack else ()))
        if mistake.path.split(".")[0] in ("", *_OF_STACKS)
        and (stack is None or not mistake.path.startswith("stacks.") or mistake.path.split(".")[1] == stack)
    ]
    return _project(file, replace(document, data=data, mistakes=tuple(mistakes)), directory=None)


def load(file: Path, environment: Mapping[str, str], outputs: Outputs = stack_refs.nothing_known) -> Project:
    """The project that `file` describes; `${NAME}` in it refers to `environment`, `${stack.NAME.OUTPUT}` to `outputs`.

    Raises MistakesError with every mistake of the file, each with line, path and what would be accepted;
    SpecError where the file cannot be read at all.
    """
    file = file.absolute()
    document = read(file, environment, outputs)
    return standing(_project(file, document, directory=file.parent), document.references)


def _project(file: Path, document: Document, *, directory: Path | None) -> Project:
    """The document as frozen values. `directory`: where what it refers to is looked for; None: nowhere."""
    from pydantic import ValidationError

    from phoenix.spec.form.project import ProjectForm
    from phoenix.spec.relations import relation_mistakes

    found = list(_nothing(document.data, ()))
    form = None
    try:
        with without_plugins():
            form = ProjectForm.model_validate(document.data)
    except ValidationError as error:
        from phoenix.spec.explain import explain

        found += explain(error, document.data, ProjectForm.model_json_schema())
    found += relation_mistakes(document.data, directory) if directory else stack_mistakes(document.data, file.parent)
    placed = _placed(document, [each for each in found if each[0] not in document.unresolved])
    mistakes = [*document.mistakes, *placed]
    if mistakes or form is None:
        raise MistakesError(file, mistakes)
    return form.read(file)


def _nothing(data: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Keys with nothing behind them: a default is asked for by leaving the key out, not by an empty one."""
    if data is None:
        yield place, "has no value; give one or take the key out"
    if place[:1] == ("images",) and place[3:4] == ("variables",):
        return  # to Ansible, null is a value
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _nothing(value, (*place, key))


def _placed(document: Document, found: list[tuple[Place, str]]) -> list[Mistake]:
    """Mistakes with their lines; the first one said of a place is the one that counts."""
    first: dict[Place, str] = {}
    for place, what in found:
        first.setdefault(place, what)
    return [
        Mistake(line=line_of(place, document.lines), path=dotted(place), what=what) for place, what in first.items()
    ]
