"""What doctor says of repositories: unsigned ones and keys that cannot be read are called out, the rest is fine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from phoenix.execute import checkup
from phoenix.manner import State
from phoenix.spec.load import load

SPEC = """\
version: 1
project: shop
clouds:
  local: {kind: local}
repositories:
  main: {distribution: bookworm, root: aptly, url: "http://127.0.0.1:9999", sign: SIGN}
"""


@pytest.mark.parametrize(
    ("sign", "state", "found"),
    [
        ("none", State.NOTE, "not signed (`sign: none`): machines trust whoever answers at its url"),
        ("auto", State.FINE, "signed (`sign: auto`)"),
    ],
)
def test_how_a_repository_is_signed(tmp_path: Path, sign: str, state: State, found: str) -> None:
    file = tmp_path / "phoenix.yaml"
    file.write_text(SPEC.replace("SIGN", sign))
    (finding,) = checkup.repositories(load(file, {}), datetime(2026, 1, 1, tzinfo=UTC))
    assert (finding.state, finding.subject) == (state, "repository main")
    assert found in finding.found
    assert bool(finding.remedy) is (sign == "none")


def test_keys_that_cannot_be_read_are_called_out(tmp_path: Path) -> None:
    file, home = tmp_path / "phoenix.yaml", tmp_path / "aptly" / "gnupg"
    file.write_text(SPEC.replace("SIGN", "auto"))
    home.mkdir(mode=0o700, parents=True)
    (home / "pubring.kbx").write_text("nothing of the kind")
    (finding,) = checkup.repositories(load(file, {}), datetime(2026, 1, 1, tzinfo=UTC))
    assert (finding.state, finding.subject) == (State.LACK, "repository main")
    assert finding.found == "its keys cannot be read: gpg: keydb_search_first failed: Invalid packet"
