"""A whole publication, as `phoenix publish` and `phoenix roll` do it: check the files, plan, carry out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import Clock
from phoenix.errors import SpecError
from phoenix.execute.engine import Engine
from phoenix.execute.ownership import OwnedRun
from phoenix.execute.repositories import LOCK_DEADLINE, UNSIGNED, Writer, ensure_served
from phoenix.plan.actions import PackageFile, Plan, PublishAction, to_json
from phoenix.plan.publish import publish as plan_publication
from phoenix.record.journal import PUBLISH, Run
from phoenix.record.store import Store
from phoenix.tools import deb, gpg, process


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """What a publication came to. `run` is None where there was nothing to do."""

    plan: Plan[PublishAction]
    run: Run | None


def checked(paths: Iterable[Path]) -> tuple[PackageFile, ...]:
    """The packages in `paths`, each once, in their order. SpecError tells of every file that is none."""
    files: dict[tuple[str, str], PackageFile] = {}
    mistakes: list[str] = []
    for path in paths:
        try:
            described = deb.read(path)
        except SpecError as error:
            mistakes.append(error.brief + (f": {error.details}" if error.details else ""))
            continue
        file = PackageFile(
            path=str(path.absolute()),
            name=described.name,
            version=described.version,
            architecture=described.architecture,
            sha256=described.sha256,
        )
        other = files.setdefault((file.name, file.version), file)
        if other.sha256 != file.sha256:
            mistakes.append(f"{path} and {other.path} are both {file.name} {file.version}, with different contents")
    if mistakes:
        raise SpecError(
            f"{len(mistakes)} of the files cannot be published" if len(mistakes) > 1 else "a file cannot be published",
            details="\n".join(mistakes),
            resolution="Nothing was published. Give whole .deb files, as `dpkg-deb --build` makes them.",
        )
    return tuple(files.values())


def preview(writer: Writer, files: tuple[PackageFile, ...]) -> Plan[PublishAction]:
    """What a publication of `files` would do now. RefusedError where it would be refused. Changes nothing."""
    if not writer.root.database.exists():
        return plan_publication(writer.spec, files, writer.state())
    with writer.held():
        return plan_publication(writer.spec, files, writer.state())


def publish(
    writer: Writer,
    files: tuple[PackageFile, ...],
    *,
    engine: Engine[PublishAction],
    store: Store,
    clock: Clock,
    say: Callable[[str], None],
    tend: Callable[[], Iterable[str]],
    why: str = "",
    deadline: float = LOCK_DEADLINE,
) -> Publication:
    """Publish `files` and see machines get them. Others who publish here at the same time wait, at most `deadline` s.

    `tend` takes over a publication of this repository whose process died. Raises RefusedError before anything was
    changed, and the failed step's own error after everything was put back.
    """
    process.require("aptly", "aptly")  # before anything is begun: it would be missing on the way back, too
    with writer.held(deadline=deadline):
        for sentence in tend():
            say(sentence)
        if writer.spec.sign not in ("auto", UNSIGNED):
            gpg.given_key(writer.spec.sign)
        ensure_served(writer.spec, clock=clock, say=say)
        plan = plan_publication(writer.spec, files, writer.state())
        if plan.empty:
            return Publication(plan=plan, run=None)
        say(plan.why)
        owned = OwnedRun.begin(store, clock, kind=PUBLISH, subject=plan.subject, plan=to_json(plan), why=why)
        engine.execute(owned, plan)
        return Publication(plan=plan, run=owned.run)
