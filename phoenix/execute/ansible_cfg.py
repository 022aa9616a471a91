"""The project's own `ansible.cfg`: what of it a bake honours.

It stands beside the playbooks (`playbooks/ansible.cfg`) or beside `phoenix.yaml`; the former goes before. phoenix
writes a configuration of its own for every bake, so that what decides one does not hang on the computer. Of the
project's it takes where the password of Ansible Vault comes from, and names the rest.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import SpecError

PLACES = ("playbooks/ansible.cfg", "ansible.cfg")
VAULT = ("defaults", "vault_password_file")
_FOR_GALAXY = "galaxy"
"""Sections of this name, and of names that begin with it, are for ansible-galaxy, which reads the file itself."""


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

    def passed_over(self, project: Path) -> Iterator[str]:
        """A sentence for each key that is not honoured."""
        where = self.file.relative_to(project)
        for section, key in self.said:
            if (section, key) != VAULT and not section.startswith(_FOR_GALAXY):
                yield f"{where}: [{section}] {key} is not honoured by bakes: phoenix configures Ansible itself"


def read(project: Path) -> AnsibleCfg | None:
    """The project's file; None where it has none. SpecError where it is no such file."""
    file = next((project / place for place in PLACES if (project / place).is_file()), None)
    if file is None:
        return None
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(file.read_text("utf-8"), source=str(file))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise SpecError(
            f"{file.relative_to(project)} has a mistake",
            details=str(error),
            resolution="Write it as Ansible reads it: [section], and below it `key = value`.",
        ) from error
    said = {(section, key): value for section in parser.sections() for key, value in parser[section].items()}
    return AnsibleCfg(file=file, said=said)
