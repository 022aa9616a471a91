"""The form of stacks: roots of Terraform."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from phoenix.spec.form.fields import Directory, Form, Matches, Period, Setting, Text, located, written, wrong
from phoenix.spec.stacks import StackSpec


def _of_terraform(value: Any) -> Any:
    """A value that a variable may have: texts, lists of values, mappings of values."""
    match value:
        case dict():
            for key, each in value.items():
                if not isinstance(key, str) or "\0" in key:
                    raise wrong(f"{key!r} is no key; accepted: text without the character NUL")
                _of_terraform(each)
        case list():
            for each in value:
                _of_terraform(each)
        case str() if "\0" in value:
            raise wrong(f"{value!r} is no text; accepted: anything without the character NUL")
        case _:
            pass
    return value


Value = Annotated[Any, AfterValidator(_of_terraform), WithJsonSchema({})]
File = Annotated[
    str,
    Matches(
        re.compile(r"[^\s\0]([^\0\n]*\S)?\.tfvars(\.json)?"),
        "variable file",
        "the path of a .tfvars or .tfvars.json file; a relative one starts at the project",
    ),
]


class StackForm(Form):
    """One Terraform root."""

    root: Directory = Field(description="Directory of the Terraform files.", examples=["terraform/network"])
    variables: dict[Setting, Value] = Field(
        default={},
        description="Input variables: text, lists, mappings; a secret as ${NAME} of the environment.",
        examples=[{"region": "eu-west-1"}],
    )
    variable_files: list[File] = Field(
        default=[], description="Files of variables, under `variables`.", examples=[["prod.tfvars"]]
    )
    backend: dict[Setting, Text] = Field(
        default={},
        description="Settings of the state's backend that the files leave open, such as bucket and prefix.",
        examples=[{"bucket": "acme-terraform"}],
    )
    program: Directory | None = Field(
        default=None,
        description="`terraform`, `tofu` or the path of either; the first of them on PATH.",
        examples=["tofu"],
    )
    deadline: Period = Field(default=written("60m"), description="How long each of Terraform's commands may take.")

    def read(self, name: str, directory: Path) -> StackSpec:
        """The frozen value; relative paths start at the project's `directory`."""
        return StackSpec(
            name=name,
            root=located(self.root, directory),
            variables=self.variables,
            variable_files=tuple(located(file, directory) for file in self.variable_files),
            backend=self.backend,
            program=str(located(self.program, directory)) if self.program and "/" in self.program else self.program,
            deadline=self.deadline,
        )
