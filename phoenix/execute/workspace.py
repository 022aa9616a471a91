"""A recipe laid out as files: what a builder, or a person with Packer, bakes an image from.

    image.pkr.hcl               the Packer template
    image.auto.pkrvars.hcl      values of this bake and this computer; Packer reads it unasked
    plugins/plugins.pkr.hcl     `required_plugins`, which old Packers do not know
    playbooks/phoenix.yml       the recipe's playbook, then its packages
    playbooks/phoenix-bake.yml  the same between `unseal` and `seal`: what a builder runs
    playbooks/variables.json    the extra variables
    playbooks/ansible.cfg
    playbooks/...               every file of the playbook tree that these reach, and no other

The Packer variables of the local cloud are given by whoever runs the builder, in a file of `packer.write_values`:
`parent_disk` and `parent_format` (raw, qcow2), `vmlinuz`, `initrd`, `kernel_arguments`, `seed` (the iso9660 volume
whose user-data lets the key log in as root), `ssh_private_key_file`, `output_directory` (`disk.qcow2` is made in
it), `accelerator`, `cpu_model`, `cpus`, `memory` (MiB), `console` and `report` (files for what the machine prints
on ttyS0 and ttyS1). The key's line in authorized_keys has the comment `phoenix-builder`, by which `seal` finds it.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phoenix.clouds.api import Template
from phoenix.errors import RefusedError, SpecError
from phoenix.execute import ansible_cfg, mentions, packer_values, playbook_tree
from phoenix.execute.packer_values import Identity
from phoenix.execute.reach import Playbooks, no_yaml
from phoenix.execute.recipe_files import SEAL, UNSEAL, playbooks_of, reached
from phoenix.model import Repository
from phoenix.spec.images import Recipe, Variable
from phoenix.spec.project import Project
from phoenix.tools import ansible, ansible_core, packer
from phoenix.tools.render import Renderer

TEMPLATE = "image.pkr.hcl"
VALUES = "image.auto.pkrvars.hcl"
PLUGINS = "plugins/plugins.pkr.hcl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """What was laid out. `to_fill_in` are Packer variables that nobody knew; they hold a stand-in."""

    directory: Path
    files: tuple[str, ...]
    to_fill_in: tuple[str, ...]


def lay_out(
    project: Project,
    recipe: Recipe,
    template: Template,
    directory: Path,
    *,
    identity: Identity | None = None,
    packages: tuple[str, ...] = (),
    repositories: tuple[Repository, ...] = (),
) -> Workspace:
    """Write the recipe into `directory`, over what an earlier call left there. The same input gives the same bytes.

    `template`: the cloud's own. `identity` is None where nothing is baked yet. `packages` are `name=version`, and
    `repositories` where they come from, as the builder reaches it: behind a fence this computer's ports keep their
    addresses, for Packer's machine they have another. `directory` is absolute. Raises SpecError where the recipe, its
    playbooks or templates have a mistake, and RefusedError where the directory holds other files.
    """
    values = packer_values.of(project, recipe, template, identity)
    renderer = Renderer(project.directory)
    variables = {**recipe.variables, **_package_variables(packages, repositories)}
    _refuse_foreign(directory, f"{ansible.PLAYBOOKS}/{ansible.RECIPE}")
    playbooks = Playbooks.of(project.directory)
    paths = reached(playbooks, recipe)
    own = _entries(playbooks_of(recipe), variables, bake=True)
    _lay_out_tree(playbooks, paths, own, directory / ansible.PLAYBOOKS)
    _write(directory / TEMPLATE, renderer.render(template.file, values.template))
    _write(directory / PLUGINS, renderer.render("packer/plugins.pkr.hcl.j2", values.template))
    packer.write_values(directory / VALUES, {**values.stand_ins, "ansible_playbook": ansible.program()})
    return Workspace(directory=directory, files=_listed(directory), to_fill_in=tuple(sorted(values.stand_ins)))


def lay_out_boot(project: Path, playbook: str, variables: Mapping[str, Variable], directory: Path) -> tuple[str, ...]:
    """Write what a machine of type os needs to run `playbook` itself, at boot; the files, by path in `directory`.

    The machine runs `ansible-playbook --connection=local --inventory=localhost, --extra-vars @variables.json
    phoenix.yml` in it. `project` is the directory of `phoenix.yaml`.
    """
    _refuse_foreign(directory, ansible.RECIPE)
    playbooks = Playbooks.of(project)
    paths = playbooks.reached((playbook,), variables)
    for encrypted in playbooks.encrypted(paths):
        raise SpecError(
            f"playbooks/{encrypted} is encrypted, and {playbook} runs at boot",
            details="a machine of type os runs it itself, and has no password of Ansible Vault",
            resolution="Bake it: give the service a foundation image instead, or take the secret out of the playbook.",
        )
    _lay_out_tree(playbooks, paths, _entries((playbook,), variables, bake=False), directory)
    return _listed(directory)


def lay_out_checks(playbooks: Playbooks, recipes: Sequence[tuple[Recipe, frozenset[str]]], directory: Path) -> None:
    """Write what Ansible reads the playbooks of several recipes from, each given with the paths that it reaches.

    Recipe N has a playbook of its own (`check_entry(N)`), which gives it its variables, and a file of these variables
    (`check_variables(N)`). SpecError where the project has a file of one of these names, or one that is no YAML.
    """
    own = _entries((), {}, bake=False)
    for number, (recipe, _paths) in enumerate(recipes):
        variables = json.dumps(dict(recipe.variables), sort_keys=True)
        own[check_variables(number)] = variables + "\n"
        own[check_entry(number)] = f"{_imports(_named(recipe))}  vars: {variables}\n"
    paths = frozenset[str]().union(*(paths for _recipe, paths in recipes))
    linked = playbooks.collections(paths)  # some have thousands of files, which are only read
    own_or_role = frozenset(path for path in paths if not path.startswith(tuple(f"{each}/" for each in linked)))
    _lay_out_tree(playbooks, own_or_role, own, directory)
    for path in playbooks.encrypted(own_or_role):
        _leave_open(directory, path)
    for path, lies in linked.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).symlink_to(lies)


def _leave_open(directory: Path, path: str) -> None:
    """Nothing in the place of a file that is encrypted as a whole: it is read without the password of Ansible Vault."""
    file = directory / path
    if mentions.holds_values(path) and file.read_bytes().startswith(mentions.VAULT):
        file.write_text("[]\n" if {"tasks", "handlers"} & set(path.split("/")) else "{}\n")


def check_entry(number: int) -> str:
    """The playbook that `lay_out_checks` makes for a recipe."""
    return f"phoenix-check-{number}.yml"


def check_variables(number: int) -> str:
    """The file of extra variables that `lay_out_checks` makes for a recipe."""
    return f"phoenix-check-{number}.json"


def _named(recipe: Recipe) -> tuple[str, ...]:
    return (posixpath.normpath(recipe.playbook),) if recipe.playbook else ()


def _package_variables(packages: tuple[str, ...], repositories: tuple[Repository, ...]) -> dict[str, Any]:
    if not packages:
        return {}
    sources = [
        {"name": r.name, "url": r.url, "distribution": r.distribution, "component": r.component, "key": r.key}
        for r in sorted(repositories, key=lambda repository: repository.name)
    ]
    return {"app_packages": list(packages), "app_repositories": sources}


def _entries(playbooks: tuple[str, ...], variables: Mapping[str, Any], *, bake: bool) -> dict[str, str]:
    """The files that phoenix puts beside the playbooks; the first of them marks the directory as ours."""
    return {
        ansible.RECIPE: _imports(tuple(posixpath.normpath(playbook) for playbook in playbooks)),
        ansible.VARIABLES: json.dumps(dict(variables), indent=2, sort_keys=True) + "\n",
        **({ansible.BAKE: _imports((UNSEAL, *((ansible.RECIPE,) if playbooks else ()), SEAL))} if bake else {}),
    }


def _lay_out_tree(playbooks: Playbooks, paths: frozenset[str], own: Mapping[str, str], directory: Path) -> None:
    """Write the reached part of the playbook tree with phoenix's `own` files; SpecError where one of it is no YAML."""
    own = {**own, ansible_core.CONFIGURATION: ansible_cfg.for_a_bake(playbooks.searched)}
    _refuse_taken(paths & own.keys())
    for mistake in playbooks.mistakes(paths):
        raise no_yaml(mistake)
    for name, text in own.items():
        _write(directory / name, text)
    playbook_tree.copy(playbooks.files, paths, directory)
    for stale in set(_listed(directory)) - {*paths, *own}:
        (directory / stale).unlink()


def _refuse_foreign(directory: Path, mark: str) -> None:
    """Only a directory that is empty, or that was laid out before, is written to: what is stale there is removed."""
    if not (directory / mark).is_file() and directory.exists() and _listed(directory):
        raise RefusedError(
            f"{directory} is not empty",
            details="it holds files that phoenix did not lay out there",
            resolution="Name another directory.",
        )


def _imports(playbooks: tuple[str, ...]) -> str:
    """A playbook that runs `playbooks` one after the other."""
    entries = [
        f"- name: {json.dumps(playbook)}\n  ansible.builtin.import_playbook: {json.dumps(playbook)}\n"
        for playbook in playbooks
    ]
    return "---\n# Made by phoenix.\n" + ("".join(entries) or "[]\n")


def _refuse_taken(names: frozenset[str]) -> None:
    if names:
        raise SpecError(
            f"the project has its own playbooks/{min(names)}",
            details="phoenix writes a file of this name beside the playbooks that it lays out",
            resolution="Give the project's file another name.",
        )


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _listed(directory: Path) -> tuple[str, ...]:
    paths = (path for path in directory.rglob("*") if path.is_file())
    return tuple(sorted(str(path.relative_to(directory)) for path in paths))
