"""The keys of a repository: made, changed with an overlap, watched for their end; who knows which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from phoenix.clock import Clock, rfc3339
from phoenix.errors import RefusedError
from phoenix.execute.outcomes import Outcome
from phoenix.execute.repositories import OWN_KEY, UNSIGNED, Writer, root_of
from phoenix.plan.publish_actions import DropKeys, KeyAction, MakeKey, SetSigners
from phoenix.spec.repositories import RepositorySpec
from phoenix.tools import gpg, signers
from phoenix.tools.gpg import Key

SOON = timedelta(days=180)
"""How long before its end a key is to be rotated: releases that know only this one are to be replaced until then."""


def keys_of(spec: RepositorySpec) -> tuple[Key, ...]:
    """The keys that sign the repository, oldest first; none where it is unsigned, or not published yet."""
    if spec.sign == UNSIGNED:
        return ()
    return signers.signers(root_of(spec)) if spec.sign == OWN_KEY else gpg.keys(None, spec.sign)[-1:]


def refuse_unable(writer: Writer, clock: Clock, say: Callable[[str], None]) -> None:
    """RefusedError where the repository's key cannot sign. Tells what a person should know before it is too late."""
    spec = writer.spec
    if spec.sign == UNSIGNED:
        say(f"warning: {unsigned(spec)}")
        return
    if spec.sign != OWN_KEY:
        gpg.given_key(spec.sign)
    found = keys_of(spec)
    if found and _ended(found[-1], clock.now()):
        raise RefusedError(
            f"the key that signs '{spec.name}' has expired",
            details=f"{found[-1].fingerprint} was good until {expiry(found[-1])}: no machine trusts it any more",
            resolution=f"Publish with a new one: move {root_of(spec).gnupg} away, publish, and roll what uses it."
            if spec.sign == OWN_KEY
            else "Prolong it (`gpg --quick-set-expire`), or name another in `sign`.",
        )
    for warning in _of_keys(spec, found, clock.now()):
        say(f"warning: {warning}")


def unsigned(spec: RepositorySpec) -> str:
    """What is said of a repository that is deliberately unsigned."""
    return f"the repository '{spec.name}' is not signed (`sign: none`): machines trust whoever answers at its url"


def warnings(spec: RepositorySpec, now: datetime) -> tuple[str, ...]:
    """What is to be done about the repository's keys before long."""
    return _of_keys(spec, keys_of(spec), now)


def _of_keys(spec: RepositorySpec, found: tuple[Key, ...], now: datetime) -> tuple[str, ...]:
    if len(found) > 1:
        return (f"two keys sign '{spec.name}'; `phoenix repository key rotate {spec.name} --finish` ends that",)
    return tuple(
        f"the key of '{spec.name}' is good until {expiry(key)}: `phoenix repository key rotate {spec.name}`"
        for key in found
        if key.expires is not None and datetime.fromtimestamp(key.expires, UTC) - now < SOON
    )


def expiry(key: Key) -> str | None:
    """Until when the key is good; None: for ever."""
    return rfc3339(datetime.fromtimestamp(key.expires, UTC)) if key.expires is not None else None


def signing_keys(writer: Writer) -> tuple[str, ...]:
    """The fingerprints of the keys that sign; made where the spec leaves it to phoenix and there is none yet.

    aptly names the last one, the home's settings the others. None where the repository is deliberately unsigned.
    """
    if writer.spec.sign == UNSIGNED:
        return ()
    home = writer.aptly.home
    if home is None:
        return (gpg.given_key(writer.spec.sign),)
    found = signers.signers(writer.root) or (_made(writer, home),)
    gpg.prove(home, found[-1].fingerprint)
    return tuple(key.fingerprint for key in found)


def _made(writer: Writer, home: Path) -> Key:
    """A new key, which signs alone from now on: one that signed before may be named still, and be gone."""
    made = gpg.make_key(home, _owner(writer))
    signers.set_signers(writer.root, (made.fingerprint,))
    return made


def write_public(writer: Writer, known: tuple[str, ...]) -> None:
    """Put the public keys beside the index, before anything is signed with them."""
    fresh = writer.root.path / "key.asc.new"
    fresh.write_text(gpg.public_keys(writer.aptly.home, known))
    fresh.replace(writer.root.key)


def perform(writer: Writer, action: KeyAction) -> Outcome:
    """Do what a rotation does to the keys; each may be done again."""
    home = writer.aptly.home
    assert home is not None, "only keys that phoenix made are rotated"
    match action:
        case MakeKey(beside=old):
            others = [key.fingerprint for key in gpg.keys(home) if key.fingerprint != old]
            new = others[-1] if others else gpg.make_key(home, _owner(writer)).fingerprint
            signers.set_signers(writer.root, (old, new))
        case SetSigners(keys=chosen):
            signers.set_signers(writer.root, chosen)
        case DropKeys(keys=dropped):
            for fingerprint in dropped:
                gpg.drop_key(home, fingerprint)
    return Outcome()


def known(armoured: str) -> tuple[str, ...]:
    """The fingerprints of the keys in this text."""
    return gpg.fingerprints_of(armoured)


def _owner(writer: Writer) -> str:
    return f"phoenix repository {writer.spec.name}"


def _ended(key: Key, now: datetime) -> bool:
    return key.expires is not None and datetime.fromtimestamp(key.expires, UTC) <= now
