"""ansible-playbook: the command for a playbook and a target, its progress, and what it failed at.

It is always the one that was installed with phoenix, and it sees no configuration of this machine: what
decides a bake stands in its workspace.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from phoenix.errors import RefusedError, SpecError, ToolError
from phoenix.tools import ansible_output, process
from phoenix.tools.ansible_core import CONFIGURATION
from phoenix.tools.process import Command

PLAYBOOKS = "playbooks"
"""The directory of a workspace that Ansible runs in, and the files that phoenix puts there:"""
VARIABLES = "variables.json"
"""the extra variables;"""
RECIPE = "phoenix.yml"
"""what the recipe names, no more: a machine of type os runs it at boot, too;"""
BAKE = "phoenix-bake.yml"
"""the same between the roles `unseal` and `seal`: what a builder runs."""
HOME = "ansible-home"
"""The directory of a workspace that Ansible keeps its own files in."""
INVENTORY = "--inventory=builder,"
SYNTAX_CHECK_TIMEOUT, SYNTAX_CHECK_MORE = 120.0, 10.0
"""Seconds for a process, and more for each playbook that it reads."""

TOLD = "phoenix: "
"""What begins a line that a builder itself has to tell."""

_TASK = re.compile(r"(?:TASK|RUNNING HANDLER) \[(?P<name>.*)\] \**")
_FAILED = re.compile(r"(?:fatal|failed): \[[^\]]*\](?:: (?P<how>FAILED|UNREACHABLE)!)?.*? => (?P<result>\{.*)")
_ERROR = re.compile(r"\[ERROR\]: (?P<message>.*)")
_MISSING = re.compile(
    r"couldn't resolve module/action|the role '[^']*' was not found|No (?:filter|test) named|"
    r"Could not load '[^']+\.[^']+'|lookup plugin '[^']*' (?:was )?not found",
    re.IGNORECASE,
)
_BRING = "name what brings it in playbooks/requirements.yml, and run `phoenix galaxy install`"
_ORIGIN = re.compile(r"Origin: (?P<place>.*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ssh:
    """A machine that runs, and how to log in to it."""

    host: str
    port: int
    user: str
    key: Path
    sockets: Path
    """Where ssh keeps its control sockets; short, as a unix socket's path has at most 107 characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What a playbook failed at: the task (empty before the first one), the place in a file, and why."""

    task: str
    place: str
    why: str

    @property
    def told(self) -> str:
        """`FILE:LINE:COLUMN: WHY`, as far as it is known; of what is missing, what brings it."""
        told = ": ".join(part for part in (self.place, self.why) if part)
        return f"{told.rstrip('.')}; if it is of others, {_BRING}" if self.is_missing else told

    @property
    def is_missing(self) -> bool:
        """Whether a role, module or plugin was not found."""
        return bool(_MISSING.search(self.why))


def program() -> str:
    """The path of phoenix's own ansible-playbook; RefusedError where the installation has lost it."""
    path = Path(sys.executable).parent / "ansible-playbook"
    if not path.is_file():
        raise RefusedError(
            "the program 'ansible-playbook' is missing",
            details=f"it is installed with phoenix, but {path} is not there",
            resolution="Install phoenix again (`make setup` in a checkout).",
        )
    return str(path)


def environment(workspace: Path) -> dict[str, str]:
    """The variables that make Ansible take its configuration from `workspace`, and write nowhere else."""
    home = workspace / HOME
    return {
        "ANSIBLE_CONFIG": str(workspace / PLAYBOOKS / CONFIGURATION),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_NOCOWS": "True",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_FORCE_COLOR": "False",
        "LC_ALL": "C.UTF-8",
    }


def with_vault(command: Command, password: bytes, file: str) -> Command:
    """`command` with the password of Ansible Vault, where there is one: in `file`, as whoever runs it puts it there.

    A fence puts its command's input there (`fence.SECRET`). What the command prints of it is replaced.
    """
    if not password:
        return command
    environment = {**command.environment, "ANSIBLE_VAULT_PASSWORD_FILE": file}
    secrets = (*command.secrets, password.decode(errors="replace"))
    return replace(command, environment=environment, secrets=secrets)


def chroot_command(workspace: Path, root: Path, playbook: str = BAKE) -> Command:
    """Run `playbook` of the workspace (see `execute.workspace`) on the root file system in the directory `root`.

    Whoever runs it has mounted /proc and /dev there, and is root, in a namespace at least. Tasks that are delegated to
    localhost run beside it: variables for all hosts would send them there, too.
    """
    connection = {
        "ANSIBLE_TRANSPORT": "chroot",
        "PHOENIX_CHROOT_ROOT": str(root),
        # a base system has no sudo, and root needs no password for su
        "ANSIBLE_BECOME_METHOD": "su",
        # a place that both have: the tree, and what a task on localhost sees of this computer
        "ANSIBLE_REMOTE_TEMP": "/run/ansible",
    }
    return _playbook_command(workspace, playbook, {}, connection)


def light_command(workspace: Path, door: Path, playbook: str = BAKE) -> Command:
    """Run `playbook` of the workspace in a light machine, behind whose `door` (a directory) commands are taken."""
    connection = {
        "ANSIBLE_TRANSPORT": "light",
        "PHOENIX_DOOR": str(door),
        "ANSIBLE_BECOME_METHOD": "su",
        "ANSIBLE_REMOTE_TEMP": "/run/ansible",
    }
    return _playbook_command(workspace, playbook, {}, connection)


def ssh_command(workspace: Path, machine: Ssh, playbook: str = BAKE) -> Command:
    """Run `playbook` of the workspace on a machine that runs. Its host key is not known, so it is not checked."""
    connection: dict[str, str | int] = {
        "ansible_connection": "ssh",
        "ansible_host": machine.host,
        "ansible_port": machine.port,
        "ansible_user": machine.user,
        "ansible_ssh_private_key_file": str(machine.key),
    }
    return _playbook_command(workspace, playbook, connection, {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(machine.sockets)})


def _playbook_command(
    workspace: Path, playbook: str, connection: Mapping[str, str | int], more: Mapping[str, str]
) -> Command:
    way = ("--extra-vars", json.dumps(connection, sort_keys=True)) if connection else ()
    variables = ("--extra-vars", f"@{VARIABLES}", *way)
    return Command(
        argv=(program(), INVENTORY, *variables, playbook),
        cwd=workspace / PLAYBOOKS,
        environment={**environment(workspace), **more},
    )


def run(
    command: Command,
    *,
    log: Path,
    say: Callable[[str], None],
    timeout: float,
    between: Callable[[], None] | None = None,
) -> None:
    """Run what `chroot_command` or another gave, or a command around it; `say` hears each task, and what is told.

    `timeout` in seconds; `between` as in `process.run`. Raises ToolError with the task that failed, where it
    stands and why.
    """

    def on_line(line: str) -> None:
        told = task_of(line) or line.removeprefix(TOLD) * line.startswith(TOLD)
        if told:
            say(told)

    done = process.run(command, timeout=timeout, log=log, on_line=on_line, between=between, check=False)
    if done.code == 0:
        return
    raise failed(failure_of(done.stdout, done.stderr, command.cwd), log)


def failed(failure: Failure, log: Path) -> ToolError:
    """The error that a failed playbook ends with."""
    bring = f" A role or collection of others is missing: {_BRING}." if failure.is_missing else ""
    return ToolError(
        f"the playbook failed at the task '{failure.task}'" if failure.task else "the playbook failed",
        details="\n".join(part for part in (failure.place, failure.why) if part),
        resolution=f"Correct the recipe or its variables, then bake again.{bring} The whole output is in {log}.",
    )


def syntax_check(workspace: Path, playbook: str = RECIPE) -> None:
    """Let Ansible read `playbook` and all it imports, without running it. SpecError with file and line of a mistake."""
    failure = syntax_mistake(workspace, (playbook,))
    if failure:
        raise SpecError("a playbook has a mistake", details=failure.told, resolution="Correct it; nothing was done.")


def syntax_mistake(workspace: Path, playbooks: Sequence[str], variables: str = VARIABLES) -> Failure | None:
    """The first mistake that Ansible finds in `playbooks` and in all they import, read by one process; None without.

    `variables` is the workspace's file of extra variables.
    """
    command = Command(
        argv=(program(), "--syntax-check", INVENTORY, "--extra-vars", f"@{variables}", *playbooks),
        cwd=workspace / PLAYBOOKS,
        environment=environment(workspace),
    )
    timeout = SYNTAX_CHECK_TIMEOUT + SYNTAX_CHECK_MORE * len(playbooks)
    done = process.run(command, timeout=timeout, check=False)
    return failure_of(done.stdout, done.stderr, command.cwd) if done.code else None


def task_of(line: str) -> str | None:
    """The name of the task that `line` announces, or None."""
    found = _TASK.fullmatch(line)
    if not found:
        return None
    role, check, _rest = found["name"].partition(" : Validating arguments against arg spec")
    return f"{role} : check the variables" if check else found["name"]


def failure_of(stdout: str, stderr: str, directory: Path | None) -> Failure:
    """What a playbook that printed this failed at: the last failure that no rescue or `ignore_errors` took up.

    `directory` is where it ran; a place in a file is told as seen from there.
    """
    task, failed_task, result = "", "", ""
    lines = iter(stdout.splitlines())
    for line in lines:
        found = _FAILED.match(line)
        task = task_of(line) or task
        if found:
            failed_task, result = task, ansible_output.result_in(found["result"], lines)
        elif line.strip() == "...ignoring":
            failed_task, result = "", ""
    # of a task Ansible tells where it prints the tasks, of a mistake in a file where errors go
    message, place = _last_error((stdout if result else stderr).splitlines())
    printed = "\n".join(ansible_output.excerpt((stderr.strip() or stdout.strip()).splitlines()))
    why = ansible_output.why(result) if result else message or printed
    return Failure(task=failed_task, place=_inside(place, directory), why=why)


def _last_error(lines: Sequence[str]) -> tuple[str, str]:
    """The message and the place of the last `[ERROR]` block."""
    message, place = "", ""
    for line in lines:
        if error := _ERROR.fullmatch(line):
            message, place = error["message"], ""
        elif origin := _ORIGIN.fullmatch(line):
            place = place or origin["place"]
    return message, "" if place == "<unknown>" else place


def _inside(place: str, directory: Path | None) -> str:
    """`place` as seen from the workspace, where it stands in it."""
    return place.removeprefix(f"{directory.resolve()}/").removeprefix(f"{directory}/") if directory else place
