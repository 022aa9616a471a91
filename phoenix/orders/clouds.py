"""The kinds of clouds there are, and what each brings: the one table that a new cloud is put into."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from phoenix.errors import SpecError
from phoenix.model import CloudKind, Instance
from phoenix.spec.clouds import AwsCloud, CloudSpec, GcpCloud, LocalCloud
from phoenix.spec.images import Recipe
from phoenix.spec.project import Project

if TYPE_CHECKING:  # a cloud's SDK is loaded when the cloud is chosen
    from phoenix.clouds.api import Cloud, Template
    from phoenix.clouds.local.group_files import GroupFiles
    from phoenix.execute.repositories import UrlForMachines
    from phoenix.manner import Finding

Clouds = Callable[[Project, CloudSpec], "Cloud"]
"""Opens a cloud of a project."""
_DEFAULT_SUITE = "bookworm"
"""What phoenix's own example starts from."""


def open_cloud(project: Project, spec: CloudSpec) -> Cloud:
    """The cloud."""
    match spec:
        case LocalCloud():
            from phoenix.clouds.local.cloud import LocalCloudDoor

            return LocalCloudDoor(project, spec)
        case AwsCloud():
            from phoenix.clouds.aws.cloud import AwsCloudDoor

            return AwsCloudDoor(project, spec)
        case GcpCloud():
            from phoenix.clouds.gcp.cloud import GcpCloudDoor

            return GcpCloudDoor(project, spec)


def template(project: Project, cloud: str, recipe: Recipe) -> Template:
    """The Packer template for the recipe on a cloud of the project, or on a kind of clouds that it has none of.

    SpecError where there is neither.
    """
    spec = project.clouds.get(cloud)
    kind = _kind(project, cloud) if spec is None else spec.kind
    base, parent = recipe.base.get(kind), None if recipe.parent is None else ""
    match kind:
        case CloudKind.LOCAL:
            from phoenix.clouds.local.bake import template as local

            return local.template()
        case CloudKind.GCP:
            from phoenix.clouds.gcp.bake import template as gcp

            return gcp.template(spec if isinstance(spec, GcpCloud) else None, base=base, parent=parent)
        case CloudKind.AWS:
            from phoenix.clouds.aws.bake import template as aws

            return aws.template(spec if isinstance(spec, AwsCloud) else None, base=base, parent=parent)


def url_for_machines(project: Project, cloud: str) -> UrlForMachines:
    """How machines of the cloud, or of the kind of clouds, reach a url: also where no machine there could.

    That is refused when it bakes (`Cloud.url_for_machines`); until then files can be looked at all the same.
    """
    from phoenix.execute.repositories import LOCAL_MACHINES

    spec = project.clouds.get(cloud)
    local = isinstance(spec, LocalCloud) if spec else cloud == CloudKind.LOCAL
    return LOCAL_MACHINES if local else str


def group_names(project: Project) -> Iterator[str]:
    """The names of the groups on this computer, for who completes words: no cloud is opened, and no machine asked."""
    return (group for files in _group_files(project) for group in files.names())


def instance_names(project: Project) -> Iterator[str]:
    """The names of the machines on this computer, in the same way."""
    return (each.name for files in _group_files(project) for group in files.names() for each in files.machines(group))


def _group_files(project: Project) -> Iterator[GroupFiles]:
    from phoenix.clouds.local.group_files import GroupFiles

    return (GroupFiles(spec.root) for spec in project.clouds.values() if isinstance(spec, LocalCloud))


def chosen(project: Project | None, cloud: str | None) -> tuple[tuple[CloudSpec, ...], bool]:
    """The clouds of the project that `cloud` means (one, or all of a kind; None: all), and whether one is local.

    Without a project that is what is to be used first: local clouds. SpecError where there is no such cloud.
    """
    clouds = project.clouds if project else {}
    if cloud is None:
        wanted = tuple(clouds.values())
    elif project and cloud in clouds:
        wanted = (clouds[cloud],)
    else:
        kind = _kind(project, cloud)
        wanted = tuple(spec for spec in clouds.values() if spec.kind is kind)
    local = any(isinstance(spec, LocalCloud) for spec in wanted)
    return wanted, local or (not wanted and cloud in (None, CloudKind.LOCAL))


def look(
    project: Project | None, clouds: tuple[CloudSpec, ...], *, local: bool, rights: bool, say: Callable[[str], None]
) -> tuple[Finding, ...]:
    """What is there of what these clouds need; with `local` what this computer has for machines, really tried.

    `rights`: also whether phoenix may do its work there. `say` hears of what takes long.
    """
    elsewhere = (spec for spec in clouds if not isinstance(spec, LocalCloud))
    found = [each for spec in elsewhere if project for each in open_cloud(project, spec).check(rights=rights)]
    return (*(_look_here(project, clouds, say) if local else ()), *found)


def _look_here(
    project: Project | None, clouds: tuple[CloudSpec, ...], say: Callable[[str], None]
) -> tuple[Finding, ...]:
    from phoenix.clouds.local import check

    recipes = project.recipes.values() if project else ()
    suites = frozenset(recipe.base[CloudKind.LOCAL] for recipe in recipes if CloudKind.LOCAL in recipe.base)
    local = tuple(spec for spec in clouds if isinstance(spec, LocalCloud))
    return tuple(check.local_clouds(local, suites or frozenset({_DEFAULT_SUITE}), say))


def way_in(
    project: Project, cloud: str, instance: Instance, words: tuple[str, ...], *, terminal: bool
) -> tuple[tuple[str, ...], bool]:
    """The command that gets into a machine, and whether it is run on this computer (else a person says it)."""
    spec, line = project.cloud(cloud), shlex.join(words)
    match spec:
        case LocalCloud():
            from phoenix.clouds.local.machines import entrance

            return entrance.command(spec.root, instance.id, words, terminal=terminal), True
        case AwsCloud():
            profile = ("--profile", spec.profile) if spec.profile else ()
            document = (
                "--document-name",
                "AWS-StartInteractiveCommand",
                "--parameters",
                json.dumps({"command": [line]}),
            )
            session = ("aws", "ssm", "start-session", "--region", spec.region, *profile, "--target", instance.id)
            return (*session, *(document if words else ())), False
        case GcpCloud():
            zone = ("--zone", instance.zone) if instance.zone else ()
            tail = ("--command", line) if words else ()
            ssh = ("gcloud", "compute", "ssh", instance.id, "--project", spec.project, *zone, "--tunnel-through-iap")
            return (*ssh, *tail), False


def go_in(project: Project, cloud: str, instance: str, way: tuple[str, ...], who: Callable[[], str]) -> int:
    """Run the way into a machine of this computer until somebody comes back; its exit code. See `entrance.go_in`."""
    from phoenix.clouds.local.machines import entrance

    spec = project.cloud(cloud)
    assert isinstance(spec, LocalCloud), "elsewhere the way in is for a person to say"
    return entrance.go_in(spec.root, instance, way, who)


def _kind(project: Project | None, cloud: str) -> CloudKind:
    if cloud in list(CloudKind):
        return CloudKind(cloud)
    raise SpecError(
        f"there is no cloud '{cloud}'",
        details=f"clouds of the project: {', '.join(project.clouds if project else ()) or 'none'}; "
        f"kinds: {', '.join(CloudKind)}",
        resolution="Name one of these.",
    )
