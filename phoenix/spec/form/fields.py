"""The kinds of values that stand in `phoenix.yaml`: names, durations, sizes, shares, packages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from phoenix import units
from phoenix.names import PACKAGE_NAME, WORD
from phoenix.spec.images import PackageWish

NAME_FORM = "lower-case letters, digits and hyphens, beginning with a letter, at most 26"


class Form(BaseModel):
    """A mapping of the file: unknown keys are mistakes."""

    # deferred: the schema of the whole file is built once, not that of each form, and of each again in the next
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)


def wrong(text: str) -> PydanticCustomError:
    """The mistake `text`, said as it stands."""
    return PydanticCustomError("phoenix", "{text}", {"text": text})


def written(text: str) -> Any:
    """A default the way it would stand in the file; it is read like a value from there."""
    return text


@dataclass(frozen=True, slots=True)
class Matches:
    """A text that `pattern` matches as a whole; else `VALUE is no NOUN; accepted: ACCEPTED`."""

    pattern: re.Pattern[str]
    noun: str
    accepted: str

    def check(self, text: str) -> str:
        """The text itself. Raises the mistake."""
        if not self.pattern.fullmatch(text):
            raise wrong(f"{text!r} is no {self.noun}; accepted: {self.accepted}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after pydantic has seen that it is text."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell editors the pattern."""
        return {**handler(schema), "pattern": f"^({self.pattern.pattern})$"}


def located(path: str, directory: Path) -> Path:
    """A path of the file, absolute: `~/` is the home directory, a relative one starts at the project's."""
    return Path.home() / path[2:] if path.startswith("~/") else directory / path


@dataclass(frozen=True, slots=True)
class Unit:
    """A number that is written with its unit: `parse` reads it; else `VALUE is no NOUN; accepted: ACCEPTED`."""

    parse: Callable[[str], Any]
    noun: str
    accepted: str
    example: str

    def __call__(self, value: object) -> Any:
        """The number. Raises the mistake."""
        if not isinstance(value, str):
            raise wrong(f"{value!r} is no {self.noun}; accepted: {self.accepted}")
        try:
            return self.parse(value)
        except ValueError as error:
            raise wrong(str(error)) from error


def _text(pattern: re.Pattern[str]) -> Any:
    return Annotated[str, Field(pattern=f"^({pattern.pattern})$")]


def _not_zero(seconds: float) -> float:
    if seconds <= 0:
        raise wrong("must be longer than 0s")
    return seconds


Name = Annotated[str, Matches(WORD, "name", NAME_FORM)]
"""What a user may call something."""
Setting = Annotated[
    str,
    Matches(
        re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII),
        "name of a setting or variable",
        "letters, digits and _, not beginning with a digit",
    ),
]
Text = Annotated[
    str,
    Matches(re.compile(r"[^\0]*"), "text", "anything without the character NUL"),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
"""Text that need not look like text to YAML: the reader keeps what stands there."""
CommandLine = Annotated[
    str,
    AfterValidator(str.strip),
    Matches(re.compile(r"[^\0]*\S[^\0]*"), "command", "a command line, anything but blanks"),
]
Directory = Annotated[
    str, Matches(re.compile(r"[^\s\0]([^\0\n]*\S)?"), "directory", "a path; a relative one starts at the project")
]
Word = Annotated[str, Matches(re.compile(r"[^\s\"'\\]+"), "word", "text without blanks, quotes and backslashes")]
Version = Annotated[
    str,
    Matches(
        re.compile(r"([0-9]+:)?[0-9][A-Za-z0-9.+~-]*", re.ASCII),
        "Debian version",
        "[EPOCH:]VERSION[-REVISION], such as 1.2.3 or 1:2.0-1",
    ),
    WithJsonSchema({"type": ["string", "number"]}),
]
Playbook = Annotated[
    str,
    Matches(
        re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml", re.ASCII),
        "playbook",
        "the name of a file in playbooks/, such as os.yml",
    ),
]
ImageRef = Annotated[
    str, Matches(re.compile(r"(os|foundation|immutable)/[^/]+"), "image", "os/NAME, foundation/NAME, immutable/NAME")
]
Duration = Annotated[
    float,
    BeforeValidator(
        Unit(units.duration, "duration", units.DURATION_FORM, "10m"), json_schema_input_type=_text(units.DURATION)
    ),
]
"""Seconds."""
Period = Annotated[Duration, AfterValidator(_not_zero)]
"""Seconds, more than none."""
Bytes = Annotated[
    int, BeforeValidator(Unit(units.size, "size", units.SIZE_FORM, "20G"), json_schema_input_type=_text(units.SIZE))
]
Share = Annotated[
    int, BeforeValidator(Unit(units.share, "share", units.SHARE_FORM, "60%"), json_schema_input_type=_text(units.SHARE))
]
"""Percent."""
Integer = StrictInt
Boolean = StrictBool


class PackageForm(Form):
    """A package by its name, or with the version and the repository it is to come from."""

    name: Annotated[
        str,
        Matches(PACKAGE_NAME, "package", "lower-case letters, digits and + - ., at least two characters"),
        Field(description="Name of the Debian package.", examples=["hello"]),
    ]
    version: Version | None = Field(default=None, description="Exact version; the newest.", examples=["1.2.3"])
    repository: Name | None = Field(
        default=None, description="Where it comes from; the only repository there is.", examples=["main"]
    )

    def read(self, repositories: tuple[str, ...]) -> PackageWish:
        """The frozen value. `repositories` are those of the file; without a wish it is the only one there is."""
        return PackageWish(name=self.name, version=self.version, repository=self.repository or repositories[0])


def _long_package(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Packages = list[Annotated[PackageForm, BeforeValidator(_long_package, json_schema_input_type=str | PackageForm)]]
