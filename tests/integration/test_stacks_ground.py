"""`phoenix stack` on the shipped ground, before emulated providers: a roll is no drift, a stranger's hand is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulators.terraform import laid, rolled
from tests.emulators.terraform.world import World
from tests.support.real.shell import Shell
from tests.support.real.terraform import RealTerraform

Roll = Callable[[World], None]


@pytest.mark.parametrize(
    ("cloud", "roll", "moved", "by_hand"),
    [
        pytest.param(
            "gcp",
            rolled.url_map_of_google,
            "module.balancer.google_compute_url_map",
            ("google_compute_network", "routing_mode", "GLOBAL"),
            id="gcp",
        ),
        pytest.param(
            "aws",
            rolled.rule_of_aws,
            "module.route.aws_lb_listener_rule",
            ("aws_vpc", "enable_dns_hostnames", False),
            id="aws",
            marks=pytest.mark.full,
        ),
    ],
)
def test_what_a_roll_moves_is_no_drift_and_what_a_hand_moves_is(
    cloud: str,
    roll: Roll,
    moved: str,
    by_hand: tuple[str, str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terraform = RealTerraform.install(tmp_path)
    with laid.ready(cloud) as ground:
        for name, setting in ground.terraform.environment.items():
            monkeypatch.setenv(name, setting)
        (tmp_path / "phoenix.yaml").write_text(
            "version: 1\nproject: hello\n"
            f"stacks: {{ground: {{root: {ground.terraform.root}, program: {terraform.program}}}}}\n"
        )
        shell = Shell(directory=tmp_path)
        done = shell.run("stack", "apply", "ground")
        assert done["summary"]["create"] > 10
        assert shell.run("stack", "drift", "ground")["left"] == []

        roll(ground.world)
        seen = shell.run("stack", "drift", "ground")
        assert [each["address"].startswith(moved) for each in seen["left"]] == [True], seen["left"]
        assert shell.run("stack", "plan", "ground")["plan"]["changed"] is False

        kind, argument, value = by_hand
        ground.world.of(kind)[0][argument] = value
        found = shell.run("stack", "drift", "ground", code=9)
        assert [each["address"].split(".")[-2] for each in found["changes"]] == [kind]
        assert [each["name"] for each in found["changes"][0]["fields"]] == [argument]
