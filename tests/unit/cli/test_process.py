"""What phoenix starts does not end with the job of Jenkins that phoenix runs in; phoenix itself does."""

from __future__ import annotations

import os
import subprocess
import sys

from phoenix.cli.process import MARKS

CHILD = """
import subprocess
from pathlib import Path
from phoenix.cli import process
process.begin()
print(Path("/proc/self/environ").read_bytes().decode().count("_COOKIE="))
print(subprocess.run(["env"], capture_output=True, text=True, check=True).stdout)
"""


STARTED = """
import gc
from phoenix.cli import process
process.begin()
before = [each["collections"] for each in gc.get_stats()]
import phoenix.cli.rollback, phoenix.cli.bake, phoenix.spec.form.project
print([each["collections"] for each in gc.get_stats()] == before, gc.isenabled())
"""


def test_no_garbage_is_looked_for_while_a_command_starts() -> None:
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["True", "True"], "later it is: a roll may go on for hours"


def test_programs_bear_no_mark_of_the_job() -> None:
    environment = {**os.environ, **dict.fromkeys(MARKS, "durable-1"), "BUILD_TAG": "jenkins-shop-12"}
    argv = [sys.executable, "-c", CHILD]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, timeout=60)
    own, *inherited = done.stdout.splitlines()
    assert own == str(len(MARKS)), "so Jenkins finds phoenix, and stops it"
    assert "BUILD_TAG=jenkins-shop-12" in inherited
    assert not [line for line in inherited if line.partition("=")[0] in MARKS]
