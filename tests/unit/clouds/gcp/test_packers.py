"""Which Packers can make images of Google Cloud, and the line that installs what lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.gcp.bake import packers
from phoenix.clouds.gcp.bake.packers import ANYWAY, Packer
from phoenix.errors import RefusedError
from phoenix.manner import State
from phoenix.spec.clouds import GcpBuilder, GcpCloud, GcpImageOptions, GcpReach

CLOUD = GcpCloud(name="gcp", project="acme-prod", region="us-central1")
BOTH = {"googlecompute": (1, 2, 8), "ansible": (1, 1, 7)}


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No Packer is remembered, and none is used anyway."""
    monkeypatch.delenv(ANYWAY, raising=False)
    packers.found.cache_clear()
    yield
    packers.found.cache_clear()


def here(version: tuple[int, int, int], plugins: dict[str, tuple[int, int, int]] | None = None) -> Packer:
    return Packer(version=version, plugins=plugins or {})


def remedies(packer: Packer | None, cloud: GcpCloud = CLOUD, *, gcloud: bool = False) -> list[str]:
    return [lack.remedy for lack in packers.lacks(packer, cloud, gcloud=gcloud)]


@pytest.mark.parametrize(
    ("packer", "beginnings"),
    [
        (None, ["curl -fsSL https://apt.releases.hashicorp.com/gpg"]),
        (here((1, 6, 6)), ["curl -fsSL https://apt.releases.hashicorp.com/gpg"]),
        (here((1, 7, 0)), []),
        (here((1, 9, 5)), []),
        (here((1, 16, 0), BOTH), []),
        (here((1, 16, 0), {"ansible": (1, 1, 7)}), ["packer plugins install github.com/hashicorp/googlecompute"]),
        (here((1, 10, 0), {"googlecompute": (1, 2, 8)}), ["packer plugins install github.com/hashicorp/ansible"]),
    ],
)
def test_what_lacks_has_a_line_that_installs_it(packer: Packer | None, beginnings: list[str]) -> None:
    found = remedies(packer)
    assert len(found) == len(beginnings)
    assert all(one.startswith(other) for one, other in zip(found, beginnings, strict=True))


def test_both_plugins_lack_in_one_line() -> None:
    assert remedies(here((1, 16, 0))) == [
        "packer plugins install github.com/hashicorp/googlecompute && "
        "packer plugins install github.com/hashicorp/ansible"
    ]


@pytest.mark.parametrize(
    ("cloud", "key"),
    [
        (replace(CLOUD, images=GcpImageOptions(features=("GVNIC",))), "images.features"),
        (replace(CLOUD, builder=GcpBuilder(kms="projects/p/locations/l/keyRings/r/cryptoKeys/k")), "builder.kms"),
    ],
)
def test_a_key_that_needs_a_newer_plugin_is_named(cloud: GcpCloud, key: str) -> None:
    (lack,) = packers.lacks(here((1, 9, 5)), cloud, gcloud=False)
    assert f"{key} needs the plugin googlecompute 1.2.1" in lack.found
    assert remedies(here((1, 16, 0), BOTH), cloud) == []


def test_a_tunnel_needs_gcloud() -> None:
    cloud = replace(CLOUD, builder=GcpBuilder(reach=GcpReach.IAP))
    (lack,) = packers.lacks(here((1, 9, 5)), cloud, gcloud=False)
    assert (lack.subject, lack.remedy) == ("gcloud", "install gcloud as https://cloud.google.com/sdk/docs/install says")
    assert remedies(here((1, 9, 5)), cloud, gcloud=True) == []


def test_debians_packer_is_refused_but_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one on PATH."""
    with pytest.raises(RefusedError) as caught:
        packers.refuse_unfit(CLOUD)
    assert caught.value.code == 3
    assert "packer: 1.6.6 begins a bake and cannot finish it" in caught.value.details
    assert "phoenix doctor --cloud gcp" in caught.value.resolution
    (told,) = packers.findings(CLOUD)
    assert (told.state, told.subject) == (State.LACK, "gcp: packer")
    assert told.remedy.endswith("apt-get install packer")
    monkeypatch.setenv(ANYWAY, "1")
    packers.refuse_unfit(CLOUD)
    (told,) = packers.findings(CLOUD)
    assert (told.state, told.found) == (State.FINE, "1.6.6")


def test_no_packer_is_refused_whatever_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ANYWAY, "1")
    monkeypatch.setattr("phoenix.tools.process.shutil.which", lambda *_args, **_more: None)
    with pytest.raises(RefusedError) as caught:
        packers.refuse_unfit(CLOUD)
    assert caught.value.details == "packer: missing"


CURRENT = """#!/bin/sh
case "$*" in
    version) echo "Packer v1.16.0" ;;
    "plugins installed")
        echo "/root/.config/packer/plugins/github.com/hashicorp/ansible/packer-plugin-ansible_v1.1.7_x5.0_linux_amd64"
        for version in 1.2.0 1.2.8-dev 1.1.6; do
            echo "/p/github.com/hashicorp/googlecompute/packer-plugin-googlecompute_v${version}_x5.0_linux_amd64"
        done ;;
    *) exit 2 ;;
esac
"""


def test_a_current_packer_is_asked_for_its_plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "packer"
    program.write_text(CURRENT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = packers.found()
    assert found == Packer(version=(1, 16, 0), plugins={"ansible": (1, 1, 7), "googlecompute": (1, 2, 8)})
    assert found is not None
    assert found.knows_more
    assert [told.found for told in packers.findings(CLOUD)] == ["1.16.0, googlecompute 1.2.8, ansible 1.1.7"]
    packers.refuse_unfit(CLOUD)
