"""Load a `phoenix.yaml` into the frozen values of this package, or tell all its mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phoenix.spec.mistakes import Mistake, MistakesError, Place, dotted, line_of
from phoenix.spec.project import Project
from phoenix.spec.reader import Document, read
from phoenix.typed import without_plugins


def load(file: Path, environment: Mapping[str, str]) -> Project:
    """The project that `file` describes; `${NAME}` in it refers to `environment`.

    Raises MistakesError with every mistake of the file, each with line, path and what would be accepted;
    SpecError where the file cannot be read at all.
    """
    from pydantic import ValidationError

    from phoenix.spec.form.project import ProjectForm
    from phoenix.spec.relations import relation_mistakes

    file = file.absolute()
    document = read(file, environment)
    found = list(_nothing(document.data, ()))
    form = None
    try:
        with without_plugins():
            form = ProjectForm.model_validate(document.data)
    except ValidationError as error:
        from phoenix.spec.explain import explain

        found += explain(error, document.data, ProjectForm.model_json_schema())
    found += relation_mistakes(document.data, file.parent)
    mistakes = [*document.mistakes, *_placed(document, found)]
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
