"""What a machine says, taken apart."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from phoenix.clouds.local.machines import guest
from phoenix.model import BootState

UNDER_QEMU = """\
[    0.941000] systemd[1]: Reached target basic.target - Basic System.
[    1.000000] ACPI: PM-Timer IO Port: 0x608
[    2.490000] systemd[1]: Starting phoenix-boot.service - Boot work of this machine...
[    3.000000] phoenix-boot[118]: Reading package lists...
[    3.200000] systemd[1]: my-app.service: Main process exited, code=exited, status=1/FAILURE
[    3.250000] systemd[1]: my-app.socket: Failed to create listening socket: Address already in use
[    3.260000] systemd[1]: systemd-ask-password-wall.path: Deactivated successfully.
[    3.300000] systemd[1]: phoenix-boot.service: Deactivated successfully.
[    3.400000] node[131]: listening: 8080
"""
LIGHT = """\
2026-11-24T10:47:16+0000 localhost systemd-journald[10]: Journal started
2026-11-24T10:47:16+0000 web-local-v001-1 phoenix-boot[16]: starting the app
2026-11-24T10:47:16+0000 web-local-v001-1 systemd[1]: Started app.service.
2026-11-24T10:47:17+0000 web-local-v001-1 node[21]: hello [1]: there
"""


def test_the_log_by_who_said_it() -> None:
    virtual = guest.parse_console(UNDER_QEMU)
    assert virtual.console == UNDER_QEMU
    assert virtual.boot == "Reading package lists...\n"
    assert virtual.service == (
        "systemd[1]: my-app.service: Main process exited, code=exited, status=1/FAILURE\n"
        "systemd[1]: my-app.socket: Failed to create listening socket: Address already in use\n"
        "node[131]: listening: 8080\n"
    )
    light = guest.parse_console(LIGHT)
    assert light.boot == "starting the app\n"
    assert light.service == "node[21]: hello [1]: there\n"


def test_reports() -> None:
    assert guest.parse_reports([]) == guest.Reports()
    assert guest.parse_reports(["boot running"]).boot is BootState.RUNNING
    assert guest.parse_reports(["boot running", "test 1 ok", "boot done"]).boot is BootState.DONE
    failed = guest.parse_reports(["boot running", "boot failed 7", "unit failed phoenix-boot.service"])
    assert (failed.boot, failed.boot_code, failed.failed_units) == (BootState.FAILED, "7", ())
    crashed = guest.parse_reports(
        ["boot done", "unit failed a.service", "unit failed b.service", "unit failed a.service"]
    )
    assert crashed.failed_units == ("a.service", "b.service")
    assert crashed.last == "unit failed a.service"


@given(st.lists(st.text()))
def test_whatever_a_machine_says_is_no_error(said: list[str]) -> None:
    guest.parse_reports(said)
    assert guest.parse_console("\n".join(said)).console == "\n".join(said)


def test_only_whole_lines_are_reports(tmp_path: Path) -> None:
    file = tmp_path / "report.log"
    assert guest.lines(file) == []
    file.write_bytes(b"boot running\r\nboot do")
    assert guest.lines(file) == ["boot running"]
    file.write_bytes(b"boot running\r\nboot done\n\xff\n")
    assert guest.lines(file) == ["boot running", "boot done", "\ufffd"]


def test_tail(tmp_path: Path) -> None:
    file = tmp_path / "console.log"
    assert guest.tail(file, 3) == ""
    file.write_text("a\n\nb\r\n\nc\n\n")
    assert guest.tail(file, 2) == "b\nc"
    assert guest.last_words(file) == "c"
    file.write_text("a\n[ 3.1] Kernel panic - not syncing: no disk\r\n[ 3.2] Call Trace:\n")
    assert guest.last_words(file) == "[ 3.1] Kernel panic - not syncing: no disk"
