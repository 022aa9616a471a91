"""A whole publication, as `phoenix publish` and `phoenix roll` do it: check the files, plan, carry out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import Clock
from phoenix.debs import RepositoryState, same_package
from phoenix.errors import PhoenixError, RefusedError, SpecError
from phoenix.execute import signing
from phoenix.execute.engine import Engine
from phoenix.execute.ownership import OwnedRun
from phoenix.execute.repositories import LOCK_DEADLINE, Writer, ensure_served
from phoenix.model import Repository
from phoenix.plan.actions import Plan, to_json
from phoenix.plan.publish import Needs
from phoenix.plan.publish import publish as plan_publication
from phoenix.plan.publish_actions import PackageFile, PublishAction
from phoenix.record.journal import PUBLISH, Run
from phoenix.record.origin import UNTOLD, Origin
from phoenix.record.store import Store
from phoenix.tools import apt_index, aptly_root, deb, process


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """What a publication came to. `run` is None where there was nothing to do."""

    plan: Plan[PublishAction]
    run: Run | None


def checked(paths: Iterable[Path]) -> tuple[PackageFile, ...]:
    """The packages in `paths`, each once, in their order. SpecError tells of every file that is none."""
    files: dict[tuple[str, str], list[PackageFile]] = {}
    mistakes: list[str] = []
    wanted = tuple(paths)
    for path, described in zip(wanted, deb.read_all(wanted), strict=True):
        if isinstance(described, SpecError):
            mistakes.append(described.brief + (f": {described.details}" if described.details else ""))
            continue
        file = PackageFile(
            path=str(path.absolute()),
            name=described.name,
            version=described.version,
            architecture=described.architecture,
            sha256=described.sha256,
        )
        known = files.setdefault((file.name, file.version), [])
        same = [other for other in known if same_package(_identity(file), _identity(other))]
        mistakes += [
            f"{path} and {other.path} are both {file}, with different contents"
            for other in same
            if other.sha256 != file.sha256
        ]
        known += [] if same else [file]
    if mistakes:
        raise SpecError(
            f"{len(mistakes)} of the files cannot be published" if len(mistakes) > 1 else "a file cannot be published",
            details="\n".join(mistakes),
            resolution="Nothing was published. Give whole .deb files, as `dpkg-deb --build` makes them.",
        )
    return tuple(file for known in files.values() for file in known)


def _identity(file: PackageFile) -> tuple[str, str, str]:
    return file.name, file.version, file.architecture


def downloaded(source: Repository, wishes: Iterable[tuple[str, str | None]], directory: Path) -> tuple[Path, ...]:
    """The wished packages (name and version) of a repository, as files in `directory`, with the bytes it shows.

    Those of every architecture: what was proven on one machine is wanted by all.

    RefusedError tells of every wish that the repository cannot fulfil, with what it has instead.
    """
    wanted = tuple(wishes)
    shown = apt_index.entries(source)
    found = [each for wish in wanted for each in shown if (each.deb.name, each.deb.version) == wish]
    there = {(each.deb.name, each.deb.version) for each in found}
    apt_index.resolve(source, [wish for wish in wanted if wish not in there])  # refuses, and says what there is
    files = []
    for number, entry in enumerate(dict.fromkeys(found)):
        files.append(directory / f"{number}-{entry.deb.name}.deb")
        apt_index.download(source, entry, files[-1])
    return tuple(files)


ROOM = 8_000_000
"""Bytes that a publication needs beside its packages: indexes, and aptly's database."""
Decide = Callable[[RepositoryState], Plan[PublishAction]]
"""Decides on a state that was just read, while nobody else can write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a change to a repository needs besides its plan. `kind`: of its run."""

    engine: Engine[PublishAction]
    store: Store
    clock: Clock
    say: Callable[[str], None]
    tend: Callable[[], Iterable[str]]
    """Takes over a change of this repository whose process died; says what it did."""
    kind: str = PUBLISH
    why: str = ""
    origin: Origin = UNTOLD
    deadline: float = LOCK_DEADLINE
    """Seconds to wait for others who change the repository at the same time."""


def preview(writer: Writer, decide: Decide) -> Plan[PublishAction]:
    """What a change would do now. RefusedError where it would be refused. Changes nothing."""
    if not writer.root.database.exists():
        return decide(writer.state())
    with writer.held():
        return decide(writer.state())


def publish(
    writer: Writer, files: tuple[PackageFile, ...], change: Change, *, replace: Needs | None = None
) -> Publication:
    """Publish `files` and see machines get them; `replace` as for the plan. Raises as `carry_out`."""

    def decide(state: RepositoryState) -> Plan[PublishAction]:
        plan = plan_publication(writer.spec, files, state, why=change.why, replace=replace)
        if not plan.empty:
            _refuse_without_room(writer, files)
        return plan

    return carry_out(writer, decide, change)


def _refuse_without_room(writer: Writer, files: tuple[PackageFile, ...]) -> None:
    """RefusedError where the disk is certain to become full: better now than in the middle."""
    needed = sum(Path(file.path).stat().st_size for file in files if Path(file.path).exists()) + ROOM
    free = aptly_root.free(writer.root)
    if free < needed:
        raise _no_room(writer, f"{writer.root.path}: {free:,} bytes are free, {needed:,} are needed")
    try:
        aptly_root.keep_reserve(writer.root)
    except OSError as error:
        raise _no_room(writer, f"{writer.root.reserve}: {error.strerror}") from error


def _no_room(writer: Writer, details: str) -> RefusedError:
    return RefusedError(
        f"the disk of the repository '{writer.spec.name}' has no room",
        details=details,
        resolution=aptly_root.MAKE_ROOM,
    )


def carry_out(writer: Writer, decide: Decide, change: Change) -> Publication:
    """Decide and do it, in turn with others who change the repository at the same time.

    Raises RefusedError before anything was changed, and the failed step's own error after everything was put back.
    """
    process.require("aptly", "aptly")  # before anything is begun: it would be missing on the way back, too
    with writer.held(deadline=change.deadline):
        for sentence in change.tend():
            change.say(sentence)
        signing.refuse_unable(writer, change.clock, change.say)
        ensure_served(writer.spec, clock=change.clock, say=change.say)
        writer.claim()  # before anything is begun
        plan = decide(writer.state())
        if plan.empty:
            return Publication(plan=plan, run=None)
        with suppress(OSError):  # on a disk that is full already nothing but pruning helps
            aptly_root.keep_reserve(writer.root)
        change.say(plan.why)
        owned = OwnedRun.begin(
            change.store,
            change.clock,
            kind=change.kind,
            subject=plan.subject,
            plan=to_json(plan),
            why=change.why,
            origin=change.origin,
        )
        try:
            change.engine.execute(owned, plan)
        except PhoenixError as error:
            error.know({"run": owned.run.id, "state": str(owned.run.state)})
            raise
        return Publication(plan=plan, run=owned.run)
