"""What the machine of a bake is given of this computer: proxies and kernel settings, and no secret in argv."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import light_machine
from phoenix.clouds.local.bake.light_machine import BakedMachine

PROXY = "http://someone:secret-word@proxy.example.org:3128"
NAMES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BakedMachine:
    for name in NAMES:
        monkeypatch.setenv(name, PROXY)
    made = BakedMachine(below=tmp_path / "below", scratch=tmp_path / "scratch")
    made.files.directory.mkdir(parents=True)
    return made


def test_the_password_of_a_proxy_stands_in_no_command_line(machine: BakedMachine) -> None:
    assert "secret-word" not in str(machine.command("true"))


def test_the_machine_has_the_proxies_from_a_file_that_nobody_else_reads(machine: BakedMachine) -> None:
    file = machine.configure(machine.container("/sbin/init"))
    given = json.loads(file.read_text())["process"]["env"]
    assert {f"{name}={PROXY}" for name in NAMES} <= set(given)
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_seals_the_image_has_no_proxy(machine: BakedMachine) -> None:
    assert "secret-word" not in machine.configure(machine.container("/bin/sh", alone=True)).read_text()


def test_settings_that_not_everybody_may_read_are_empty(tmp_path: Path) -> None:
    settings = tmp_path / "sys"
    (settings / "net/ipv4").mkdir(parents=True)
    for name, mode in (("ip_forward", 0o644), ("tcp_fastopen_key", 0o600), ("route_flush", 0o200)):
        (settings / "net/ipv4" / name).write_text("1\n")
        (settings / "net/ipv4" / name).chmod(mode)
    light_machine.copy_settings(settings, tmp_path / "copy")
    copied = {file.name: file.read_text() for file in (tmp_path / "copy/net/ipv4").iterdir()}
    assert copied == {"ip_forward": "1\n", "tcp_fastopen_key": "", "route_flush": ""}
