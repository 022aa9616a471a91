"""A project out of an empty directory, on the ground that Terraform has laid for it.

Terraform is real, its providers speak the real schemas, and what a roll refers to they make on the emulated clouds. So
phoenix.yaml is the one that `init` wrote, and everything in it comes out of the stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulators.terraform import command
from tests.emulators.terraform.server import served
from tests.emulators.terraform.world import World
from tests.support.real.shell import Shell
from tests.support.real.terraform import RealTerraform

PROVIDERS = {"aws": "aws", "gcp": "google"}


@contextmanager
def laid(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cloud: str, world: World, *, program: str = "phoenix", **yours: str
) -> Iterator[Shell]:
    """A new project `shop` for the cloud, whose stack is applied. `folder` has a short path: sockets are in it.

    `yours`: what the guide tells to put in, by the variable of the stack.
    """
    shell = Shell(directory=folder / "shop", program=program)
    shell.run("init", str(shell.directory), "--cloud", cloud, project=False)
    file = shell.directory / "phoenix.yaml"
    for variable, value in yours.items():
        file.write_text(re.sub(rf"^      {variable}: \S+", f"      {variable}: {value}", file.read_text(), flags=re.M))
    terraform = RealTerraform.install(folder).program
    monkeypatch.setenv("PATH", str(terraform.parent), prepend=":")
    with served(folder, {PROVIDERS[cloud]: world}) as led:
        for name, value in {**command.environment(folder), **led}.items():
            monkeypatch.setenv(name, value)
        shell.run("stack", "apply", f"network-{cloud}", "--yes")
        yield shell


def unchanged(shell: Shell, cloud: str) -> bool:
    """Whether Terraform would leave everything as it is, and calls nothing drift."""
    told = shell.run("stack", "plan", f"network-{cloud}")
    drifted = shell.run("stack", "drift", f"network-{cloud}")
    return told["plan"]["changed"] is False and drifted["drift"] is False
