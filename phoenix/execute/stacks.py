"""A stack at work: its variables in files that only their owner reads, Terraform run on them, plans kept until used."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.errors import RefusedError, SpecError
from phoenix.spec.stacks import StackSpec
from phoenix.stacks import Output, StackChanges
from phoenix.tools import terraform, terraform_files, terraform_json
from phoenix.tools.process import ProcessId
from phoenix.tools.terraform import Hearing, Terraform
from phoenix.tools.terraform_json import Drift

Say = Callable[[str], None]
_FILES = ("*.tf", "*.tf.json", "*.tofu", "*.tofu.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPlan:
    """A plan that Terraform has saved. It lies there as long as whoever made it holds it."""

    file: Path
    changes: StackChanges
    changes_anything: bool
    """What Terraform itself says of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """One stack, and the directory of this computer that phoenix keeps for it."""

    spec: StackSpec
    home: Path

    @contextmanager
    def planned(self, say: Say, *, mode: str = "") -> Iterator[SavedPlan]:
        """Let Terraform make a plan and save it; it is removed at the end. `mode` as in `Terraform.plan`."""
        with self._work() as work:
            tool = self._opened(work, say)
            file = work / "plan.tfplan"
            anything = tool.plan(file, self._variables(work), Hearing(say=_only_warnings(say)), mode=mode)
            file.chmod(0o600)
            shown = tool.show(file)
            yield SavedPlan(file=file, changes=terraform_json.changes(shown, tool.secrets), changes_anything=anything)

    @contextmanager
    def read(self, content: bytes, say: Say) -> Iterator[SavedPlan]:
        """A plan that was saved elsewhere, laid where it can be applied; it is removed at the end."""
        with self._work() as work:
            tool = self._opened(work, say)
            file = work / "plan.tfplan"
            _write(file, content)
            found = terraform_json.changes(tool.show(file), tool.secrets)
            yield SavedPlan(file=file, changes=found, changes_anything=not found.empty)

    def drift(self, say: Say) -> Drift:
        """Look at the world by a refresh-only plan, which changes nothing."""
        with self._work() as work:
            tool, file = self._opened(work, say), work / "plan.tfplan"
            tool.plan(file, self._variables(work), Hearing(say=_only_warnings(say)), mode="refresh-only")
            return terraform_json.drift(tool.show(file), terraform_files.ignored(file), tool.secrets)

    def apply(self, plan: Path, hearing: Hearing) -> None:
        """Carry out exactly the saved plan. RefusedError where it is gone, or the state has moved since."""
        if not plan.is_file():
            raise RefusedError(
                f"the saved plan of {self.spec.name} is gone",
                details=f"{plan}: it lies on the computer that made it, until it is applied",
                resolution=f"Plan again: `phoenix stack apply {self.spec.name}`.",
            )
        secrets = terraform_json.secrets_of(self._tool().show(plan))
        self._tool(secrets).apply(plan, hearing)

    def outputs(self) -> tuple[Output, ...]:
        """What the state gives out, of a stack that is connected to it already."""
        return self._tool().outputs()

    def read_outputs(self, say: Say) -> tuple[Output, ...]:
        """The same, connected first."""
        with self._work() as work:
            return self._opened(work, say).outputs()

    def _opened(self, work: Path, say: Say) -> Terraform:
        """The tool, connected to the state. SpecError where files are missing."""
        missing = tuple(lacks(self.spec))
        if missing:
            raise SpecError(
                f"the stack {self.spec.name} is not whole",
                details="\n".join(missing),
                resolution="Write what is missing, or name in phoenix.yaml where it is.",
            )
        tool, backend = self._tool(), None
        if self.spec.backend:
            backend = work / "backend.tfbackend.json"
            _write(backend, json.dumps(dict(self.spec.backend)).encode())
        tool.init(backend, Hearing(say=say))
        return tool

    def _tool(self, secrets: tuple[str, ...] = ()) -> Terraform:
        return Terraform(
            program=terraform.find(self.spec.program),
            root=self.spec.root,
            data=self.home / "data",
            timeout=self.spec.deadline,
            secrets=tuple(dict.fromkeys((*secrets, *self._secrets()))),
        )

    def _secrets(self) -> tuple[str, ...]:
        """Values of phoenix.yaml that look like secrets by their names, before Terraform says which are."""
        named = {**self.spec.backend, **self.spec.variables}
        values = [value for name, value in named.items() if terraform_json.SECRET_NAME.search(name)]
        return tuple(text for value in values for text in terraform_json.texts(value))

    def _variables(self, work: Path) -> tuple[Path, ...]:
        """The variable files, the strongest last."""
        if not self.spec.variables:
            return self.spec.variable_files
        own = work / "variables.tfvars.json"
        values: dict[str, Any] = dict(self.spec.variables)
        _write(own, json.dumps(values).encode())
        return (*self.spec.variable_files, own)

    @contextmanager
    def _work(self) -> Iterator[Path]:
        """A directory for what holds secrets, gone at the end; also what killed processes have left of theirs."""
        me = ProcessId.of(os.getpid())
        assert me is not None, "this process runs"
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        here = socket.gethostname()
        for left in self.home.glob(f"work-*-*-{here}-*"):
            pid, started = left.name.split("-")[1:3]
            if not ProcessId(pid=int(pid), started=int(started), boot=me.boot).alive:
                shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f"work-{me.pid}-{me.started}-{here}-", dir=self.home))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def lacks(spec: StackSpec) -> Iterator[str]:
    """Each file that phoenix.yaml names for the stack and that is not there, in a sentence."""
    if not any(file for pattern in _FILES for file in spec.root.glob(pattern)):
        what = "there are no *.tf in" if spec.root.is_dir() else "there is no directory"
        yield f"stacks.{spec.name}.root: {what} {spec.root}"
    for file in spec.variable_files:
        if not file.is_file():
            yield f"stacks.{spec.name}.variable_files: there is no file {file}"


def _only_warnings(say: Say) -> Say:
    """What a plan says besides its warnings is shown as a whole."""
    return lambda text: say(text) if text.startswith("warning: ") else None


def _write(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
