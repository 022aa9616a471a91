"""What Terraform says of a stack, as frozen values: what a plan would do to each resource, and what it gives out.

A value that Terraform marks sensitive, or that is one of the secrets which went in, is never in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MASKED = "(sensitive)"
"""What stands for a value that nobody may see."""


class Do(StrEnum):
    """What is to become of a resource."""

    CREATE = "create"
    CHANGE = "change"
    REPLACE = "replace"
    DESTROY = "destroy"
    READ = "read"
    FORGET = "forget"
    """It stays where it is, and Terraform no longer knows of it."""
    MOVE = "move"
    """It gets another address, and stays as it is."""
    IMPORT = "import"

    @property
    def loses(self) -> bool:
        """Whether something that is there will be gone."""
        return self in (Do.REPLACE, Do.DESTROY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """An argument of a resource that is to be another: `before` and `after` as a person reads them."""

    name: str
    before: str
    after: str
    forces: bool = False
    """Whether it is why the resource is replaced and not changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is to become of one resource."""

    address: str
    do: Do
    why: str = ""
    """Terraform's reason, where it gives one."""
    fields: tuple[Field, ...] = ()
    ids: tuple[str, ...] = ()
    """By what others refer to it as it is now: its id, name, link, ARN."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many resources of each fate."""

    create: int = 0
    change: int = 0
    replace: int = 0
    destroy: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StackChanges:
    """A whole plan of Terraform's: the resources that it touches, and the outputs that will be others."""

    resources: tuple[Change, ...] = ()
    outputs: tuple[Field, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would be other than it is. What is only read changes nothing."""
        return not self.outputs and all(each.do is Do.READ for each in self.resources)

    @property
    def lost(self) -> tuple[Change, ...]:
        """The resources that will be gone as they are: replaced or destroyed."""
        return tuple(each for each in self.resources if each.do.loses)

    @property
    def counts(self) -> Counts:
        """How many of each."""
        found = [each.do for each in self.resources]
        return Counts(
            create=found.count(Do.CREATE),
            change=found.count(Do.CHANGE),
            replace=found.count(Do.REPLACE),
            destroy=found.count(Do.DESTROY),
        )

    def __str__(self) -> str:
        counts = self.counts
        said = [
            f"{number} to {word}"
            for word in ("create", "change", "replace", "destroy")
            if (number := getattr(counts, word))
        ]
        others = len(self.resources) - counts.create - counts.change - counts.replace - counts.destroy
        said += [f"{others} other"] * bool(others)
        number = len(self.outputs)
        said += [f"{number} outputs change" if number > 1 else "1 output changes"] * bool(number)
        return ", ".join(said) or "nothing to do"


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A value that a stack gives out. `value` is JSON data; None where it is a secret."""

    name: str
    value: Any
    sensitive: bool = False
