"""Whom a rotation would leave behind: groups whose new machines would not trust the newest key."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.model import Repository
from phoenix.orders import repository_keys
from phoenix.plan.roll_actions import CreateGroup, roll_plan
from phoenix.tools import gpg
from tests.support.fakes.cloud import release_of
from tests.support.fakes.desk import Desk

GROUP = "web-tier-local-v001"


def make_key(home: Path, user: str) -> str:
    """The armoured public key of a new key in `home`."""
    home.mkdir(mode=0o700, exist_ok=True)
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    subprocess.run([*argv, "--quick-generate-key", user, "ed25519", "sign", "never"], check=True, capture_output=True)
    shown = subprocess.run([*argv, "--armor", "--export", user], check=True, capture_output=True, text=True).stdout
    gpg.end_agent(home, SystemClock())
    return shown


def knows(desk: Desk, key: str) -> None:
    """The group's launch template has this text for the repository's key."""
    standing = desk.cloud.standing[GROUP]
    known = Repository(name="main", url="http://127.0.0.1", distribution="bookworm", key=key)
    desk.cloud.standing[GROUP] = replace(standing, release=replace(release_of(standing), repositories=(known,)))


@pytest.mark.parametrize(("known", "left_behind"), [("old", (GROUP,)), ("new", ()), ("both", ()), ("none", ())])
def test_a_group_that_knows_only_the_old_key_is_named(desk: Desk, known: str, left_behind: tuple[str, ...]) -> None:
    desk.roll("1.0.0")
    desk.root.path.mkdir(exist_ok=True)
    new = make_key(desk.root.gnupg, "new")
    keys = {"old": make_key(desk.directory / "h", "old"), "new": new, "none": ""}
    subprocess.run(
        ["gpg", "--homedir", str(desk.directory / "h"), "--batch", "--quiet", "--import"],
        input=new,
        text=True,
        check=True,
    )
    keys["both"] = gpg.public_keys(desk.directory / "h", ())
    assert len(gpg.fingerprints_of(keys["both"])) == 2
    knows(desk, keys[known])
    desk.edit("sign: none", "sign: auto")
    shown = repository_keys.show(desk.open(desk.directory / "phoenix.yaml", {}), "main")
    assert shown.left_behind == left_behind
    assert len(shown.keys) == 1


def test_a_group_that_a_run_is_about_to_make_is_named(desk: Desk) -> None:
    desk.roll("1.0.0")
    desk.root.path.mkdir(exist_ok=True)
    make_key(desk.root.gnupg, "new")
    knows(desk, make_key(desk.directory / "h", "old"))
    release = release_of(desk.cloud.standing.pop(GROUP))
    plan = roll_plan(desk.history.runs()[0].plan)
    steps = tuple(
        replace(step, action=replace(step.action, release=release)) if isinstance(step.action, CreateGroup) else step
        for step in plan.steps
    )
    desk.edit("sign: none", "sign: auto")
    site = desk.open(desk.directory / "phoenix.yaml", {})
    assert repository_keys.show(site, "main").left_behind == ()
    desk.begin("roll", replace(plan, steps=steps))
    assert repository_keys.show(site, "main").left_behind == (GROUP,)
