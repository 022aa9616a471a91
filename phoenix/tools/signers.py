"""Which of a root's own keys sign: one, or two while the key is rotated."""

from __future__ import annotations

from phoenix.tools import gpg
from phoenix.tools.aptly_root import Root
from phoenix.tools.gpg import Key


def signers(root: Root) -> tuple[Key, ...]:
    """The keys that sign, in the order in which they were set: the newest last; none before the first publication.

    The order is the file's, for keys that were made in one second have no other.
    """
    if not root.gnupg.is_dir():
        return ()
    there = {key.fingerprint: key for key in gpg.keys(root.gnupg)}
    named = root.signers.read_text().split() if root.signers.exists() else list(there)
    return tuple(there[fingerprint] for fingerprint in named if fingerprint in there)


def set_signers(root: Root, fingerprints: tuple[str, ...]) -> None:
    """Say which keys sign from now on, in this process, too."""
    fresh = root.path / "signers.new"
    fresh.write_text("".join(f"{fingerprint}\n" for fingerprint in fingerprints))
    fresh.replace(root.signers)
    prepare(root)


def prepare(root: Root) -> None:
    """Make the root's GnuPG home ready to sign with all of them: the newest is named by whoever signs."""
    gpg.prepare_home(root.gnupg, tuple(key.fingerprint for key in signers(root)[:-1]))
