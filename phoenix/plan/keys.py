"""Changing the key that signs a repository: for a while both sign, so that no machine is left behind."""

from __future__ import annotations

from phoenix import names
from phoenix.debs import RepositoryState
from phoenix.errors import RefusedError
from phoenix.plan.actions import Plan, Step, fingerprint
from phoenix.plan.publish_actions import (
    DropKeys,
    DropStates,
    MakeKey,
    PublishAction,
    ReadBack,
    SetSigners,
    SwitchPublication,
    TakeSnapshot,
)
from phoenix.plan.states import fingerprint_of, next_state, published_state, step
from phoenix.spec.repositories import RepositorySpec


def rotate(spec: RepositorySpec, state: RepositoryState, signers: tuple[str, ...], *, why: str) -> Plan[PublishAction]:
    """The plan that makes a new key and lets it sign beside the old one; empty where two sign already."""
    former = published_state(spec, state)
    if len(signers) > 1:
        return Plan(subject=str(names.of_repository(spec.name)), why="two keys sign already; `--finish` ends that")
    first: PublishAction = MakeKey(repository=spec.name, beside=signers[0])
    back = step("one-key", SetSigners(repository=spec.name, keys=signers))
    what = "a new key signs beside the old one"
    return _plan(spec, state, former, signers, (("make-key", first), back), (what, why))


def finish(
    spec: RepositorySpec, state: RepositoryState, signers: tuple[str, ...], left_behind: tuple[str, ...], *, why: str
) -> Plan[PublishAction]:
    """The plan that lets the newest key sign alone and removes the others; empty where it does.

    RefusedError where the launch templates of the groups `left_behind` know only an older key.
    """
    former = published_state(spec, state)
    if len(signers) < 2:
        return Plan(subject=str(names.of_repository(spec.name)), why="one key signs; nothing is to be finished")
    if left_behind:
        raise RefusedError(
            f"the rotation of the key of '{spec.name}' cannot be finished",
            details=f"new machines of these groups know only the old key: {', '.join(left_behind)}",
            resolution="Roll their services once: a release that is made now knows the new key. Then finish.",
        )
    first: PublishAction = SetSigners(repository=spec.name, keys=signers[-1:])
    back = step("both-keys", SetSigners(repository=spec.name, keys=signers))
    dropped = step("drop-keys", DropKeys(repository=spec.name, keys=signers[:-1]))
    what = "the new key signs alone"
    return _plan(spec, state, former, signers, (("one-key", first), back), (what, why), (dropped,))


def _plan(
    spec: RepositorySpec,
    state: RepositoryState,
    former: str,
    signers: tuple[str, ...],
    change: tuple[tuple[str, PublishAction], Step[PublishAction]],
    said: tuple[str, str],
    cleanup: tuple[Step[PublishAction], ...] = (),
) -> Plan[PublishAction]:
    """Change who signs, then sign what machines see anew, as a state of its own."""
    fresh, (first, undo) = next_state(spec, state), change
    actions: list[tuple[str, PublishAction]] = [
        first,
        ("snapshot", TakeSnapshot(repository=spec.name, snapshot=fresh, what=said[0], why=said[1], of=former)),
        ("switch", SwitchPublication(repository=spec.name, snapshot=fresh)),
        ("read-back", ReadBack(repository=spec.name, files=(), snapshot=fresh)),
    ]
    return Plan(
        subject=str(names.of_repository(spec.name)),
        why=said[0],
        steps=tuple(step(*each) for each in actions),
        back=(
            undo,
            step("switch-back", SwitchPublication(repository=spec.name, snapshot=former)),
            step("drop", DropStates(repository=spec.name, snapshots=(fresh,))),
        ),
        cleanup=cleanup,
        fingerprint=fingerprint((fingerprint_of(spec, state), *signers)),
    )
