"""The project's own `ansible.cfg`: what of it a bake honours.

It stands beside the playbooks (`playbooks/ansible.cfg`) or beside `phoenix.yaml`; the former goes before. phoenix
writes a configuration of its own for every bake, so that what decides one does not hang on the computer. Of the
project's it takes where roles, collections and plugins are looked for, which then count as what stands in `playbooks/`
does, and where the password of Ansible Vault comes from; `validate` names the rest.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import SpecError

PLACES = ("playbooks/ansible.cfg", "ansible.cfg")
VAULT = ("defaults", "vault_password_file")
SEARCHED = {
    "roles_path": "roles",
    "collections_path": "collections",
    "filter_plugins": "filter_plugins",
    "lookup_plugins": "lookup_plugins",
    "test_plugins": "test_plugins",
    "action_plugins": "action_plugins",
    "library": "library",
    "module_utils": "module_utils",
}
"""Keys of [defaults] with directories, and what such a directory is called beside a playbook."""
OUTSIDE = "outside"
"""The directory of a playbook tree for those that lie elsewhere: `outside/0/roles` and so on."""
_FOR_GALAXY = "galaxy"
"""Sections of this name, and of names that begin with it, are for ansible-galaxy, which reads the file itself."""


_OF_A_BAKE = """\
# Made by phoenix: this file, and nothing of the computer it runs on, configures Ansible.
[defaults]
{searched}connection_plugins = connection_plugins
interpreter_python = /usr/bin/python3
host_key_checking = False
stdout_callback = default
nocows = True
retry_files_enabled = False

[connection]
pipelining = True

[ssh_connection]
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null -o ServerAliveInterval=15
"""
_ALWAYS = {
    "roles_path": ("roles", "galaxy/roles"),
    "collections_path": ("collections", "galaxy/collections"),
}
"""What is searched in every playbook tree, before what a project's configuration names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A directory that Ansible searches, because the file says so: its path in the playbook tree."""

    key: str
    path: str
    directory: Path | None
    """Where it lies; None where that is in `playbooks/`, so that the tree has it anyway."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsibleCfg:
    """What the file says, by section and key."""

    file: Path
    said: dict[tuple[str, str], str]

    @property
    def vault_password_file(self) -> Path | None:
        """The file, or the program, that gives the password; relative paths begin at the configuration."""
        value = self.said.get(VAULT)
        return self.file.parent / Path(value).expanduser() if value else None

    def searched(self, project: Path) -> Iterator[Searched]:
        """The directories that are there, in order. SpecError where the project itself lies in one of them."""
        number = 0
        for key, name in SEARCHED.items():
            for value in self.said.get(("defaults", key), "").split(":"):
                directory = (self.file.parent / Path(value.strip()).expanduser()).resolve()
                if not value.strip() or not directory.is_dir():
                    continue
                if project.resolve().is_relative_to(directory) or (project / "playbooks").resolve() == directory:
                    raise _wrong(f"{key} names {directory}, which the project lies in")
                if directory.is_relative_to((project / "playbooks").resolve()):
                    inside = directory.relative_to((project / "playbooks").resolve())
                    yield Searched(key=key, path=str(inside), directory=None)
                else:
                    yield Searched(key=key, path=f"{OUTSIDE}/{number}/{name}", directory=directory)
                    number += 1

    def passed_over(self, project: Path) -> Iterator[str]:
        """A sentence for each key that is not honoured."""
        where = self.file.relative_to(project)
        for section, key in self.said:
            honoured = (section, key) == VAULT or (section == "defaults" and key in SEARCHED)
            if not honoured and not section.startswith(_FOR_GALAXY):
                yield f"{where}: [{section}] {key} is not honoured by bakes: phoenix configures Ansible itself"


def for_a_bake(searched: Mapping[str, tuple[str, ...]]) -> str:
    """The configuration that phoenix writes beside the playbooks, with further directories of theirs to be searched."""
    keys = {**_ALWAYS, **{key: (*_ALWAYS.get(key, ()), *paths) for key, paths in searched.items()}}
    return _OF_A_BAKE.format(searched="".join(f"{key} = {':'.join(paths)}\n" for key, paths in keys.items()))


def read(project: Path) -> AnsibleCfg | None:
    """The project's file; None where it has none. SpecError where it is no such file."""
    file = next((project / place for place in PLACES if (project / place).is_file()), None)
    if file is None:
        return None
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(file.read_text("utf-8"), source=str(file))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise _wrong(str(error)) from error
    said = {(section, key): value for section in parser.sections() for key, value in parser[section].items()}
    return AnsibleCfg(file=file, said=said)


def _wrong(why: str) -> SpecError:
    return SpecError(
        "the project's ansible.cfg has a mistake",
        details=f"ansible.cfg: {why}",
        resolution="Write it as Ansible reads it: [section], below it `key = value`; directories hold nothing else.",
    )
