"""Who is at work on an image: known of this computer's processes, believed of others' for a time."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta

from phoenix.clock import rfc3339
from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import bakers
from phoenix.clouds.aws.bake.bakers import Baker
from phoenix.tools.process import ProcessId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tags(baker: object, minutes: float = 1) -> dict[str, str]:
    return {labels.BAKER: str(baker), labels.SINCE: rfc3339(NOON - timedelta(minutes=minutes))}


def test_two_bakers_of_one_process_are_two() -> None:
    one, other = Baker.here(), Baker.here()
    assert one.owns(tags(one))
    assert not one.owns(tags(other))
    assert not bakers.left(tags(other), NOON)


def test_a_process_of_this_computer_that_ended_has_left_what_it_made() -> None:
    program = subprocess.Popen(["sleep", "60"])
    process = ProcessId.of(program.pid)
    assert process is not None
    dead = Baker(where=Baker.here().where, pid=program.pid, started=process.started)
    assert not bakers.left(tags(dead), NOON)
    program.kill()
    program.wait()
    assert bakers.left(tags(dead), NOON)
    reused = Baker(where=Baker.here().where, pid=os.getpid(), started=1)
    assert bakers.left(tags(reused), NOON), "another process has its number now"


def test_of_another_computer_only_time_tells() -> None:
    elsewhere = "another-boot.4026531836/1/1/abcd"
    assert not bakers.left(tags(elsewhere), NOON)
    assert not bakers.left(tags(elsewhere, minutes=89), NOON)
    assert bakers.left(tags(elsewhere, minutes=91), NOON)


def test_what_nobody_wrote_a_time_on_is_left_alone() -> None:
    for unknown in ({}, {labels.BAKER: "x"}, {labels.BAKER: "a/b/c/d", labels.SINCE: "yesterday"}):
        assert not bakers.left(unknown, NOON)
