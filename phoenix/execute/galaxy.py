"""Installing what `playbooks/requirements.yml` names: fetched aside, looked at, then put in place in one move.

It lies in `playbooks/galaxy/`, apart from what the project itself wrote, and whole: what is no longer asked for is
gone. Nothing is changed where anything cannot be fetched, or where it is other than the lock says.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from phoenix.errors import RefusedError, SpecError, ToolError
from phoenix.execute import collection_files, galaxy_lock, playbook_tree, requirements
from phoenix.execute.galaxy_lock import INSTALL, LOCK, Entry, Lock
from phoenix.execute.playbook_tree import COLLECTIONS, GALAXY, Collection
from phoenix.execute.requirements import FILE, KINDS, Kind, Requirements
from phoenix.tools import ansible_galaxy

MARK = "README.md"
_README = f"""\
Made by `{INSTALL}` from {FILE}. It is replaced as a whole: roles of your own stand in `playbooks/roles`,
and there is no need to keep this directory in git, for {LOCK} says what belongs here.
"""
_ASIDE = ".ansible"
"""A directory beside the playbooks that no playbook tree has; on the same disk, so that a move is one."""
_STAGE = "phoenix-galaxy-"
"""What the name of a directory begins with that is fetched into; what was installed waits there as `_FORMER`."""
_FORMER = "former"
_INSTALL_INFO = Path("meta/.galaxy_install_info")
"""What ansible-galaxy writes into a role: its version, and a date that would make every install another role."""

Pins = Mapping[Kind, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """What is installed now, and what was before."""

    lock: Lock
    former: Lock | None
    again: bool
    """It is what an earlier lock said, and not what the sources have today."""


def planned(project: Path, *, upgrade: bool) -> tuple[Requirements, Lock | None, bool]:
    """What is asked for, the lock that there is, and whether that lock decides. Reads files; changes nothing.

    SpecError where there is no file of requirements, or it or the lock has a mistake.
    """
    asked, former = requirements.read(project), galaxy_lock.read(project)
    if asked is None:
        raise SpecError(
            f"there is no {FILE}",
            details=f"{project / FILE} would name roles and collections, as for ansible-galaxy",
            resolution="Write it, such as `collections: [{name: community.general, version: 11.4.2}]`.",
        )
    again = former is not None and former.requirements == galaxy_lock.digest_of_requirements(project) and not upgrade
    return asked, former, again


def install(project: Path, *, upgrade: bool, say: Callable[[str], None]) -> Installed:
    """Bring `playbooks/galaxy/` and the lock in line with the requirements; `say` hears of each step.

    What the lock pins is installed again, unless the requirements have changed or `upgrade`. RefusedError where another
    process installs, or where the directory is not ours; ToolError where something cannot be fetched, or is another
    than the lock says. Nothing was changed then.
    """
    asked, former, again = planned(project, upgrade=upgrade)
    target = project / "playbooks" / GALAXY
    _refuse_foreign(target)
    aside = project / "playbooks" / _ASIDE
    aside.mkdir(exist_ok=True)
    with _alone(aside), _stage(aside, target) as stage:
        pins: Pins
        if former is not None and again:
            pins = {kind: list((former.pinned or {}).get(kind, ())) for kind in KINDS}
        else:
            pins = {kind: requirements.pinned(asked, kind) for kind in KINDS}
        versions = _fetch(pins, asked.directory, stage, say)
        entries = tuple(_found(stage / GALAXY, versions))
        if former is not None and again:
            _refuse_other(former, entries)
        lock = Lock(
            requirements=galaxy_lock.digest_of_requirements(project),
            entries=entries,
            pinned=_exact(pins, entries),
        )
        _put_in_place(stage, target)
        galaxy_lock.write(project, lock)
    return Installed(lock=lock, former=former, again=again)


def _fetch(pins: Pins, directory: Path, stage: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Lay all into `stage`/galaxy. Gives the versions of roles by name, as their sources call them."""
    (stage / GALAXY).mkdir()
    (stage / GALAXY / MARK).write_text(_README)
    for kind in KINDS:
        if not pins[kind]:
            continue
        say(f"{len(pins[kind])} {kind}s ..." if len(pins[kind]) > 1 else f"1 {kind} ...")
        given = {f"{kind}s": requirements.placed(pins[kind], kind, directory, stage)}
        file = stage / f"{kind}s.yml"
        file.write_text(yaml.safe_dump(given))
        ansible_galaxy.install(kind, file, stage / GALAXY / f"{kind}s", directory=directory, say=say)
    versions = {}
    for info in sorted((stage / GALAXY / "roles").glob(f"*/{_INSTALL_INFO}")):
        said = yaml.safe_load(info.read_text()) or {}
        versions[info.parent.parent.name] = str(said.get("version") or "")
        info.unlink()
    return versions


def _found(root: Path, versions: Mapping[str, str]) -> Iterator[Entry]:
    """What was installed, roles first."""
    roles = root / "roles"
    for role in sorted(roles.iterdir() if roles.is_dir() else ()):
        files = playbook_tree.files_below(role)
        digests = {path: playbook_tree.digest_of_file(file, file.read_bytes()) for path, file in files.items()}
        digest = playbook_tree.digest_of_all(digests)
        yield Entry(kind="role", name=role.name, version=versions.get(role.name, ""), sha256=digest)
    for manifest in sorted((root / "collections" / COLLECTIONS).glob("*/*/MANIFEST.json")):
        said = json.loads(manifest.read_text("utf-8"))["collection_info"]
        name = f"{said['namespace']}.{said['name']}"
        collection = Collection(name=name, path=name, directory=manifest.parent)
        contents = collection_files.contents_of(collection, collection_files.files_of(collection))
        yield Entry(kind="collection", name=name, version=str(said["version"]), sha256=contents.digest)


def _exact(pins: Pins, entries: tuple[Entry, ...]) -> Pins:
    """The pins with the versions that came where none, or a range, was asked for; and with what else came."""
    came = {(each.kind, each.name): each.version for each in entries}
    exact = {kind: [_with_version(pin, came.get((kind, _name(pin)))) for pin in pins[kind]] for kind in KINDS}
    if all(_from_galaxy(pin) for pin in pins["collection"]):  # then what they depend on came from there, too
        more = [{"name": each.name, "version": each.version} for each in entries if each.kind == "collection"]
        named = {_name(pin) for pin in pins["collection"]}
        exact["collection"] += [each for each in more if each["name"] not in named]
    return exact


def _name(pin: Mapping[str, Any]) -> str:
    return str(pin.get("name") or pin.get("src"))


def _from_galaxy(pin: Mapping[str, Any]) -> bool:
    """Whether a version names it: a file, a directory and an address have the one that they hold."""
    return "/" not in str(pin.get("src") or pin.get("name")) and pin.get("type") in (None, "galaxy")


def _with_version(pin: dict[str, Any], version: str | None) -> dict[str, Any]:
    return {**pin, "version": version} if version and _from_galaxy(pin) and not pin.get("scm") else pin


def _refuse_other(former: Lock, entries: tuple[Entry, ...]) -> None:
    now = {each.path: each for each in entries}
    other = [each.path for each in former.entries if each.path not in now or now[each.path].sha256 != each.sha256]
    other += [path for path in now if path not in {each.path for each in former.entries}]
    if other:
        raise ToolError(
            f"what was fetched is not what {LOCK} says",
            details="other, gone or new: " + ", ".join(f"playbooks/{path}" for path in other),
            resolution=f"See what became of its source; `{INSTALL} --upgrade` takes it as it is now. "
            "What was installed before is as it was.",
        )


def _refuse_foreign(target: Path) -> None:
    if target.exists() and not (target / MARK).is_file():
        raise RefusedError(
            f"{target} was not made by `{INSTALL}`",
            details=f"it has no {MARK}; it would be replaced as a whole",
            resolution="Give what is yours there another name, such as playbooks/roles.",
        )


def _alone(aside: Path) -> FileLock:
    """Held while this process installs; RefusedError where another one does."""
    lock = FileLock(aside / "phoenix-galaxy.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as busy:
        raise RefusedError(
            "another process installs here",
            details=f"it holds {aside / 'phoenix-galaxy.lock'}",
            resolution="Wait until it has ended; nothing was changed.",
        ) from busy
    return lock


@contextmanager
def _stage(aside: Path, target: Path) -> Iterator[Path]:
    """A directory to fetch into, gone in the end; what installs that were killed have left there is put right first."""
    for left in sorted(aside.glob(f"{_STAGE}*")):
        if _is_stage(left):
            if not target.exists() and (left / _FORMER / MARK).is_file():
                (left / _FORMER).rename(target)
            _remove(left)
    stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=aside))
    try:
        (stage / MARK).write_text(_README)
        yield stage
    finally:
        _remove(stage)


def _is_stage(left: Path) -> bool:
    """Whether an install made it: it has the mark, or nothing, for it gets the mark first and loses it last."""
    if left.is_symlink() or not left.is_dir():
        return False
    return not any(left.iterdir()) or any((left / part / MARK).is_file() for part in (".", GALAXY, _FORMER))


def _remove(stage: Path) -> None:
    for path in stage.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()
    (stage / MARK).unlink(missing_ok=True)
    stage.rmdir()


def _put_in_place(stage: Path, target: Path) -> None:
    """The new directory for the former one. A command that reads in between finds none, and says so."""
    if target.exists():
        target.rename(stage / _FORMER)
    try:
        (stage / GALAXY).rename(target)
    except OSError:
        shutil.move(stage / _FORMER, target)
        raise
