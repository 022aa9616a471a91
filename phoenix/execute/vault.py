"""The password of Ansible Vault: where it comes from, and that it is there before a bake begins.

`vault_password_file` of the project's ansible.cfg names a file with it, or a program that prints it. It is read when an
image is built whose playbook reaches something encrypted, goes to that bake through a pipe, and stands in no
argument, log, plan, record or image. `validate` and `--plan` run no program.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from phoenix.errors import RefusedError, ToolError
from phoenix.execute import ansible_cfg
from phoenix.tools.process import Command, run

TIMEOUT = 120.0
"""Seconds for a program: a person may have to unlock something."""
_SAY = "name a file with it, or a program that prints it, as `vault_password_file` below [defaults] of ansible.cfg"


def missing(project: Path, encrypted: tuple[str, ...]) -> Iterator[str]:
    """What can be told without running anything, where these files of the playbooks are encrypted."""
    if encrypted:
        why = _why_not(project)
        if why:
            yield f"playbooks/{encrypted[0]} is encrypted by Ansible Vault, and {why}"


def password(project: Path, encrypted: tuple[str, ...]) -> bytes:
    """The password, for a bake that reaches these encrypted files; empty where there are none.

    RefusedError where it cannot be had; what a program printed is no part of it.
    """
    for why in missing(project, encrypted):
        raise _refused(why)
    source = _source(project)
    if not encrypted or source is None:
        return b""
    said = _printed(source, project) if os.access(source, os.X_OK) else source.read_bytes()
    if not said.strip():
        raise _refused(f"{source} gives no password")
    return said.strip()


def _source(project: Path) -> Path | None:
    configured = ansible_cfg.read(project)
    return configured.vault_password_file if configured else None


def _why_not(project: Path) -> str:
    source = _source(project)
    if source is None:
        return f"nothing says where its password is: {_SAY}"
    if not source.is_file():
        return f"{source}, which vault_password_file names, is not there"
    return "" if os.access(source, os.R_OK) else f"{source}, which vault_password_file names, may not be read by you"


def _printed(program: Path, project: Path) -> bytes:
    try:
        done = run(Command(argv=(str(program),), cwd=project, kept=True), timeout=TIMEOUT, check=False)
    except ToolError as error:
        raise _refused(f"{program} did not end within {TIMEOUT:g} s") from error
    if done.code != 0:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise _refused(f"{program} ended with {done.code}{': ' if last else ''}{last}")
    return done.stdout.encode()


def _refused(why: str) -> RefusedError:
    return RefusedError(
        "the password of Ansible Vault cannot be had",
        details=why,
        resolution="See that you can read it on this computer, then bake again; nothing was begun.",
    )
