"""GnuPG: the key that signs a repository, and checking what it signed.

`gpg` hands every secret to a `gpg-agent`, which by default starts by itself and never ends. For a root's own
key the agent is started as the companion of one program instead (`with_agent`): GnuPG ends it some seconds
after that program is gone, however that went, and `end_agent` at once. The home's `gpg.conf` forbids any other.
"""

from __future__ import annotations

import base64
import binascii
import socket
import tempfile
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


def prepare_home(home: Path) -> None:
    """Make `home` a GnuPG home (only its owner may look) in which no agent starts by itself."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    (home / "gpg.conf").write_text("no-autostart\n")


def with_agent(home: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` with an agent for `home` beside it. The home's path must be short (see `aptly_root.short_path`)."""
    return (require("gpg-agent", _PACKAGE), "--homedir", str(home), "--daemon", "--", *argv)


def end_agent(home: Path, clock: Clock) -> None:
    """End the agent of `home`, if there is one, and remove the sockets it had elsewhere."""
    socket_path = _gpgconf(home, "--list-dirs", "agent-socket").strip()
    _gpgconf(home, "--kill", "gpg-agent")
    wait_for(
        "the end of the gpg-agent",
        lambda: _listens(socket_path),
        clock=clock,
        deadline=_TIMEOUT,
        interval=0.01,
    )
    _gpgconf(home, "--remove-socketdir")


def own_key(home: Path, owner: str) -> str:
    """The fingerprint of the key in `home`; made (Ed25519, without passphrase) where there is none.

    Needs an agent beside (`with_agent`). ClockError where it cannot sign because it is of a day that has not come.
    """
    found = _fingerprints(_gpg(home, "--with-colons", "--list-keys").stdout)
    if not found:
        arguments = ("--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", owner)
        _gpg(home, *arguments, "ed25519", "sign", "never")
        found = _fingerprints(_gpg(home, "--with-colons", "--list-keys").stdout)
    trial = _gpg(home, "--local-user", found[0], "--clearsign", stdin=b"", check=False)
    if trial.code != 0:
        raise _clock_error(trial) or process.failed(trial)
    return found[0]


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
    """
    home = None
    listed = _gpg(home, "--with-colons", "--list-secret-keys", key, check=False)
    found = _fingerprints(listed.stdout)
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
            resolution="Let its agent know the passphrase before, or use a key without one.",
        )
    return found[0]


def public_key(home: Path | None, fingerprint: str) -> str:
    """The armoured public key. `home` None is the caller's own."""
    return _gpg(home, "--armor", "--export", fingerprint).stdout + "\n"


class BadSignatureError(ToolError):
    """A text is not signed by the key that it has to be signed by."""


class ClockError(ToolError):
    """A key was made later than this computer's clock says that it is now: nobody can tell what is valid."""


def verified(text: bytes, key: str) -> bytes:
    """What `text` (clear-signed) says, proven to be signed by `key` (armoured).

    BadSignatureError where it is not, ClockError where the clock keeps gpgv from telling; ToolError where gpgv did not
    get so far.
    """
    with tempfile.TemporaryDirectory(prefix="phoenix-gpgv-") as name:
        keyring = Path(name) / "key.gpg"
        keyring.write_bytes(_dearmoured(key))
        argv = (require("gpgv", "gpgv"), "--homedir", name, "--keyring", str(keyring), "--output", f"{name}/text")
        command = Command(argv=argv, stdin=text, environment={"LC_ALL": "C.UTF-8"})
        done = process.run(command, timeout=_TIMEOUT, check=False)
        if done.code == 0:
            return (Path(name) / "text").read_bytes()
    if done.code < 0:
        raise process.failed(done)
    last = (done.tail.splitlines() or ["gpgv said nothing"])[-1]
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
