"""Stacks: the roots of Terraform whose ground phoenix stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class StackSpec:
    """One Terraform root, and what it is planned with."""

    name: str
    root: Path
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Input variables: texts, lists and mappings of them. They may hold secrets, which came from the environment."""
    variable_files: tuple[Path, ...] = ()
    """`.tfvars` files, weaker than `variables`."""
    backend: Mapping[str, str] = field(default_factory=dict)
    """Settings of the state's backend that the root leaves open (a bucket, a prefix)."""
    program: str | None = None
    """A name on PATH or a path; None: terraform, or tofu where there is none."""
    deadline: float = 3600.0
    """Seconds for each of Terraform's commands."""
