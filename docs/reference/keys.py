"""Every key of phoenix.yaml, read off the models that read the file: meaning, default, what is accepted, an example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from docs.reference.table import table
from docs.reference.values import SHORT, Shape, as_yaml, shape_of
from phoenix.spec.form.fields import Form
from phoenix.spec.form.project import ProjectForm

TOP = "phoenix.yaml"
NAMES = {
    "clouds": "CLOUD",
    "repositories": "REPOSITORY",
    "services": "SERVICE",
    "environments": "ENVIRONMENT",
    "stacks": "STACK",
}
"""What stands for a name of one's own, by the key above it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One mapping of the file: where it stands, and its model. `path` has capital words for names of one's own."""

    path: str
    form: type[Form]


def sections() -> tuple[Section, ...]:
    """Every mapping of the file, each once: at the first place where it can stand."""
    found: dict[type[Form], Section] = {}
    _walk("", ProjectForm, found)
    return tuple(found.values())


def _walk(path: str, form: type[Form], found: dict[type[Form], Section]) -> None:
    if form in found:
        return
    found[form] = Section(path=path, form=form)
    for name, field in form.model_fields.items():
        shape = shape_of(field)
        for below in shape.forms:
            _walk(_place(path, name, shape), below, found)


def _place(path: str, name: str, shape: Shape) -> str:
    """Where the mappings of a key stand: `services.SERVICE`, `services.SERVICE.packages[]`."""
    here = f"{path}.{name}" if path else name
    return f"{here}.{NAMES.get(name, 'NAME')}" if shape.named else f"{here}[]" if shape.listed else here


def markdown() -> str:
    """The generated part of the page."""
    every = sections()
    places = {each.form: each.path for each in every}
    return "\n".join([_units(), *(_section(each, places) for each in every)])


def _units() -> str:
    said = "".join(f"- {word}: {accepted}\n" for accepted, word in SHORT.items())
    return f"What the tables call\n\n{said}"


def _section(section: Section, places: dict[type[Form], str]) -> str:
    rows = [_row(name, field, places) for name, field in section.form.model_fields.items()]
    kinds = section.form.model_fields.get("kind")
    kind = f" (`kind: {shape_of(kinds).choices[0]}`)" if kinds else ""
    title = f"`{section.path}`{kind}" if section.path else "The file"
    about = (section.form.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    rows_of_page = table(("key", "meaning", "accepted", "default", "example"), rows)
    return f"### {title}\n\n{about}\n\n{rows_of_page}"


def _row(name: str, field: FieldInfo, places: dict[type[Form], str]) -> tuple[str, ...]:
    meaning, default = meaning_and_default(field)
    shape = shape_of(field)
    at = ", ".join(dict.fromkeys(f"`{places[form]}`" for form in shape.forms))
    below = f"{'below each, ' if shape.named else ''}keys of {at}" if at else ""
    accepted = "; ".join(filter(None, (shape.accepted, below)))
    return (f"`{name}`", meaning, accepted, default, f"`{name}: {as_yaml(example(name, field))}`")


def meaning_and_default(field: FieldInfo) -> tuple[str, str]:
    """What a key means, and what holds without it.

    A description ends, behind its last semicolon, with what holds where the default itself cannot say it.
    """
    text = (field.description or "").rstrip(".")
    if field.is_required():
        return f"{text}.", "needed"
    said = field.default if field.default_factory is None else None
    if said not in (None, [], {}):
        return f"{text}.", f"`{as_yaml(said)}`"
    meaning, semicolon, default = text.rpartition("; ")
    if semicolon:
        return f"{meaning}.", default
    return f"{text}.", "none" if field.default_factory is None else "that of each key"


def example(name: str, field: FieldInfo) -> Any:
    """A value for the key: the one beside it in the code, else one of its kind. ValueError where there is none."""
    if field.examples:
        return field.examples[0]
    shape = shape_of(field)
    if shape.example is None:
        raise ValueError(f"the key {name} needs an example: Field(..., examples=[VALUE]) in phoenix/spec/form/")
    return shape.example


def examples() -> Iterator[tuple[str, FieldInfo, Any]]:
    """Place, field and example of every key, for whoever tries them."""
    for section in sections():
        for name, field in section.form.model_fields.items():
            yield f"{section.path or TOP}.{name}", field, example(name, field)
