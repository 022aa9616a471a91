"""YAML to plain data, with the line of every value: what a parser of YAML alone would forget.

A small reader of its own instead of `yaml.safe_load`, because the file is for people: two equal keys are a
mistake and not a silent choice, `1.10` in a version and `12:30` in a setting stay what was written, and
references to the environment are resolved before a value's type is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from phoenix.errors import SpecError
from phoenix.spec import stack_refs
from phoenix.spec.mistakes import Mistake, MistakesError, Place, dotted
from phoenix.spec.stack_refs import Outputs, Reference
from phoenix.units import as_text, is_text

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 50_000
"""Aliases can make a small file a huge tree."""

_REFERENCE = re.compile(stack_refs.REFERENCE.pattern + r"|\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{")
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")
_MERGE = "tag:yaml.org,2002:merge"
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9][0-9_]{0,17}\.[0-9_]{0,17}([eE][-+][0-9]{1,2})?")
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A file as plain data (dict, list, str, int, float, bool, None), with the line of each place."""

    file: Path
    data: dict[str, Any]
    lines: Mapping[Place, int]
    mistakes: tuple[Mistake, ...]
    """What is wrong with it already: keys that stand twice, variables that are not set, unknown tags."""
    references: Mapping[Place, tuple[Reference, ...]] = field(default_factory=dict)
    """The outputs of stacks that were filled in, by where."""
    unresolved: frozenset[Place] = frozenset()
    """Where a reference to a stack came to nothing; a mistake says why."""
    unset: tuple[Mistake, ...] = ()
    """Variables that are not set and that a stack alone needs: most who use the project have not its secrets."""


def read(file: Path, environment: Mapping[str, str], outputs: Outputs = stack_refs.nothing_known) -> Document:
    """Read `file`. Raises SpecError where it cannot be read, MistakesError where it is no YAML mapping.

    `outputs` is what `${stack.NAME.OUTPUT}` refers to.
    """
    text = _text(file)
    try:
        _check_depth(file, text)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise MistakesError(file, [_syntax(error, text.splitlines())]) from error
    if not isinstance(root, yaml.MappingNode):
        what = "the file is empty" if root is None else "the file must be a mapping"
        raise MistakesError(file, [Mistake(line=1, path="", what=f"{what}; it begins with `version: 1`")])
    builder = _Builder(file=file, environment=environment, outputs=outputs, stacks=_stacks_of(root))
    data = builder.mapping(root, ())
    return Document(
        file=file,
        data=data,
        lines=builder.lines,
        mistakes=tuple(builder.mistakes),
        references=builder.references,
        unresolved=frozenset(builder.unresolved),
        unset=tuple(builder.unset),
    )


def _stacks_of(root: yaml.MappingNode) -> tuple[str, ...]:
    """The names of the file's stacks, which may be referred to before they come."""
    return tuple(
        str(key.value)
        for name, stacks in root.value
        if name.value == "stacks" and isinstance(stacks, yaml.MappingNode)
        for key, _stack in stacks.value
    )


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise SpecError(
            f"cannot read {file}", details=str(error.strerror), resolution="Look at the file and its rights."
        ) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MistakesError(file, [Mistake(line=line, path="", what="this is not text in UTF-8")]) from error
    if len(content) > MAX_BYTES:
        raise MistakesError(file, [Mistake(line=1, path="", what="the file is larger than 1 MiB")])
    return text


def _check_depth(file: Path, text: str) -> None:
    """Refuse what is nested so deeply that composing it would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise MistakesError(file, [Mistake(line=_line(event), path="", what=_TOO_DEEP)])


def _syntax(error: yaml.YAMLError, lines: list[str]) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    context = getattr(error, "context", None)
    line = mark.line + 1 if mark else 1
    around = "\n".join(lines[max(0, line - 2) : line])
    hint = " (indent with spaces, not tabs)" if "\t" in around else ""
    hint = " (inside {...} or [...] a value with ${...} needs quotes)" if "${" in around else hint
    what = f"not YAML: {f'{context}: ' if context else ''}{problem}{hint}"
    return Mistake(line=line, path="", what=what.replace("\n", " "))


def _is_text(place: Place) -> bool:
    """Whether a scalar at `place` is text whatever it looks like: settings, versions, Terraform's variables."""
    match place:
        case ("services", _, "settings", _) | ("services", _, "environments", _, "settings", _):
            return True
        case ("stacks", _, "variables", _):
            return True
        case (*_, "packages", int(), "version"):
            return True
        case _:
            return False


def _in_settings(place: Place) -> bool:
    """Whether it is a setting of a service, or of an environment of it."""
    return place[:1] == ("services",) and "settings" in (*place[2:3], *place[4:5])


def _line(thing: yaml.Node | yaml.Event) -> int:
    mark = thing.start_mark
    return mark.line + 1 if mark else 1


def _tag_of(text: str) -> str:
    """What YAML takes an unquoted scalar for."""
    loader: Any = yaml.SafeLoader("")
    return str(loader.resolve(yaml.ScalarNode, text, (True, False)))


def _plain_value(tag: str, text: str) -> Any:
    """The value of a scalar that is no text by its tag; what JSON cannot say, or YAML surprises with, stays text.

    `0644` is not 420 and `12:30` is not 750: whoever writes that means what stands there.
    """
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return text.lower() in {"yes", "true", "on"}
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text


@dataclass(kw_only=True)
class _Builder:
    """Walks the nodes once. Collects lines and mistakes on its way."""

    file: Path
    environment: Mapping[str, str]
    outputs: Outputs
    stacks: tuple[str, ...]
    references: dict[Place, tuple[Reference, ...]] = field(default_factory=dict)
    unresolved: set[Place] = field(default_factory=set)
    unset: list[Mistake] = field(default_factory=list)
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    _open: list[yaml.Node] = field(default_factory=list)
    _count: int = 0

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        """The mapping at `place`; a key that stands twice is a mistake."""
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                for each in reversed(self._merged(value_node, place)):
                    found.update(each)
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(place, key_node, "a key must be text")
                continue
            if key_node.tag == _MERGE:
                continue
            key = str(key_node.value)
            here = (*place, key)
            if key in first:
                self._wrong(here, key_node, f"this key stands twice, first in line {first[key]}")
            first.setdefault(key, _line(key_node))
            self.lines[here] = _line(key_node)
            found[key] = self.value(value_node, here)
        return found

    def value(self, node: yaml.Node, place: Place) -> Any:
        """The value at `place`, whatever it is."""
        self.lines.setdefault(place, _line(node))
        self._count += 1
        if self._count > MAX_VALUES:
            raise MistakesError(self.file, [Mistake(line=1, path="", what=f"more than {MAX_VALUES} values")])
        if len(self._open) > MAX_DEPTH:
            raise MistakesError(self.file, [Mistake(line=_line(node), path="", what=_TOO_DEEP)])
        if node in self._open:
            self._wrong(place, node, "an alias must not contain itself")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, place)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, (*place, index)) for index, each in enumerate(node.value)]
            assert isinstance(node, yaml.ScalarNode), "YAML has no fourth kind"
            return self._scalar(node, place)
        finally:
            self._open.pop()

    def _merged(self, node: yaml.Node, place: Place) -> list[dict[str, Any]]:
        """The mappings that `<<` names, strongest first. Their lines are those of where they were written."""
        found: list[dict[str, Any]] = []
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            content = self.value(each, place)
            if isinstance(content, dict):
                found.append(content)
            else:
                self._wrong(place, each, "`<<` takes a mapping or a list of mappings")
        return found

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        whole = stack_refs.REFERENCE.fullmatch(str(node.value))
        if whole and not _in_settings(place):
            value = self._output(whole[1], whole[2], node, place)
            structured = isinstance(value, list | dict)  # a list stays a list
            return value if structured or not _is_text(place) else stack_refs.as_text(value)
        text = self._resolved(node, place)
        tag = node.tag
        if not node.style and text != node.value and tag in _TEXT:
            tag = _tag_of(text)
        if _is_text(place):
            return "" if tag == _NULL else text
        if tag in _TEXT:
            return text
        if tag not in (_NULL, _BOOL, *_NUMBERS):
            self._wrong(place, node, f"the tag {tag} is not accepted here")
            return text
        return _plain_value(tag, text)

    def _resolved(self, node: yaml.Node, place: Place) -> str:
        """The scalar's text with `${NAME}` and `${NAME:-default}` filled in; `$${` stands for `${` itself."""
        text = str(node.value)
        if "${" not in text:
            return text
        if _in_settings(place):
            self._wrong(
                place, node, "${...} is not accepted in settings; write the value, or a reference (machine-file:PATH)"
            )
            return text
        return _REFERENCE.sub(lambda found: self._fill(found, node, place), text)

    def _fill(self, found: re.Match[str], node: yaml.Node, place: Place) -> str:
        stack, output, name, default = found.groups()
        if found[0] == "$${":
            return "${"
        if stack is not None:
            return stack_refs.as_text(self._output(stack, output, node, place))
        if name is None:
            self._wrong(place, node, "a reference is ${NAME} or ${NAME:-default}; write $${ for ${ itself")
            return ""
        if default is None and name not in self.environment:
            what = f"the environment variable {name} is not set; ${{{name}:-X}} would default to X"
            of_stack = place[:1] == ("stacks",) and place[2:3] in (("variables",), ("backend",))
            (self.unset if of_stack else self.mistakes).append(Mistake(line=_line(node), path=dotted(place), what=what))
        value = self.environment.get(name) or str(default or "")
        if not is_text(value):
            self._wrong(place, node, f"the environment variable {name} is not in UTF-8")
        return as_text(value)

    def _output(self, stack: str, output: str, node: yaml.Node, place: Place) -> Any:
        """The value of a stack's output; the reference itself where there is none."""
        found = stack_refs.Resolved(mistake=stack_refs.refused_at(place))
        if not found.mistake:
            found = stack_refs.resolve(stack, output, self.stacks, self.outputs)
        if found.mistake:
            self.unresolved.add(place)
            self._wrong(place, node, found.mistake)
            return f"${{stack.{stack}.{output}}}"
        reference = Reference(stack=stack, output=output, text=stack_refs.as_text(found.value))
        self.references[place] = (*self.references.get(place, ()), reference)
        return found.value

    def _wrong(self, place: Place, node: yaml.Node, what: str) -> None:
        self.mistakes.append(Mistake(line=_line(node), path=dotted(place), what=what))
