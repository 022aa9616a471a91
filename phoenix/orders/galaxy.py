"""Roles and collections of others: installed for a project's playbooks, as its file of requirements asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phoenix.execute import galaxy
from phoenix.execute.galaxy_lock import LOCK, Lock
from phoenix.execute.requirements import KINDS
from phoenix.tell import Level, Teller, Told, nobody, unfailing


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPart:
    """A role or collection; `change` is new, changed, gone, or empty where it is what it was."""

    kind: str
    name: str
    version: str
    sha256: str
    change: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GalaxyResult:
    """What is installed. `again`: what the lock said, and not what the sources have today.

    `changed`: whether anything is other than before.
    """

    directory: str
    lock: str
    again: bool
    installed: tuple[InstalledPart, ...]
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GalaxyPlan:
    """What would be asked for, an entry each. `again`: in the versions of the lock."""

    again: bool
    asked: tuple[str, ...]


def plan(project: Path, *, upgrade: bool) -> GalaxyPlan:
    """What `install` would ask for; nothing is fetched. `project` is the directory of phoenix.yaml."""
    asked, former, again = galaxy.planned(project, upgrade=upgrade)
    if former is not None and again:
        return GalaxyPlan(again=True, asked=tuple(f"{e.kind} {e.name} {e.version}".rstrip() for e in former.entries))
    words = [(kind, entry) for kind in KINDS for entry in asked.of(kind)]
    return GalaxyPlan(
        again=False,
        asked=tuple(f"{k} {e.get('src') or e.get('name')} {e.get('version') or ''}".rstrip() for k, e in words),
    )


def install(project: Path, *, upgrade: bool, teller: Teller = nobody) -> GalaxyResult:
    """Install what playbooks/requirements.yml names, and write the lock; all or nothing."""
    tell = unfailing(teller)
    done = galaxy.install(project, upgrade=upgrade, say=lambda text: tell(Told(level=Level.DETAIL, text=text)))
    parts = _parts(done.lock, done.former)
    return GalaxyResult(
        directory=str(project / "playbooks" / "galaxy"),
        lock=str(project / LOCK),
        again=done.again,
        installed=parts,
        changed=any(each.change for each in parts),
    )


def _parts(lock: Lock, former: Lock | None) -> tuple[InstalledPart, ...]:
    before = {each.path: each for each in former.entries} if former else {}
    now = {each.path: each for each in lock.entries}
    changes = {
        path: "new" if path not in before else "" if before[path] == each else "changed" for path, each in now.items()
    }
    changes |= dict.fromkeys(before.keys() - now.keys(), "gone")
    both = {**before, **now}
    return tuple(
        InstalledPart(
            kind=both[path].kind,
            name=both[path].name,
            version=both[path].version,
            sha256=both[path].sha256,
            change=changes[path],
        )
        for path in sorted(both)
    )
