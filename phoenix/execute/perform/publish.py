"""What each action of a publication does to a repository; each may be done again and then changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from phoenix.clock import Clock
from phoenix.debs import Deb
from phoenix.errors import CloudError, ToolError
from phoenix.execute import signing, states
from phoenix.execute.engine import Context, Performer
from phoenix.execute.outcomes import Outcome
from phoenix.execute.repositories import Writer, ensure_served, shown_at
from phoenix.plan.publish import deb_of
from phoenix.plan.publish_actions import (
    AddPackages,
    DropKeys,
    DropStates,
    MakeKey,
    MatchState,
    PublishAction,
    ReadBack,
    RemovePackages,
    SetSigners,
    SwitchPublication,
    TakeSnapshot,
)
from phoenix.record.journal import Part
from phoenix.tools import apt_index, deb
from phoenix.tools.apt_index import UnreadableIndexError, UntrustedIndexError
from phoenix.wait import Look, Verdict, wait_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Added(Outcome):
    """Packages that were not there before."""

    added: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed(Outcome):
    """How many packages were taken out again."""

    removed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Frozen(Outcome):
    """A snapshot with so many packages."""

    snapshot: str
    packages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched(Outcome):
    """The snapshot that machines see, none where they see nothing; `key` has signed it, if it was signed now."""

    published: str | None
    key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Matched(Outcome):
    """The state whose packages the repository holds now."""

    matched: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Visible(Outcome):
    """What machines were seen to get: versions by package."""

    packages: dict[str, str]


OF_ACTIONS: dict[type[object], tuple[type[Outcome], ...]] = {
    AddPackages: (Added,),
    TakeSnapshot: (Frozen,),
    SwitchPublication: (Switched,),
    RemovePackages: (Removed,),
    MatchState: (Matched,),
    DropStates: (states.Dropped,),
    **dict.fromkeys((MakeKey, SetSigners, DropKeys), (Outcome,)),
    ReadBack: (Visible,),
}
"""What each action of a publication comes to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World(Performer[PublishAction]):
    """What publications act on: the repositories, by name."""

    writers: Mapping[str, Writer]
    clock: Clock

    def perform(self, action: PublishAction, context: Context) -> Outcome:
        """Do `action` and say what it came to."""
        writer = self.writers[action.repository]
        with writer.held(), writer.kept_by(context.renew):
            if context.part is Part.BACK:
                writer.root.reserve.unlink(missing_ok=True)  # what failed may have been for want of room
            try:
                return self._do(action, writer, context)
            except BaseException:
                writer.drop()
                raise

    def outcomes(self, action: PublishAction) -> tuple[type[Outcome], ...]:
        """What the action comes to."""
        return OF_ACTIONS[type(action)]

    def waits(self, action: PublishAction) -> bool:
        """Whether an action of a publication only waits, so that it is checked again on resume."""
        return isinstance(action, ReadBack)

    def _do(self, action: PublishAction, writer: Writer, context: Context) -> Outcome:
        match action:
            case AddPackages():
                return _add(action, writer)
            case TakeSnapshot():
                return _take_snapshot(action, writer, context)
            case SwitchPublication():
                return self._switch(action, writer, context)
            case RemovePackages():
                writer.aptly.remove(action.repository, [deb_of(file) for file in action.files])
                return Removed(removed=len(action.files))
            case MatchState():
                return _match(action, writer, context)
            case DropStates():
                return states.drop(writer, action, self.clock)
            case MakeKey() | SetSigners() | DropKeys():
                return signing.perform(writer, action)
            case ReadBack():
                return self._read_back(action, writer, context)
            case _:
                assert_never(action)

    def _switch(self, action: SwitchPublication, writer: Writer, context: Context) -> Outcome:
        """Publish the snapshot, unless that is what machines see. On the way back to nothing nothing is published."""
        aptly, spec = writer.aptly, writer.spec
        published = aptly.published(spec.distribution)
        if published is None and context.part is Part.BACK:
            aptly.clean(spec.distribution)
            return Switched(published=None)
        shown = published == action.snapshot and _shows(writer, aptly.snapshot(action.snapshot))
        if shown and not _is_behind(writer, context):
            return Switched(published=published)
        keys = signing.signing_keys(writer)
        key = keys[-1] if keys else None
        if key:
            signing.write_public(writer, keys)
        aptly.publish(spec.distribution, spec.component, action.snapshot, key=key)
        if not key:
            writer.root.key.unlink(missing_ok=True)
        _show_in_bucket(writer, context)
        return Switched(published=action.snapshot, key=key)

    def _read_back(self, action: ReadBack, writer: Writer, context: Context) -> Outcome:
        """Read the index as a machine does, until it shows every package with its digest."""
        ensure_served(writer.spec, clock=self.clock, say=context.say)
        exactly = set(writer.aptly.snapshot(action.snapshot)) if action.snapshot else set()
        wanted = {deb_of(file) for file in action.files} | exactly

        def look() -> Look:
            try:
                everywhere = [set(apt_index.fetch(place)) for place in shown_at(writer.spec)]
                missing = {
                    deb for shown in everywhere for deb in (wanted ^ shown if action.snapshot else wanted - shown)
                }
            except UnreadableIndexError as error:
                return Look(verdict=Verdict.UNKNOWN, seen=error.details)
            except UntrustedIndexError as error:
                return Look(verdict=Verdict.FAIL, seen=f"{error.brief}: {error.details}")
            return Look(verdict=Verdict.UNKNOWN if missing else Verdict.PASS, seen=_differing(missing, wanted))

        wait_for(
            f"the publication at {writer.spec.url}",
            look,
            clock=self.clock,
            deadline=context.deadline,
            interval=0.2,
            on_change=lambda seen: context.say(seen) if seen else None,
            between=context.renew,
        )
        return Visible(packages={file.name: file.version for file in action.files})


def _is_behind(writer: Writer, context: Context) -> bool:
    """Whether the bucket has to be written; on the way back also where it cannot say."""
    try:
        return writer.behind()
    except CloudError:
        if context.part is not Part.BACK:
            raise
        return True


def _show_in_bucket(writer: Writer, context: Context) -> None:
    """Write the bucket. A way back is not held up by one that is away: the next publication sees that it is behind."""
    try:
        writer.show_in_bucket(context.renew, context.say)
    except CloudError as error:
        if context.part is not Part.BACK:
            raise
        context.say(f"the bucket is left as it is, for the next publication: {error.brief} ({error.details})")


def _add(action: AddPackages, writer: Writer) -> Outcome:
    there = set(writer.aptly.packages(action.repository))
    files = {deb_of(file): Path(file.path) for file in action.files if deb_of(file) not in there}
    for described, path in files.items():
        _refuse_changed_file(described, path)
    if files:
        writer.aptly.add(action.repository, files)
    kept = {tuple(key.removeprefix("P").split()[:3]) for key in writer.aptly.keys(repository=action.repository)}
    lost = [each for each in files if (each.architecture, each.name, each.version) not in kept]
    if lost:
        raise ToolError(
            "aptly did not keep every package",
            details=", ".join(f"{d.name} {d.version}" for d in sorted(lost)),
            resolution=f"Its log is {writer.root.log}.",
        )
    return Added(added=tuple(f"{d.name} {d.version}" for d in sorted(files)))


def _refuse_changed_file(described: Deb, path: Path) -> None:
    """What was checked is what is published: a file that was replaced since is not."""
    if not path.is_file() or deb.sha256(path) != described.sha256:
        raise ToolError(
            f"{path} is not what it was when the publication was planned",
            details="it was removed or replaced since",
            resolution="Publish again, when whatever builds it has ended.",
        )


def _differing(debs: set[Deb], wanted: set[Deb]) -> str:
    """What the index lacks or has too much, in words; empty where it is as wanted."""
    said = [
        f"{', '.join(f'{d.name} {d.version}' for d in sorted(some))} {how}"
        for some, how in ((debs & wanted, "not visible"), (debs - wanted, "still visible"))
        if some
    ]
    return "; ".join(said)


def _match(action: MatchState, writer: Writer, context: Context) -> Outcome:
    """On the way back from before the first step there is no state yet, and nothing that differs from it."""
    aptly = writer.aptly
    if action.snapshot in aptly.snapshots() or context.part is not Part.BACK:
        aptly.match(action.repository, action.snapshot)
    return Matched(matched=action.snapshot)


def _take_snapshot(action: TakeSnapshot, writer: Writer, context: Context) -> Outcome:
    aptly = writer.aptly
    packages = aptly.keys(repository=action.repository)
    if action.snapshot not in aptly.snapshots():
        aptly.take_snapshot(action.repository, action.snapshot, states.note(action, context.run_id, context.origin))
    if aptly.keys(snapshot=action.snapshot) != packages:
        raise ToolError(
            f"the snapshot {action.snapshot} holds something else than the repository",
            details="somebody else writes to this aptly, or an earlier publication was cut off",
            resolution="Publish again: the next snapshot gets a new number.",
        )
    return Frozen(snapshot=action.snapshot, packages=len(packages))


def _shows(writer: Writer, wanted: tuple[Deb, ...]) -> bool:
    """Whether machines see exactly `wanted` now."""
    try:
        return all(apt_index.fetch(place) == wanted for place in shown_at(writer.spec))
    except (UnreadableIndexError, UntrustedIndexError):
        return False
