"""What `phoenix validate` looks at besides phoenix.yaml: the project's own templates and playbooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from phoenix.errors import SpecError
from phoenix.spec.project import Project

Say = Callable[[str], None]


def inspect(project: Project, say: Say) -> tuple[str, ...]:
    """Everything that is wrong, one text each: `FILE:LINE: WHAT`. Changes nothing; `say` hears of what takes long."""
    from phoenix.execute import recipe_check

    return (*_secrets(project), *_stacks(project), *_templates(project), *recipe_check.mistakes(project, say))


def unwise(project: Path) -> tuple[str, ...]:
    """What of the project's files beside phoenix.yaml is no mistake, and yet to be looked at; a sentence each."""
    from phoenix.execute import ansible_cfg, galaxy_lock, requirements

    configured = ansible_cfg.read(project)
    lock, asked = galaxy_lock.read(project), galaxy_lock.digest_of_requirements(project)
    old = asked and (lock is None or lock.requirements != asked)
    return (
        *(configured.passed_over(project) if configured else ()),
        *((f"{requirements.FILE} is another than what was installed: run `{galaxy_lock.INSTALL}`",) if old else ()),
    )


def _secrets(project: Project) -> Iterator[str]:
    """References to this computer that come to nothing; no command is run."""
    from phoenix.execute import secrets

    here = project.directory
    for service in project.services.values():
        found = (s for e in service.environments.values() for s in secrets.unreadable(service.at(e).settings, here))
        yield from (f"{service.name}: {sentence}" for sentence in dict.fromkeys(found))


def _stacks(project: Project) -> Iterator[str]:
    """Files of stacks that are not there."""
    from phoenix.execute import stacks

    for spec in project.stacks.values():
        yield from stacks.lacks(spec)


def _templates(project: Project) -> Iterator[str]:
    """Mistakes of the project's own templates, which stand in for shipped ones of the same name."""
    from phoenix.tools.render import Renderer

    folder = project.directory / "templates"
    renderer = Renderer(project.directory)
    for file in sorted(folder.rglob("*.j2")):
        try:
            renderer.digest(str(file.relative_to(folder)))
        except SpecError as error:
            yield error.details or error.brief
