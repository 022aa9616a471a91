"""How often a machine's services were started again, by its console."""

from __future__ import annotations

from pathlib import Path

from phoenix.clouds.local.machines.restarts import Restarts

JOB = "app.service: Scheduled restart job, restart counter is at 1.\n"
AGAIN = f"2026-11-24T10:47:16+0000 web-local-v001-1 systemd[1]: {JOB}"
UNDER_QEMU = "[    3.200000] systemd[1]: my-app.service: Scheduled restart job, restart counter is at 4.\n"
OWN = "[    3.3] systemd[1]: phoenix-boot.service: Scheduled restart job, restart counter is at 1.\n"
CLAIMED = (
    "2026-11-24T10:47:16+0000 web app[9]: systemd[1]: app.service: Scheduled restart job, restart counter is at 1.\n"
)


def test_only_what_systemd_says_of_services_counts(tmp_path: Path) -> None:
    console = tmp_path / "console.log"
    assert Restarts().of(console) == 0, "there is no log yet"
    console.write_text(AGAIN + "hello\n" + UNDER_QEMU + OWN + CLAIMED)
    assert Restarts().of(console) == 2


def test_what_was_read_is_counted_once_and_what_is_new_is_added(tmp_path: Path) -> None:
    console, restarts = tmp_path / "console.log", Restarts()
    console.write_text(AGAIN + AGAIN[:30])
    assert restarts.of(console) == 1
    assert restarts.of(console) == 1
    with console.open("a") as log:
        log.write(AGAIN[30:] + AGAIN)
    assert restarts.of(console) == 3


def test_a_log_that_was_set_aside_counts_once(tmp_path: Path) -> None:
    console, restarts = tmp_path / "console.log", Restarts()
    console.write_text(AGAIN * 3)
    assert restarts.of(console) == 3
    console.rename(tmp_path / "console.log.1")
    console.write_text(AGAIN)
    assert restarts.of(console) == 4
    assert Restarts().of(console) == 4, "another process counts the same"
