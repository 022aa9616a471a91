"""GnuPG: the key that signs a repository, and checking what it signed.

`gpg` hands every secret to a `gpg-agent`, which by default starts by itself and never ends. For a root's own
key the agent is started as the companion of one program instead (`with_agent`): GnuPG ends it some seconds
after that program is gone, however that went, and `end_agent` at once. The home's `gpg.conf` forbids any other.
"""

from __future__ import annotations

import base64
import binascii
import re
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from phoenix.clock import Clock
from phoenix.errors import RefusedError, ToolError
from phoenix.tools import process
from phoenix.tools.process import Command, require
from phoenix.wait import Look, Verdict, wait_for

_TIMEOUT = 60.0
"""Seconds; a call takes 10 ms, or what a slow key on a card needs."""
_PACKAGE = "gnupg"
_AHEAD = "in the future"
"""What gpgv says of a key, or a signature, of a day that has not come; its verdict is "Bad public key" then."""

_NO_KEY = re.compile("No (public|secret) key")
"""What gpg says (and fails) where it was asked for a key by a name that it does not know."""
KEY_LIFE = "3y"
"""How long a key that phoenix makes is good; long before its end publications say that it is to be rotated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key in a GnuPG home. Times in seconds since 1970; `expires` is None for one that never does."""

    fingerprint: str
    created: int
    expires: int | None
    algorithm: int
    """As OpenPGP numbers it: 1 RSA, 17 DSA, 22 EdDSA."""
    bits: int


def prepare_home(home: Path, also: tuple[str, ...] = ()) -> None:
    """Make `home` a GnuPG home (only its owner may look) in which no agent starts by itself.

    What is signed in it is signed by the keys `also`, too, besides the one that the caller names.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    (home / "gpg.conf").write_text("no-autostart\n" + "".join(f"local-user {key}\n" for key in also))


def with_agent(home: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` with an agent for `home` beside it. The home's path must be short (see `aptly_root.short_path`)."""
    return (require("gpg-agent", _PACKAGE), "--homedir", str(home), "--daemon", "--", *argv)


def end_agent(home: Path, clock: Clock) -> None:
    """End the agent of `home`, if there is one, and remove the sockets it had elsewhere."""
    socket_path = _gpgconf(home, "--list-dirs", "agent-socket").strip()
    if _listens(socket_path).verdict is not Verdict.PASS:
        _gpgconf(home, "--kill", "gpg-agent")
        wait_for(
            "the end of the gpg-agent",
            lambda: _listens(socket_path),
            clock=clock,
            deadline=_TIMEOUT,
            interval=0.01,
        )
    _gpgconf(home, "--remove-socketdir")


def keys(home: Path | None, name: str = "") -> tuple[Key, ...]:
    """The keys in `home` (None: the caller's own), oldest first; `name`: only those that it fits.

    ToolError where gpg cannot tell which there are.
    """
    listed = _listed(home, "--list-keys", name)
    return tuple(sorted(_keys(listed), key=lambda key: (key.created, key.fingerprint)))


def make_key(home: Path, owner: str) -> Key:
    """Make a key (Ed25519, without passphrase, good for KEY_LIFE) in `home`; needs an agent beside (`with_agent`)."""
    before = {key.fingerprint for key in keys(home)}
    arguments = ("--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key")
    _gpg(home, *arguments, owner, "ed25519", "sign", KEY_LIFE)  # --yes: also beside another of the same owner
    return next(key for key in keys(home) if key.fingerprint not in before)


def drop_key(home: Path, fingerprint: str) -> None:
    """Remove the key, secret and public; one that is not there is removed already. Needs an agent beside."""
    if fingerprint in {key.fingerprint for key in keys(home)}:
        _gpg(home, "--yes", "--delete-secret-and-public-key", fingerprint)


def fingerprints_of(armoured: str) -> tuple[str, ...]:
    """The fingerprints of the primary keys in armoured text; none where it is no key."""
    with tempfile.TemporaryDirectory(prefix="phoenix-gpg-") as name:
        shown = _gpg(Path(name), "--with-colons", "--show-keys", stdin=armoured.encode(), check=False)
    return tuple(_fingerprints(shown.stdout))


def weaknesses(home: Path | None, fingerprint: str) -> tuple[str, ...]:
    """Why apt of Debian 13 (sqv) would not trust what the key signs, in words; nothing where it would."""
    (key,) = keys(home, fingerprint)[:1] or (None,)
    found = []
    if key and key.algorithm == 17:
        found.append("it is a DSA key")
    if key and key.algorithm == 1 and key.bits < 2048:
        found.append(f"it is an RSA key of {key.bits} bits")
    packets = _gpg(home, "--list-packets", stdin=_gpg_bytes(home, "--export", fingerprint), check=False).stdout
    newest = max(_self_signatures(packets, fingerprint[-16:]), default=(0, 0))
    if newest[1] in (1, 2, 3):
        found.append("its own signature uses MD5 or SHA-1")
    return tuple(found)


def prove(home: Path, fingerprint: str) -> None:
    """Sign something with the key. ClockError where it cannot sign because it is of a day that has not come.

    Needs an agent beside (`with_agent`).
    """
    trial = _gpg(home, "--local-user", fingerprint, "--clearsign", stdin=b"", check=False)
    if trial.code != 0:
        raise _clock_error(trial) or process.failed(trial)


def _clock_error(done: process.Completed) -> ClockError | None:
    """What went wrong where it is the clock: gpg and gpgv call it something else."""
    ahead = next((line for line in done.stderr.splitlines() if _AHEAD in line), None)
    if ahead is None:
        return None
    return ClockError(
        "this computer's clock is wrong, or was when the key was made",
        details=ahead,
        resolution="See `date` here and where the key was made, and set the clock (`timedatectl`).",
    )


def given_key(key: str) -> str:
    """The fingerprint of the secret key `key` in the caller's own GnuPG home.

    RefusedError where it is not there, or where it cannot sign without a person (a passphrase that no agent knows).
    ToolError where gpg cannot tell.
    """
    home = None
    found = _fingerprints(_listed(home, "--list-secret-keys", key))
    if not found:
        raise RefusedError(
            f"the key '{key}' cannot sign the repository",
            details="no secret key of that name is in this user's GnuPG home",
            resolution="Import it (gpg --import), correct `sign` in phoenix.yaml, or use `sign: auto`.",
        )
    trial = _gpg(home, "--pinentry-mode", "error", "--local-user", found[0], "--clearsign", stdin=b"", check=False)
    if trial.code != 0:
        raise RefusedError(
            f"the key '{key}' cannot sign the repository",
            details=trial.tail,
            resolution="Let its agent know the passphrase before, or use a key without one that has not expired.",
        )
    weak = weaknesses(home, found[0])
    if weak:
        raise RefusedError(
            f"the key '{key}' is too weak to sign the repository",
            details=f"{', '.join(weak)}: apt of Debian 13 refuses it",
            resolution="Use an Ed25519 key, or RSA of 3072 bits, or `sign: auto`.",
        )
    return found[0]


def public_keys(home: Path | None, fingerprints: tuple[str, ...]) -> str:
    """The armoured public keys, in one block. `home` None is the caller's own."""
    return _gpg(home, "--armor", "--export", *fingerprints).stdout + "\n"


class BadSignatureError(ToolError):
    """A text is not signed by the key that it has to be signed by."""


class ClockError(ToolError):
    """A key was made later than this computer's clock says that it is now: nobody can tell what is valid."""


def verified(text: bytes, key: str) -> bytes:
    """What `text` (clear-signed) says, proven to be signed by a key of `key` (armoured).

    While a key is rotated there are two signatures; whoever knows one of the keys is content, as apt is.
    BadSignatureError where it is not, ClockError where the clock keeps gpgv from telling; ToolError where gpgv did not
    get so far.
    """
    with tempfile.TemporaryDirectory(prefix="phoenix-gpgv-") as name:
        keyring = Path(name) / "key.gpg"
        keyring.write_bytes(_dearmoured(key))
        argv = (require("gpgv", "gpgv"), "--homedir", name, "--keyring", str(keyring), "--output", f"{name}/text")
        command = Command(argv=(*argv, "--status-fd", "1"), stdin=text, environment={"LC_ALL": "C.UTF-8"})
        done = process.run(command, timeout=_TIMEOUT, check=False)
        words = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("[GNUPG:] ")}
        if "GOODSIG" in words and "BADSIG" not in words:
            return (Path(name) / "text").read_bytes()
    if done.code < 0:
        raise process.failed(done)
    last = (done.stderr.strip().splitlines() or ["gpgv said nothing"])[-1]
    raise _clock_error(done) or BadSignatureError("the signature is not the key's", details=last)


def _gpgconf(home: Path, *arguments: str) -> str:
    argv = (require("gpgconf", _PACKAGE), "--homedir", str(home), *arguments)
    return process.run(Command(argv=argv), timeout=_TIMEOUT, check=False).stdout


def _listens(path: str) -> Look:
    """Passes when nobody listens on the socket: an agent that was told to end takes connections for a while yet."""
    try:
        with socket.socket(socket.AF_UNIX) as trial:
            trial.connect(path)
    except OSError:
        return Look(verdict=Verdict.PASS, seen="gone")
    return Look(verdict=Verdict.UNKNOWN, seen="it still listens")


def _gpg(home: Path | None, *arguments: str, stdin: bytes = b"", check: bool = True) -> process.Completed:
    place = ("--homedir", str(home)) if home else ()
    argv = (require("gpg", _PACKAGE), *place, "--batch", "--no-tty", "--quiet", *arguments)
    command = Command(argv=argv, stdin=stdin, environment={"LC_ALL": "C.UTF-8"})
    return process.run(command, timeout=_TIMEOUT, check=check)


def _listed(home: Path | None, which: str, name: str) -> str:
    """The listing of `which` keys; ToolError where it failed, but of a name that no key has."""
    # it is only read, and on a full disk there is no room for a lock
    done = _gpg(home, "--lock-never", "--with-colons", which, *([name] if name else []), check=False)
    if done.code != 0 and not (name and _NO_KEY.search(done.stderr)):
        raise process.failed(done)
    return done.stdout


def _gpg_bytes(home: Path | None, *arguments: str) -> bytes:
    """The same for output that is no text."""
    with tempfile.TemporaryDirectory(prefix="phoenix-gpg-") as name:
        _gpg(home, "--yes", "--output", f"{name}/out", *arguments, check=False)
        file = Path(name) / "out"
        return file.read_bytes() if file.exists() else b""


def _self_signatures(packets: str, key_id: str) -> Iterator[tuple[int, int]]:
    """Time and digest algorithm (as OpenPGP numbers it) of the signatures by which a key names its owner."""
    for part in packets.split(":signature packet:")[1:]:
        made = re.search(r"created (\d+), .*sigclass 0x1[0-3]", part)
        digest = re.search(r"digest algo (\d+)", part)
        if key_id in part.partition("\n")[0] and made and digest:
            yield int(made[1]), int(digest[1])


def _keys(listing: str) -> Iterator[Key]:
    """The primary keys of a `--with-colons` listing (GnuPG's doc/DETAILS)."""
    head: list[str] = []
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] == "pub":
            head = fields
        elif fields[0] == "fpr" and head:
            yield Key(
                fingerprint=fields[9],
                created=int(head[5]),
                expires=int(head[6]) if head[6] else None,
                algorithm=int(head[3]),
                bits=int(head[2]),
            )
            head = []


def _fingerprints(listing: str) -> list[str]:
    """The primary keys of a `--with-colons` listing, in its order."""
    found, primary = [], False
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] == "fpr" and primary:
            found.append(fields[9])
        primary = fields[0] in ("pub", "sec")
    return found


def _dearmoured(key: str) -> bytes:
    """The bytes that an armoured key stands for (RFC 4880, 6.2): base64 after a blank line, before a checksum."""
    _headers, _blank, body = key.replace("\r", "").partition("\n\n")
    lines = [line for line in body.splitlines() if line and not line.startswith(("=", "-"))]
    try:
        return base64.b64decode("".join(lines), validate=True)
    except binascii.Error as error:
        raise ToolError(
            "the repository's public key cannot be read", details=str(error), resolution="Publish again to renew it."
        ) from error
