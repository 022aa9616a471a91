"""The keys that sign a repository: shown, and changed with an overlap in which two sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from phoenix.clock import rfc3339
from phoenix.debs import RepositoryState
from phoenix.errors import RefusedError
from phoenix.execute import publication, signing
from phoenix.execute.repositories import LOCK_DEADLINE, OWN_KEY, UNSIGNED, Writer, root_of
from phoenix.model import Release
from phoenix.orders import kinds
from phoenix.orders.planned import Planned
from phoenix.orders.publish import change
from phoenix.orders.repositories import pick
from phoenix.orders.site import Site
from phoenix.plan import keys as plans
from phoenix.plan.actions import Plan
from phoenix.plan.publish_actions import PublishAction
from phoenix.plan.roll_actions import CreateGroup

REKEY = "rekey"
"""The kind of a run that changes a repository's key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFacts:
    """A key that signs. `expires`: None for one that never does."""

    fingerprint: str
    created: str
    expires: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeysShown:
    """The keys of a repository, oldest first. `file`: what machines verify with, served at `url`.

    `left_behind`: groups, made or about to be, whose new machines know only an older key. `warnings`: what is to be
    done before long.
    """

    repository: str
    sign: str
    keys: tuple[KeyFacts, ...]
    file: str | None
    url: str | None
    left_behind: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RotateOrder:
    """Let a new key sign beside the old one; `finish`: let the new one sign alone."""

    repository: str | None = None
    finish: bool = False
    why: str = ""
    wait: float = LOCK_DEADLINE


@dataclass(frozen=True, kw_only=True, slots=True)
class RotateResult:
    """The keys that sign now. `run`: None where nothing was done."""

    changed: bool
    repository: str
    run: str | None
    why: str
    keys: tuple[KeyFacts, ...]


def show(site: Site, name: str | None = None) -> KeysShown:
    """The keys that sign the repository."""
    spec = pick(site.project, name)
    key, unsigned = root_of(spec).key, (signing.unsigned(spec),) if spec.sign == UNSIGNED else ()
    served = key.exists() and not unsigned
    return KeysShown(
        repository=spec.name,
        sign=spec.sign,
        keys=_facts(site, spec.name),
        file=str(key) if served else None,
        url=f"{spec.url}/{key.name}" if served else None,
        left_behind=_left_behind(site, spec.name),
        warnings=(*unsigned, *signing.warnings(spec, site.clock.now())),
    )


def plan(site: Site, order: RotateOrder) -> Planned[RotateOrder]:
    """What a rotation would do now; changes nothing. RefusedError where it would be refused."""
    writer = _own(site, order)
    return Planned(order=order, plan=publication.preview(writer, lambda state: _decide(site, writer, order, state)))


def rotate(site: Site, order: RotateOrder) -> RotateResult:
    """Change who signs. RefusedError where phoenix did not make the key, or where a group would be left behind."""
    writer = _own(site, order)
    doing = change(site, writer.spec.name, why=order.why, wait=order.wait, kind=REKEY)
    done = publication.carry_out(writer, lambda state: _decide(site, writer, order, state), doing)
    return RotateResult(
        changed=done.run is not None,
        repository=writer.spec.name,
        run=done.run.id if done.run else None,
        why=done.plan.why,
        keys=_facts(site, writer.spec.name),
    )


def _own(site: Site, order: RotateOrder) -> Writer:
    spec = pick(site.project, order.repository)
    if spec.sign != OWN_KEY:
        raise RefusedError(
            f"phoenix did not make the key of '{spec.name}'",
            details=f"sign: {spec.sign}",
            resolution="Change it where it was made, and `sign` in phoenix.yaml once every machine knows the new one.",
        )
    return site.writers[spec.name]


def _decide(site: Site, writer: Writer, order: RotateOrder, state: RepositoryState) -> Plan[PublishAction]:
    signers = tuple(key.fingerprint for key in signing.keys_of(writer.spec))
    if not order.finish:
        return plans.rotate(writer.spec, state, signers, why=order.why)
    left_behind = _left_behind(site, writer.spec.name)
    return plans.finish(writer.spec, state, signers, left_behind, why=order.why)


def _left_behind(site: Site, repository: str) -> tuple[str, ...]:
    """The groups whose new machines would not trust the newest key. A cloud that gives no answer is an error."""
    newest = [key.fingerprint for key in signing.keys_of(site.project.repository(repository))][-1:]
    behind = (
        group
        for group, release in (_releases(site) if newest else ())
        for known in release.repositories
        if known.name == repository and known.key and newest[0] not in (known.keys or signing.known(known.key))
    )
    return tuple(dict.fromkeys(behind))


def _releases(site: Site) -> Iterator[tuple[str, Release]]:
    """The release of each group, also of those that runs are about to make. (Those first: they may come to stand.)"""
    for run in site.history.live():
        if not run.state.ended:
            actions = (step.action for step in kinds.of(run).decode(run.plan).steps)
            yield from ((each.group, each.release) for each in actions if isinstance(each, CreateGroup))
    for cloud in site.project.clouds:
        yield from ((group.name, group.release) for group in site.cloud(cloud).groups.list() if group.release)


def _facts(site: Site, repository: str) -> tuple[KeyFacts, ...]:
    return tuple(
        KeyFacts(
            fingerprint=key.fingerprint,
            created=rfc3339(datetime.fromtimestamp(key.created, UTC)),
            expires=signing.expiry(key),
        )
        for key in signing.keys_of(site.project.repository(repository))
    )
