"""The only jinja2: shipped templates, or the project's own of the same name, filled with values.

A value enters a file through one quoting filter, `hcl` for Packer's language and `sh` for shell scripts, so
that no value can be read as code. The same template and values give the same bytes, always.
"""

from __future__ import annotations

import hashlib
import math
import shlex
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from phoenix import data
from phoenix.errors import PhoenixError, SpecError

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Renderer:
    """Renders templates by name: `templates/NAME` in the project's directory, else the shipped one."""

    def __init__(self, project: Path | None = None) -> None:
        """`project` is the directory of `phoenix.yaml`; None where there is none."""
        own = [project / "templates"] if project else []
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([*own, data.path("templates")]),
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters["hcl"] = hcl
        self._environment.filters["sh"] = sh

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The text of template `name` with `values` filled in.

        Raises SpecError where there is no such template, it has a mistake, or it asks for a value it is not given.
        """
        try:
            return self._environment.get_template(name).render(values)
        except PhoenixError:
            raise
        except Exception as error:  # a template is a program its user wrote: it may fail in any way
            raise _mistake(name, error) from error

    def digest(self, name: str) -> str:
        """SHA-256 over the contents of template `name` and of every template it includes."""
        total = hashlib.sha256()
        for part in self._closure(name):
            source, _file = self._source(part)
            total.update(hashlib.sha256(source.encode()).digest())
        return total.hexdigest()

    def _closure(self, name: str) -> list[str]:
        """`name` and what it includes, each once, in the order of first mention; SpecError for a name made up later."""
        names = [name]
        for current in names:  # grows while it is walked
            source, file = self._source(current)
            try:
                mentioned = set(meta.find_referenced_templates(self._environment.parse(source, filename=file)))
            except jinja2.TemplateError as error:
                raise _mistake(current, error) from error
            if None in mentioned:
                raise SpecError(
                    f"the template {current} includes a template whose name is not written out",
                    details=f"{file}: what it renders to cannot be told from the files",
                    resolution="Write the name of the included template as plain text.",
                )
            names += sorted({other for other in mentioned if other} - set(names))
        return names

    def _source(self, name: str) -> tuple[str, str]:
        loader = self._environment.loader
        assert loader is not None, "given in __init__"
        try:
            source, file, _fresh = loader.get_source(self._environment, name)
        except (jinja2.TemplateError, UnicodeDecodeError, OSError) as error:
            raise _mistake(name, error) from error
        return source, file or name


def _mistake(name: str, error: Exception) -> SpecError:
    if isinstance(error, jinja2.TemplateNotFound):
        return SpecError(
            f"there is no template {error.name}",
            details="looked in templates/ of the project and among the shipped ones",
            resolution="Correct the name, or put the template into the project's templates/.",
        )
    return SpecError(
        f"the template {name} has a mistake",
        details=f"{_place(name, error)}: {error}",
        resolution="Correct the template; nothing was done.",
    )


def _place(name: str, error: Exception) -> str:
    """File and line of the template, as far as the error knows them."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or name}:{error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.endswith(".py")]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else name


def hcl(value: object) -> str:
    """`value` as HCL2 writes it: text in quotes that holds no interpolation, numbers, bools, null, lists, maps.

    Raises SpecError for text that UTF-8 cannot hold and TypeError for any other kind of value.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float() if math.isfinite(value):
            return repr(float(value))
        case str():
            return f'"{_text(value)}"'
        case Mapping():
            inner = ", ".join(f"{hcl(str(key))} = {hcl(value[key])}" for key in sorted(value))
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(hcl(item) for item in value)}]"
        case _:
            # str() first: of a name that the template was not given, it raises jinja's own error
            raise TypeError(f"HCL has no way to write {str(value)[:60]!r} ({type(value).__name__})")


def sh(value: object) -> str:
    """`value` as one word of a POSIX shell, whatever it holds. Raises SpecError for a NUL, which no word can hold."""
    text = str(value)
    if "\0" in text:
        raise SpecError(
            "a value holds a NUL character",
            details=f"{text[:60]!r} cannot be given to a shell",
            resolution="Take the character out.",
        )
    return shlex.quote(text)


def _text(value: str) -> str:
    """The inside of a quoted HCL string. `$${` and `%%{` are how HCL writes a `${` and `%{` that mean nothing."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SpecError(
            "a value is no valid text",
            details=f"{value[:60]!r} holds half of a UTF-16 pair at position {error.start}",
            resolution="Write the character itself, or its \\U escape.",
        ) from error
    escaped = "".join(_SHORT.get(c, c if c.isprintable() else _escape(c)) for c in value)
    return escaped.replace("${", "$${").replace("%{", "%%{")


def _escape(character: str) -> str:
    """Other characters that do not show, or that end a line for some reader, by their number."""
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
