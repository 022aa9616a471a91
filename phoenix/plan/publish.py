"""What a publication has to do: which packages are new, what machines will see next, and the way back to before.

A published version never changes: the same name and version with other bytes is refused, unless whoever publishes it
says so and nobody needs the old bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from phoenix import names
from phoenix.debs import ANY, Deb, Need, RepositoryState, same_package
from phoenix.errors import RefusedError
from phoenix.plan.actions import Plan, Step
from phoenix.plan.publish_actions import (
    AddPackages,
    DropStates,
    PackageFile,
    PublishAction,
    ReadBack,
    RemovePackages,
    SwitchPublication,
    TakeSnapshot,
)
from phoenix.plan.states import back_to, fingerprint_of, next_state, state_name, step
from phoenix.spec.repositories import RepositorySpec

Needs = Callable[[], tuple[Need, ...]]
"""Asks who needs what of the repository: of every cloud, so only where it matters."""

NAMED = 5
"""How many packages a sentence names."""


def publish(
    spec: RepositorySpec,
    files: tuple[PackageFile, ...],
    state: RepositoryState,
    *,
    why: str = "",
    replace: Needs | None = None,
) -> Plan[PublishAction]:
    """The plan that makes machines see `files`; empty where they do.

    `replace`: other contents under a published version are meant. RefusedError where they are not, or where somebody
    needs the old ones.
    """
    old = _changed(spec, files, state, replace)
    _refuse_without_index(spec, files, state)
    there, visible = set(state.packages), set(state.visible)
    new = tuple(file for file in files if deb_of(file) not in there)
    unseen = tuple(file for file in files if deb_of(file) not in visible)
    other_signing = state.published is not None and state.signed != (spec.sign != "none")
    if not unseen and not other_signing and not state.behind:
        return Plan(subject=str(names.of_repository(spec.name)), why=f"{_named(files)} is published already")
    what = _what(files, unseen, old) if unseen else _shown_otherwise(spec, other_signing)
    return Plan(
        subject=str(names.of_repository(spec.name)),
        why=what,
        steps=_steps(spec, files, new, old, state, (what, why, "" if unseen else _former(spec, state))),
        back=_back(spec, new, old, state),
        fingerprint=fingerprint_of(spec, state),
    )


def _shown_otherwise(spec: RepositorySpec, other_signing: bool) -> str:
    """Why what machines see is shown anew, although every package is there."""
    if other_signing:
        return f"signing was turned {'off' if spec.sign == 'none' else 'on'}"
    return f"{spec.bucket} is behind"


def deb_of(file: PackageFile) -> Deb:
    """The file as an index describes it."""
    return Deb(name=file.name, version=file.version, architecture=file.architecture, sha256=file.sha256)


def as_file(deb: Deb) -> PackageFile:
    """What an index describes, as an action names it: there is no file of it at hand."""
    return PackageFile(path="", name=deb.name, version=deb.version, architecture=deb.architecture, sha256=deb.sha256)


def _what(files: tuple[PackageFile, ...], unseen: tuple[PackageFile, ...], old: tuple[Deb, ...]) -> str:
    other = [file for file in files if any(_same(file, deb) for deb in old)]
    new = [file for file in unseen if file not in other]
    said = [f"{_named(new)} {'is' if len(new) <= NAMED else 'are'} new"] if new else []
    return ", ".join([*said, *([f"{_named(other)} has other contents"] if other else [])])


def _steps(
    spec: RepositorySpec,
    files: tuple[PackageFile, ...],
    new: tuple[PackageFile, ...],
    old: tuple[Deb, ...],
    state: RepositoryState,
    said: tuple[str, str, str],
) -> tuple[Step[PublishAction], ...]:
    """`said`: what is new, why, and the state whose packages it has again."""
    snapshot, former, (what, why, of) = next_state(spec, state), _former(spec, state), said
    actions: list[tuple[str, PublishAction]] = []
    if former not in state.snapshots:
        actions.append(("snapshot-before", TakeSnapshot(repository=spec.name, snapshot=former)))
    if old:
        actions.append(("remove-old", RemovePackages(repository=spec.name, files=tuple(map(as_file, old)))))
    if new:
        actions.append(("add", AddPackages(repository=spec.name, files=new)))
    actions += [
        ("snapshot", TakeSnapshot(repository=spec.name, snapshot=snapshot, what=what, why=why, of=of)),
        ("switch", SwitchPublication(repository=spec.name, snapshot=snapshot)),
        ("read-back", ReadBack(repository=spec.name, files=files, snapshot=snapshot)),
    ]
    return tuple(step(*each) for each in actions)


def _back(
    spec: RepositorySpec, new: tuple[PackageFile, ...], old: tuple[Deb, ...], state: RepositoryState
) -> tuple[Step[PublishAction], ...]:
    snapshot, former = next_state(spec, state), _former(spec, state)
    if old:
        return back_to(spec, former, (snapshot,))
    switch = step("switch-back", SwitchPublication(repository=spec.name, snapshot=former))
    drop = step("drop", DropStates(repository=spec.name, snapshots=(snapshot,)))
    remove = step("remove", RemovePackages(repository=spec.name, files=new))
    return (switch, remove, drop) if new else (switch, drop)


def _former(spec: RepositorySpec, state: RepositoryState) -> str:
    return state.published or state_name(spec.name, 0)


def _changed(
    spec: RepositorySpec, files: tuple[PackageFile, ...], state: RepositoryState, replace: Needs | None
) -> tuple[Deb, ...]:
    """What is there under a name and version of `files` with other contents, where that may be replaced."""
    known: dict[tuple[str, str], set[Deb]] = {}
    for deb in (*state.packages, *state.visible):
        known.setdefault((deb.name, deb.version), set()).add(deb)
    pairs = [(file, deb) for file in files for deb in sorted(known.get((file.name, file.version), ()))]
    pairs = [(file, deb) for file, deb in pairs if _same(file, deb) and deb_of(file) != deb]
    changed, old = dict.fromkeys(file for file, _deb in pairs), tuple(dict.fromkeys(deb for _file, deb in pairs))
    if changed and replace is None:
        lines = [
            f"{file}: {file.path} ({file.architecture}) has {file.sha256}, it has {deb.sha256} ({deb.architecture})"
            for file, deb in pairs
        ]
        raise RefusedError(
            f"{_named(changed)} is in the repository '{spec.name}' already, with other contents",
            details="\n".join(lines),
            resolution="A version that was published never changes: raise the version, build, and publish that."
            " Where nobody runs it yet, `phoenix publish FILE --replace --why TEXT` puts"
            " the new contents in its place.",
        )
    needed = [need for need in replace() if need.of(old)] if replace and old else []
    if needed:
        raise RefusedError(
            f"{_named(changed)} cannot be replaced in the repository '{spec.name}'",
            details="\n".join(f"{need.name}={need.version}: {need.who}" for need in needed),
            resolution="Its machines install exactly the old bytes. Raise the version, build, and publish that.",
        )
    return old


def _same(file: PackageFile, deb: Deb) -> bool:
    return same_package((file.name, file.version, file.architecture), (deb.name, deb.version, deb.architecture))


def _refuse_without_index(spec: RepositorySpec, files: tuple[PackageFile, ...], state: RepositoryState) -> None:
    """RefusedError for packages that no machine would see: aptly settles its indexes when it first publishes."""
    lacking = [file for file in files if file.architecture not in (ANY, *state.architectures)]
    if lacking:
        has = ", ".join(each for each in state.architectures if each != ANY)
        wanted = ", ".join(sorted({file.architecture for file in lacking}))
        raise RefusedError(
            f"the repository '{spec.name}' has no index for {wanted}",
            details=f"it was begun by an older phoenix, for {has} alone; not published: {_named(lacking)}",
            resolution="Begin another one (a name and a `root` of its own in phoenix.yaml), "
            "`phoenix repository promote` what is needed into it, and publish there.",
        )


def _named(files: Iterable[PackageFile]) -> str:
    """The files in a line that can be read: of many the first ones."""
    named = list(map(str, files))
    more = len(named) - NAMED
    return ", ".join(named) if more < 2 else f"{', '.join(named[:NAMED])} and {more} more"
