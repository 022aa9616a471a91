"""What a publication has to do: which packages are new, what machines will see next, and the way back to before.

A published version never changes: the same name and version with other bytes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phoenix import names
from phoenix.debs import Deb, RepositoryState
from phoenix.errors import RefusedError
from phoenix.plan.actions import (
    AddPackages,
    PackageFile,
    Plan,
    PublishAction,
    ReadBack,
    RemovePackages,
    Step,
    SwitchPublication,
    TakeSnapshot,
    fingerprint,
)
from phoenix.spec.repositories import RepositorySpec

WRITE_DEADLINE = 900.0
"""Seconds for aptly to take, freeze or publish: large packages on a slow disk are within it."""
READ_BACK_DEADLINE = 120.0
"""Seconds until whoever serves the url shows what was published."""


def publish(spec: RepositorySpec, files: tuple[PackageFile, ...], state: RepositoryState) -> Plan[PublishAction]:
    """The plan that makes machines see `files`; empty where they do. RefusedError for a version that would change."""
    _refuse_changes(spec, files, state)
    there, visible = set(state.packages), set(state.visible)
    new = tuple(file for file in files if deb_of(file) not in there)
    unseen = tuple(file for file in files if deb_of(file) not in visible)
    other_signing = state.published is not None and state.signed != (spec.sign != "none")
    if not unseen and not other_signing:
        return Plan(subject=str(names.of_repository(spec.name)), why=f"{_named(files)} is published already")
    former = state.published or snapshot_name(spec.name, 0)
    return Plan(
        subject=str(names.of_repository(spec.name)),
        why=f"{_named(unseen)} is new" if unseen else f"signing was turned {'off' if spec.sign == 'none' else 'on'}",
        steps=_steps(spec, files, new, former, state),
        back=_back(spec, new, former),
        fingerprint=fingerprint((spec.name, spec.distribution, spec.sign, former, *state.snapshots)),
    )


def snapshot_name(repository: str, number: int) -> str:
    """The repository's `number`-th snapshot. Number 0 is what machines saw before the first: nothing."""
    return f"{repository}-{number:04d}"


def deb_of(file: PackageFile) -> Deb:
    """The file as an index describes it."""
    return Deb(name=file.name, version=file.version, architecture=file.architecture, sha256=file.sha256)


def _steps(
    spec: RepositorySpec,
    files: tuple[PackageFile, ...],
    new: tuple[PackageFile, ...],
    former: str,
    state: RepositoryState,
) -> tuple[Step[PublishAction], ...]:
    snapshot = snapshot_name(spec.name, _last_number(spec.name, state.snapshots) + 1)
    actions: list[tuple[str, PublishAction]] = [
        ("snapshot", TakeSnapshot(repository=spec.name, snapshot=snapshot)),
        ("switch", SwitchPublication(repository=spec.name, snapshot=snapshot)),
        ("read-back", ReadBack(repository=spec.name, files=files)),
    ]
    if new:
        actions.insert(0, ("add", AddPackages(repository=spec.name, files=new)))
    if former not in state.snapshots:
        actions.insert(0, ("snapshot-before", TakeSnapshot(repository=spec.name, snapshot=former)))
    return tuple(_step(name, action) for name, action in actions)


def _back(spec: RepositorySpec, new: tuple[PackageFile, ...], former: str) -> tuple[Step[PublishAction], ...]:
    switch = _step("switch-back", SwitchPublication(repository=spec.name, snapshot=former))
    return (switch, _step("remove", RemovePackages(repository=spec.name, files=new))) if new else (switch,)


def _step(name: str, action: PublishAction) -> Step[PublishAction]:
    deadline = READ_BACK_DEADLINE if isinstance(action, ReadBack) else WRITE_DEADLINE
    return Step(id=name, action=action, deadline=deadline)


def _refuse_changes(spec: RepositorySpec, files: tuple[PackageFile, ...], state: RepositoryState) -> None:
    known = {(deb.name, deb.version): deb for deb in (*state.packages, *state.visible)}
    changed = [file for file in files if known.get((file.name, file.version), deb_of(file)) != deb_of(file)]
    if changed:
        digests = [(file, known[file.name, file.version].sha256) for file in changed]
        lines = [
            f"{file.name} {file.version}: {file.path} has {file.sha256}, it has {known}" for file, known in digests
        ]
        raise RefusedError(
            f"{_named(changed)} is in the repository '{spec.name}' already, with other contents",
            details="\n".join(lines),
            resolution="A version that was published never changes: raise the version, build, and publish that.",
        )


def _last_number(repository: str, snapshots: Iterable[str]) -> int:
    pattern = re.compile(rf"{re.escape(repository)}-([0-9]{{4,}})")
    return max((int(found[1]) for name in snapshots if (found := pattern.fullmatch(name))), default=0)


def _named(files: Iterable[PackageFile]) -> str:
    return ", ".join(f"{file.name} {file.version}" for file in files)
