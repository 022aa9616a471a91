"""The connection plugin of the light builder: what it takes for a restart of the machine."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

import pytest

from phoenix import data


def is_reboot(words: str) -> bool:
    """Whether the plugin tells the door that the machine starts anew."""
    file = data.path("playbooks", "connection_plugins", "light.py")
    spec = importlib.util.spec_from_file_location("light_connection", Path(file))
    assert spec is not None
    assert spec.loader is not None
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    return plugin.REBOOT.fullmatch(plugin._innermost(words)) is not None


def wrapped(words: str) -> str:
    """As Ansible words it, with become."""
    inner = f"/bin/sh -c {shlex.quote(f'echo BECOME-SUCCESS-abc ; {words}')}"
    return f"/bin/sh -c {shlex.quote(f'su root -c {shlex.quote(inner)} && sleep 0')}"


@pytest.mark.parametrize(
    "words",
    ["/sbin/shutdown -r 0 'Reboot initiated by Ansible'", "shutdown -r now", "shutdown -r +1", "/usr/sbin/reboot"],
)
def test_a_restart_is_told(words: str) -> None:
    assert is_reboot(f"/bin/sh -c {shlex.quote(words)}")
    assert is_reboot(wrapped(words))


@pytest.mark.parametrize(
    "words",
    [
        "cat /run/reboot-required",
        "/usr/bin/python3",
        "shutdown -h now",
        "echo 'shutdown -r now' > /root/note",
        "sh -c '",
    ],
)
def test_nothing_else_is(words: str) -> None:
    assert not is_reboot(f"/bin/sh -c {shlex.quote(words)}")
    assert not is_reboot(wrapped(words))
