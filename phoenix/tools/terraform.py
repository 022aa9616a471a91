"""Terraform and OpenTofu: the few commands that phoenix needs of them, each a method; no other is ever called.

python-terraform composes the argument list and does nothing else: it knows neither a time limit nor a clean stop, keeps
all output to the end, and takes any misspelt method for a command. `process` runs what it has composed. Secrets are in
no argument: variables and the backend's settings travel in files.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.errors import PhoenixError, RefusedError, ToolError
from phoenix.stacks import Output
from phoenix.tools import process, terraform_json
from phoenix.tools.process import Command, Completed
from phoenix.tools.process_output import scrub
from phoenix.tools.terraform_json import Line

PROGRAMS = ("terraform", "tofu")
"""What is looked for on PATH where nothing is named, in this order."""
LOCK_TIMEOUT = "10s"
"""How long Terraform waits for its own lock of the state."""
GRACE = 300.0
"""Seconds to finish what is under way and to save the state, once it is asked to stop (SIGINT)."""
LOOK_TIMEOUT = 60.0
"""Seconds for what only reads files of this computer."""
CHANGED = 2
"""The exit code of a plan that would change something (-detailed-exitcode)."""

_STALE = ("Saved plan is stale", "Saved plan does not match the given state")
_MOVED = "Backend configuration changed"
_LOCKED = "Error acquiring the state lock"
_LOCK_ID = re.compile(r"^\s*ID:\s+(\S+)$", re.MULTILINE)
"""In what Terraform says of whoever holds it."""
_QUIET = {
    "CHECKPOINT_DISABLE": "1",  # it would look for a newer one of itself
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    **dict.fromkeys(("TF_LOG", "TF_LOG_CORE", "TF_LOG_PROVIDER"), ""),  # it would write secrets
    "TF_WORKSPACE": "",  # another state than the one that phoenix.yaml means
    **{f"TF_CLI_ARGS{command}": "" for command in ("", "_init", "_plan", "_apply", "_show", "_output", "_version")},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """Who follows a command while it works."""

    say: Callable[[str], None]
    log: Path | None = None
    """Everything that it says goes there, without secrets."""
    between: Callable[[], None] | None = None
    """As in `process.run`."""


def find(named: str | None) -> str:
    """The path of the program that is named, or of the first of `PROGRAMS`; RefusedError where it is missing."""
    wanted = (named,) if named else PROGRAMS
    for each in wanted:
        path = shutil.which(each)
        if path:
            return path
    raise RefusedError(
        f"the program '{named}' is missing" if named else "there is neither Terraform nor OpenTofu",
        details="phoenix.yaml names it" if named else f"looked for {' and '.join(PROGRAMS)} on PATH",
        resolution="Install one of them (see docs/terraform.md), or name it in phoenix.yaml: `program: /PATH/TO/tofu`.",
    )


def version(program: str) -> str:
    """Its name and version, such as `terraform 1.15.5`. ToolError for an answer unlike Terraform's."""
    command = Command(argv=_composed(program, "version", json=_flag()), environment=_QUIET)
    done = process.run(command, timeout=LOOK_TIMEOUT)
    try:
        return f"{Path(program).name} {json.loads(terraform_json.document(done.stdout))['terraform_version']}"
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"{program} did not tell its version",
            details=done.stdout[:200],
            resolution="Name a Terraform or an OpenTofu in phoenix.yaml: `program: /PATH/TO/terraform`.",
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Terraform:
    """One root of Terraform's, and the program for it."""

    program: str
    root: Path
    data: Path
    """Where it keeps providers and the backend's settings; a stack's own, so that two stacks may share a root."""
    timeout: float
    """Seconds for each command that asks a cloud."""
    secrets: tuple[str, ...] = ()

    def init(self, backend: Path | None, hearing: Hearing) -> None:
        """Fetch providers and modules, connect to the state. Safe to repeat."""
        options: dict[str, Any] = {"input": False, "no_color": _flag()}
        if backend is not None:
            options["backend_config"] = str(backend)
        self._plain(self._command("init", **options), hearing)

    def plan(self, out: Path, var_files: tuple[Path, ...], hearing: Hearing, *, mode: str = "") -> bool:
        """Write a plan; whether it would change anything. `mode`: `destroy`, `refresh-only` or as the files say."""
        options: dict[str, Any] = {"out": str(out), "lock_timeout": LOCK_TIMEOUT, "var_file": list(map(str, var_files))}
        if mode:
            options[mode] = _flag()
        command = self._command("plan", json=_flag(), input=False, detailed_exitcode=_flag(), **options)
        return self._streamed(command, hearing, fine=(0, CHANGED)).code == CHANGED

    def show(self, plan: Path) -> dict[str, Any]:
        """A saved plan as data. It holds secrets."""
        done = process.run(self._command("show", str(plan), json=_flag(), no_color=_flag()), timeout=LOOK_TIMEOUT)
        found: dict[str, Any] = json.loads(terraform_json.document(done.stdout))
        return found

    def apply(self, plan: Path, hearing: Hearing) -> None:
        """Carry out exactly this plan. RefusedError where the state has moved since it was made."""
        command = self._command("apply", str(plan), json=_flag(), input=False, lock_timeout=LOCK_TIMEOUT)
        self._streamed(command, hearing, fine=(0,))

    def outputs(self) -> tuple[Output, ...]:
        """What the state gives out."""
        command = self._command("output", json=_flag(), no_color=_flag())
        done = process.run(command, timeout=self.timeout)
        return terraform_json.outputs(terraform_json.document(done.stdout), self.secrets)

    def _command(self, name: str, *arguments: str, **options: Any) -> Command:
        return Command(
            argv=_composed(self.program, name, *arguments, **options),
            cwd=self.root,
            environment={**_QUIET, "TF_DATA_DIR": str(self.data)},
            ends_on=signal.SIGINT,
            finishes=True,  # killed in the middle it would forget what it has made, and leave its lock behind
        )

    def _plain(self, command: Command, hearing: Hearing) -> None:
        """Run a command that says no JSON; its errors stand on stderr."""
        done = self._run(command, hearing, None)
        if done.code != 0:
            raise self._failed(done, _errors_of(done.stderr), "", hearing.log)

    def _streamed(self, command: Command, hearing: Hearing, *, fine: tuple[int, ...]) -> Completed:
        """Run a command that says JSON line by line."""
        errors: list[Line] = []

        def on_line(raw: str) -> None:
            heard = terraform_json.line(raw)
            if heard.error:
                errors.append(heard)
            elif heard.text:
                hearing.say(scrub(heard.text, self.secrets))

        done = self._run(command, hearing, on_line)
        if done.code not in fine:
            summary = errors[0].summary if errors else ""
            raise self._failed(done, [each.error for each in errors], summary, hearing.log)
        return done

    def _run(self, command: Command, hearing: Hearing, on_line: Callable[[str], None] | None) -> Completed:
        """Run it. Secrets are taken out of what it said, not of what is read: they may be part of its own words."""
        with ExitStack() as held:
            sink = held.enter_context(hearing.log.open("a", encoding="utf-8")) if hearing.log else None

            def heard(raw: str) -> None:
                if sink:
                    sink.write(f"{scrub(raw, self.secrets)}\n")
                    sink.flush()
                if on_line:
                    on_line(raw)

            return process.run(
                command, timeout=self.timeout, on_line=heard, between=hearing.between, check=False, grace=GRACE
            )

    def _failed(self, done: Completed, errors: list[str], summary: str, log: Path | None) -> PhoenixError:
        """The error of a command that ended so, without secrets."""
        details = scrub("\n".join(dict.fromkeys(errors)) or done.tail, self.secrets)
        if _MOVED in details:
            move = self._by_hand("init -migrate-state")
            return RefusedError(
                "the stack's state is to be kept elsewhere than before",
                details=details,
                resolution=f"Nothing was changed. Move the state: `{move}`, then say it again.",
            )
        return self._refusal(summary, details) or _failure(done, details, log)

    def _refusal(self, summary: str, details: str) -> RefusedError | None:
        """What Terraform refuses by itself is a refusal of ours, too."""
        if summary in _STALE:
            return RefusedError(
                "the plan is stale: the stack's state has moved since it was made",
                details=details,
                resolution="Nothing was changed. Plan again, and look at it again.",
            )
        if summary == _LOCKED or _LOCKED in details:
            held = _LOCK_ID.search(details)
            free = self._by_hand(f"force-unlock {held[1] if held else 'ID'}")
            return RefusedError(
                "somebody else holds the lock of the stack's state",
                details=details,
                resolution=f"Wait for them. Where nobody is left to free it: `{free}`.",
            )
        return None

    def _by_hand(self, words: str) -> str:
        """The line by which a person gives Terraform a command that phoenix never gives, on the same state."""
        data, program, root = (shlex.quote(str(each)) for each in (self.data, self.program, self.root))
        return f"TF_DATA_DIR={data} {program} -chdir={root} {words}"


def _failure(done: Completed, details: str, log: Path | None) -> ToolError:
    program, what = Path(done.command.argv[0]).name, done.command.argv[1]
    if done.code < 0:
        return process.failed(done, log)
    return ToolError(
        f"{program} {what} failed",
        details=details,
        resolution="Mend the cause, then say it again." + (f" The whole output is in {log}." if log else ""),
    )


def _errors_of(text: str) -> list[str]:
    """The errors in what a command says to people, without the frame that is drawn around them."""
    lines = [line.strip("╷│╵ ") for line in text.splitlines()]
    first = next((index for index, line in enumerate(lines) if line.startswith("Error")), 0)
    said = "\n".join(line for line in lines[first:] if line)
    return [said] if said else []


def _composed(program: str, command: str, *arguments: str, **options: Any) -> tuple[str, ...]:
    """The argument list. An option `var` would become an argument, or a file that stays: there is none."""
    from python_terraform import Terraform as Composer

    assert "var" not in options, "variables travel in files"
    nowhere = f"{os.devnull}/terraform.tfstate"  # it would read the state that it finds
    composer = Composer(terraform_bin_path=program, state=nowhere)
    return tuple(map(str, composer.generate_cmd_string(command, *arguments, **options)))


def _flag() -> Any:
    """The value of an option that has none."""
    from python_terraform import IsFlagged

    return IsFlagged
