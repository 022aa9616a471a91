"""What GnuPG says, and what is meant by it: a signature of somebody else, a clock, a limit."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from phoenix.errors import RefusedError, ToolError
from phoenix.tools import gpg

FUTURE = "20990101T000000"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A GnuPG home with a key that is made by `made`, and its agent, which ends with the test."""
    home = tmp_path / "h"
    home.mkdir(mode=0o700)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)


def say(home: Path, *words: str, stdin: bytes = b"") -> bytes:
    common = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    return subprocess.run([*common, *words], input=stdin, check=True, capture_output=True).stdout


def made(home: Path, *when: str) -> tuple[bytes, str]:
    """A text that a new key has signed, and the key; `when`: what the clock says."""
    say(home, *when, "--quick-generate-key", "test", "ed25519", "sign", "never")
    return say(home, *when, "--clearsign", stdin=b"hello\n" * 1000), say(home, "--armor", "--export").decode()


def test_what_a_key_has_signed_and_nothing_else(home: Path, tmp_path: Path) -> None:
    signed, key = made(home)
    assert gpg.verified(signed, key) == b"hello\n" * 1000
    with pytest.raises(gpg.BadSignatureError) as error:
        gpg.verified(signed.replace(b"hello", b"hallo", 1), key)
    assert "BAD signature" in error.value.details


def test_a_clock_that_is_wrong_is_called_so(home: Path) -> None:
    signed, key = made(home, "--faked-system-time", FUTURE)
    with pytest.raises(gpg.ClockError, match="clock is wrong") as error:
        gpg.verified(signed, key)
    assert "days in the future" in error.value.details
    assert "timedatectl" in error.value.resolution
    with pytest.raises(gpg.ClockError, match="clock is wrong"):
        gpg.prove(home, gpg.keys(home)[0].fingerprint)


def test_keys_that_cannot_be_read_are_not_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is told that there are none makes a new one, which no machine knows."""
    assert gpg.keys(home) == ()
    made(home)
    assert gpg.keys(home, "nobody") == ()
    monkeypatch.setenv("GNUPGHOME", str(home))
    with pytest.raises(RefusedError, match="'nobody' cannot sign"):
        gpg.given_key("nobody")
    (home / "pubring.kbx").write_text("nothing of the kind")
    for name in ("", "test"):
        with pytest.raises(ToolError, match="gpg failed"):
            gpg.keys(home, name)
    with pytest.raises(ToolError, match="gpg failed"):
        gpg.given_key("test")


def test_a_limit_for_the_size_of_files_is_called_so(home: Path) -> None:
    signed, key = made(home)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(ToolError, match=r"gpgv was ended by SIGXFSZ.*ulimit -f") as error:
            gpg.verified(signed, key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not isinstance(error.value, gpg.BadSignatureError)
