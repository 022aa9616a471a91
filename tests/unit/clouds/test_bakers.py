"""Who is at work on an image: known of this computer's processes, believed of others' for a time."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta

from phoenix.clouds import bakers
from phoenix.clouds.bakers import Baker
from phoenix.clouds.gcp import labels
from phoenix.tools.process import ProcessId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def left(baker: object, minutes: float = 1) -> bool:
    return bakers.left(str(baker), NOON - timedelta(minutes=minutes), NOON)


def test_a_baker_is_a_label_as_it_stands() -> None:
    baker = str(Baker(where=Baker.here().where, pid=4_194_304, started=2**40))
    assert labels.value(baker) == baker
    assert re.fullmatch(r"[0-9a-f]{16}_4194304_1099511627776_[0-9a-f]{8}", baker)


def test_two_bakers_of_one_process_are_two() -> None:
    one, other = Baker.here(), Baker.here()
    assert one.owns(str(one))
    assert not one.owns(str(other))
    assert not left(other)


def test_a_process_of_this_computer_that_ended_has_left_what_it_made() -> None:
    program = subprocess.Popen(["sleep", "60"])
    process = ProcessId.of(program.pid)
    assert process is not None
    dead = Baker(where=Baker.here().where, pid=program.pid, started=process.started)
    assert not left(dead)
    program.kill()
    program.wait()
    assert left(dead)
    reused = Baker(where=Baker.here().where, pid=os.getpid(), started=1)
    assert left(reused), "another process has its number now"


def test_of_another_computer_only_time_tells() -> None:
    elsewhere = "fedcba9876543210_1_1_abcd0123"
    assert not left(elsewhere)
    assert not left(elsewhere, minutes=89)
    assert left(elsewhere, minutes=91)


def test_what_nobody_wrote_a_time_on_is_left_alone() -> None:
    for unknown in (None, "", "x", "a_b_c_d"):
        assert not bakers.left(unknown, None, NOON)
        assert not Baker.here().owns(unknown)
