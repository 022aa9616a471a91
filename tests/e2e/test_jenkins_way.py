"""A job of Jenkins, without Jenkins: its declarative pipeline, whose shell lines are really run on the local cloud."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from phoenix.clock import SystemClock
from phoenix.wait import Look, Verdict, wait_for
from tests.support.real import pipelines
from tests.support.real.pipelines import Play, Played
from tests.support.real.shell import Shell

pytestmark = pytest.mark.full
COOKIE = f"node-{uuid.uuid4()}"
NO_GIT = 128
"""What git ends with in a project that lies in no repository; the answer is obeyed all the same."""
FILE = "phoenix-reports/roll-web-tier-local"


def variables(number: int) -> dict[str, str]:
    """What Jenkins sets for a build."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BUILD_NUMBER": str(number),
        "BUILD_URL": f"https://ci.acme.example/job/hello/{number}/",
        "BUILD_TAG": f"jenkins-hello-{number}",
        "GIT_BRANCH": "origin/main",
        "GIT_COMMIT": "3f2a91c04d5b6e7f8091a2b3c4d5e6f708192a3b",
        "JENKINS_NODE_COOKIE": COOKIE,
    }


@pytest.fixture(scope="module")
def project(rolling_project: Shell) -> Shell:
    rolling_project.run("init", str(rolling_project.directory), "--jenkins", project=False)
    return rolling_project


@pytest.fixture(scope="module")
def builds(project: Shell) -> dict[str, Played]:
    """Two pushes: the first goes live, to the second somebody says no."""
    here = project.directory
    play: dict[str, Any] = {"file": "Jenkinsfile", "declarative": True, "directory": str(here)}
    plays = [
        Play(name="promoted", env=variables(1), people=["Promote"], **play),
        Play(name="aborted", env=variables(2), people=["Abort"], **play),
    ]
    return pipelines.run(here / "jenkins", [here], *plays)


def said(build: Played) -> str:
    """How the lines of a build ended, and their last words."""
    lines = [call for call in build.calls if call["step"] == "sh"]
    return "\n".join(f"{call['code']}: {call['about']['script']}\n{call['said'][-1500:]}" for call in lines)


def test_a_push_goes_live_after_a_yes(project: Shell, builds: dict[str, Played]) -> None:
    build = builds["promoted"]
    assert build.status == "SUCCESS", f"{build.message}\n{said(build)}"
    assert build.codes == [0, 0, 0, 0, 8, NO_GIT, 0], said(build)
    assert len(build.named("input")) == 1
    groups = {group["name"]: group for group in project.service()["groups"]}
    (serving,) = [group for group in groups.values() if group["share"] == 100]
    assert serving["packages"] == {"hello": "1.0.1"}


def test_a_no_leaves_all_as_it_was(project: Shell, builds: dict[str, Played]) -> None:
    build = builds["aborted"]
    assert build.status == "ABORTED", f"{build.message}\n{said(build)}"
    assert build.codes == [0, 0, 0, 0, 8, NO_GIT, 0], said(build)
    assert "'abort'" in build.lines[-1]
    newest = project.run("run", "list", "web-tier")["runs"][0]
    assert newest["state"] == "undone"
    (serving,) = [group for group in project.service()["groups"] if group["share"]]
    assert (serving["share"], serving["packages"]) == (100, {"hello": "1.0.1"})


def test_every_run_knows_its_build(project: Shell, builds: dict[str, Played]) -> None:
    assert set(builds) == {"promoted", "aborted"}
    tags = [run["origin"]["build_tag"] for run in project.run("run", "list", "web-tier")["runs"]]
    assert tags == ["jenkins-hello-2", "jenkins-hello-1"]
    newest = project.run("repository", "history")["states"][0]["origin"]
    assert (newest["build_tag"], newest["git_branch"]) == ("jenkins-hello-2", "origin/main")


def test_results_and_reports_are_there_to_be_archived(project: Shell, builds: dict[str, Played]) -> None:
    result = json.loads((project.directory / f"{FILE}.json").read_text())
    assert (result["ok"], result["state"]) == (False, "held")
    cases = [case.get("name") for case in ET.parse(project.directory / f"{FILE}.xml").iter("testcase")]
    assert "steps.create-candidate" in cases
    lines = [call["said"] for call in builds["promoted"].calls if call["step"] == "sh"]
    assert f"logs to {project.directory}/.phoenix/runs/roll-" in lines[4]
    assert all(line[:2] in ("+ ", "20", "") or line.startswith(("  ", "error: ")) for line in lines[4].splitlines())


def test_what_runs_on_is_not_the_jobs(builds: dict[str, Played]) -> None:
    """When its block ends, Jenkins ends every process that has the cookie of the node in its environment."""
    assert builds
    marked = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and COOKIE.encode() in (process / "environ").read_bytes():
                marked.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    assert marked == []


def test_a_build_that_is_stopped_undoes_its_roll_and_ends_with_143(project: Shell, builds: dict[str, Played]) -> None:
    line = builds["promoted"].lines[4].replace("hello=1.0.1", "hello=1.0.2")
    assert "hello=1.0.2" in line
    environment = {**os.environ, **variables(3)}
    build = subprocess.Popen(
        ["sh", "-xe", "-c", line], cwd=project.directory, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        _until_it_makes_machines(project)
        refused = project.run("roll", "web-tier", code=3)
        assert variables(3)["BUILD_URL"] in refused["error"]["details"]
        build.send_signal(signal.SIGTERM)
        _, told = build.communicate(timeout=120)
    finally:
        build.kill()
        build.wait()
    assert build.returncode == 143, told
    newest = project.run("run", "list", "web-tier")["runs"][0]
    assert (newest["state"], newest["origin"]["build_tag"]) == ("undone", "jenkins-hello-3")
    result = json.loads((project.directory / f"{FILE}.json").read_text())
    assert result["error"]["code"] == 143
    assert [group["share"] for group in project.service()["groups"] if group["share"]] == [100]


def _until_it_makes_machines(project: Shell) -> None:
    def look() -> Look:
        going = project.run("run", "list", "web-tier", "--state", "running")["runs"]
        steps = project.run("run", "show", going[0]["id"])["run"]["steps"] if going else []
        begun = [step["id"] for step in steps if step["began"]]
        return Look(verdict=Verdict.PASS if "create-candidate" in begun else Verdict.UNKNOWN, seen=str(begun))

    wait_for("the candidate to be made", look, clock=SystemClock(), deadline=120, interval=0.1)
