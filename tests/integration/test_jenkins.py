"""What `phoenix init --jenkins` writes, tried without Jenkins: JenkinsPipelineUnit runs the steps and the pipelines.

JenkinsPipelineUnit knows no declarative pipelines: the blocks of those are called in their order, as functions.
`tests/e2e/test_jenkins_way.py` runs the shell lines for real.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix.cli.app import load_command
from phoenix.cli.app import run as phoenix
from tests.support.real import pipelines
from tests.support.real.pipelines import HERE, Play, Played
from tests.support.real.ports import free_port

RUN = "roll-20260131-120000-a1b2c3"
HELD = json.dumps({"ok": False, "error": {"code": 8, "brief": "held"}, "run": RUN, "state": "held"})
UNDONE = json.dumps({"ok": False, "error": {"code": 6, "brief": 'never "healthy"'}, "run": RUN, "state": "undone"})
REFUSED = json.dumps({"ok": False, "error": {"code": 3, "brief": "a run is held"}})
COMMIT = "3f2a91c04d5b6e7f8091a2b3c4d5e6f708192a3b"
BUILD = {
    "BUILD_NUMBER": "7",
    "BUILD_URL": "https://ci.acme.example/job/shop/7/",
    "VERSION": "1.0.7",
    "GIT_COMMIT": COMMIT,
}
PLAYS = (
    Play(name="steps", file="Steps.Jenkinsfile", env=BUILD),
    Play(name="promoted", file="Scripted.Jenkinsfile", env=BUILD, answers=[("'roll'", 8, HELD)], people=["Promote"]),
    Play(
        name="held twice",
        file="Scripted.Jenkinsfile",
        env=BUILD,
        answers=[("'roll'", 8, HELD), ("'promote'", 8, HELD)],
        people=["Promote", "Promote", "Abort"],
    ),
    Play(name="aborted", file="Scripted.Jenkinsfile", env=BUILD, answers=[("'roll'", 8, HELD)], people=["Abort"]),
    Play(name="undone", file="Scripted.Jenkinsfile", env=BUILD, answers=[("'roll'", 6, UNDONE)]),
    Play(name="terminated", file="Scripted.Jenkinsfile", env=BUILD, answers=[("'bake'", 143)]),
    Play(
        name="declarative",
        file="Jenkinsfile",
        declarative=True,
        env=BUILD,
        answers=[("'roll'", 8, HELD)],
        people=["Promote"],
    ),
    Play(
        name="unkept",
        file="Jenkinsfile",
        declarative=True,
        env=BUILD,
        answers=[("'roll'", 8, HELD)],
        people=["Promote"],
        failing=["junit"],
    ),
    *(
        Play(name=f"tricked {name}", file="Tricked.Jenkinsfile", env=BUILD | {"STEP": name, "WORD": word})
        for name, word in (("run", "x; touch '$HOME'"), ("service", "--force"), ("file", "--replace"), ("none", ""))
    ),
    Play(name="nothing to do", file="Jenkinsfile", declarative=True, env=BUILD),
    Play(name="nightly", file="jenkins/nightly.Jenkinsfile", declarative=True, env=BUILD),
    Play(
        name="nightly, refused",
        file="jenkins/nightly.Jenkinsfile",
        declarative=True,
        env=BUILD,
        answers=[("'roll'", 3, REFUSED)],
    ),
    Play(name="tend", file="jenkins/tend.Jenkinsfile", declarative=True, env=BUILD),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("jenkins") / "shop"
    assert phoenix(["init", str(directory), "--jenkins", "-q"]) == 0
    return directory


@pytest.fixture(scope="module")
def casc(project: Path) -> dict[str, Any]:
    """The Configuration as Code."""
    loaded: dict[str, Any] = yaml.safe_load((project / "jenkins" / "casc.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def played(project: Path, casc: dict[str, Any]) -> dict[str, Played]:
    """Every pipeline, run in one JVM."""
    texts = [job["script"] for job in casc["jobs"]]
    return pipelines.run(project / "jenkins", [project, HERE], *PLAYS, parsed=texts)


def commands(play: Played) -> list[list[str]]:
    """The words of each call of phoenix with a report, without the files of its result and report."""
    found = []
    for line in play.lines:
        words = shlex.split(line.partition("exec phoenix ")[2])
        if "--junit" in words:
            assert words[-5:-3] == ["--json", "--junit"]
            assert words[-2] == ">"
            found.append(words[:-5])
    return found


def test_each_step_is_one_call_of_its_command(played: dict[str, Played]) -> None:
    play = played["steps"]
    assert (play.status, play.message) == ("SUCCESS", "")
    why = BUILD["BUILD_URL"]
    assert [" ".join(words) for words in commands(play)] == [
        "bake --all --from-scratch",
        "bake foundation nodejs --cloud aws --cloud gcp --builder packer --verify light --force",
        'publish it\'s.deb $(reboot).deb --repository main --wait-lock 5m --why a "b" `c` --replace',
        "roll web-tier --environment prod --image foundation/nodejs@3f2a --package hello=1.2 --package lib=3~rc1 "
        "--strategy canary --bake --adopt --wait-lock 10m --why weekly",
        "rollback web-tier --environment prod --to web-tier-prod-v041 --package hello=1.1 --wait-lock 1m --why " + why,
        f"promote {RUN} --why error rate is flat",
    ]


def test_the_command_line_takes_every_call(played: dict[str, Played]) -> None:
    for play in played.values():
        for words in commands(play):
            load_command(words[0]).make_context(words[0], [*words[1:], "--json", "--junit", "report.xml"])


def test_a_shell_hands_the_words_on_as_they_are(played: dict[str, Played], tmp_path: Path) -> None:
    program = tmp_path / "phoenix"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    line = next(line for line in played["steps"].lines if "'publish'" in line)
    subprocess.run(["sh", "-xe", "-c", line], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    words = json.loads((tmp_path / "phoenix-reports" / "publish-main.json").read_text())
    assert words[:3] == ["publish", "it's.deb", "$(reboot).deb"]
    assert words[words.index("--why") + 1] == 'a "b" `c`'


def test_phoenix_takes_the_shells_place(played: dict[str, Played]) -> None:
    """Jenkins' abort ends the script's shell at once, whatever that waits for; its exit code would be the step's."""
    lines = [line for play in played.values() for line in play.lines if "phoenix " in line and "validate" not in line]
    assert lines
    assert all(re.search(r"(^|&& )exec phoenix ", line) for line in lines)


def test_reports_and_results_are_kept_however_it_ends(played: dict[str, Played]) -> None:
    for name in ("promoted", "undone", "terminated"):
        play = played[name]
        calls = len(commands(play))
        assert len(play.named("junit")) == len(play.named("archiveArtifacts")) == calls
        assert all(how["allowEmptyResults"] for how in play.named("junit"))


def test_a_hold_becomes_a_question_that_ends_in_promote(played: dict[str, Played]) -> None:
    play = played["promoted"]
    assert play.status == "SUCCESS"
    (question,) = play.named("input")
    assert (question["ok"], question["submitter"]) == ("Promote", "operators")
    assert RUN in question["message"]
    assert play.named("timeout") == [{"time": 8, "unit": "HOURS"}]
    assert commands(play)[-1][:2] == ["promote", RUN]


def test_or_in_abort(played: dict[str, Played]) -> None:
    play = played["aborted"]
    assert play.status == "ABORTED"
    assert [words[0] for words in commands(play)] == ["publish", "bake", "roll", "abort"]
    assert commands(play)[-1][1] == RUN


def test_each_further_hold_is_a_question_of_its_own(played: dict[str, Played]) -> None:
    play = played["held twice"]
    assert play.status == "ABORTED"
    assert [words[0] for words in commands(play)][2:] == ["roll", "promote", "promote", "abort"]


def test_a_failure_ends_the_build_with_its_sentence(played: dict[str, Played]) -> None:
    play = played["undone"]
    assert play.status == "FAILURE"
    assert 'ended with 6: never \\"healthy\\"' in play.message
    assert commands(play)[-1][0] == "roll"
    assert "ended with 143" in played["terminated"].message


def test_the_declarative_way_is_the_same(played: dict[str, Played]) -> None:
    play = played["declarative"]
    assert (play.status, play.message) == ("SUCCESS", "")
    why = f"--why {BUILD['BUILD_URL']}"
    assert [" ".join(words) for words in commands(play)] == [
        f"publish hello/hello_1.0.7_all.deb {why}",
        "bake foundation nodejs",
        f"roll web-tier --environment local --package hello=1.0.7 --no-traffic --wait-lock 20m {why}",
        f"promote {RUN} {why}",
    ]
    assert play.lines[:2] == ["phoenix validate", 'make -C hello deb VERSION="$VERSION"']
    steps = [call["step"] for call in play.calls]
    assert steps.index("input") < steps.index("node"), "no agent waits for the person"
    (told,) = [line for line in play.lines if line.startswith("git ")]
    assert told == f"git checkout --quiet --detach '{COMMIT}'", "meanwhile others push"
    assert play.named("agent") == ["none", "phoenix"]
    assert {"githubPush", "disableConcurrentBuilds", "timestamps"} <= set(steps)


def test_a_report_that_jenkins_cannot_take_leaves_no_roll_held_unasked(played: dict[str, Played]) -> None:
    play = played["unkept"]
    assert play.status == "UNSTABLE"
    assert len(play.named("input")) == 1
    assert commands(play)[-1][:2] == ["promote", RUN]


def test_a_parameter_is_one_word_of_the_shell_and_its_file(played: dict[str, Played], tmp_path: Path) -> None:
    """A job that promotes the run of a parameter, say: whoever may start it may not do what they like on the agent."""
    (line,) = played["tricked run"].lines
    program = tmp_path / "phoenix"
    program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}
    subprocess.run(["sh", "-e", "-c", line], cwd=tmp_path, env=environment, check=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["phoenix", "phoenix-reports"]
    (result,) = (tmp_path / "phoenix-reports").iterdir()
    assert json.loads(result.read_text())[:2] == ["promote", "x; touch '$HOME'"]


@pytest.mark.parametrize("name", ["service", "file", "none"])
def test_a_parameter_that_is_an_option_or_nothing_is_refused(played: dict[str, Played], name: str) -> None:
    play = played[f"tricked {name}"]
    assert (play.status, play.lines) == ("FAILURE", [])
    assert "it needs one, and none begins with -" in play.message


def test_what_does_not_hold_is_not_asked_about(played: dict[str, Played]) -> None:
    play = played["nothing to do"]
    assert (play.status, play.named("input")) == ("SUCCESS", [])
    assert play.named("passed over") == ["Live"]


def test_the_nightly_job_bakes_all_layers_and_rolls_every_place(played: dict[str, Played]) -> None:
    play = played["nightly"]
    assert play.status == "SUCCESS"
    assert [words[:4] for words in commands(play)] == [
        ["bake", "--all", "--from-scratch"],
        ["roll", "web-tier", "--environment", "local"],
    ]
    assert "--same-packages" in commands(play)[1], "what was published and refused does not come in by night"
    assert play.named("cron") == ["H 2 * * *"]


def test_a_roll_that_is_refused_by_night_ends_no_other_and_the_build_fails(played: dict[str, Played]) -> None:
    play = played["nightly, refused"]
    assert play.status == "FAILURE"
    assert play.named("catchError") == ["web-tier did not roll"]
    assert not play.message, "nothing was thrown out of the loop"


def test_the_tend_job(played: dict[str, Played]) -> None:
    assert played["tend"].lines == ["exec phoenix tend"]
    assert played["tend"].named("cron") == ["H/5 * * * *"]
    assert not played["tend"].named("timeout"), "a roll that it goes on with would be undone"
    assert played["tend"].named("disableConcurrentBuilds")


def test_job_builder_makes_the_same_jobs_as_configuration_as_code(
    project: Path, casc: dict[str, Any], tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("jenkins-jobs")
    argv = [str(program), "test", str(project / "jenkins" / "jobs.yaml"), "-o", str(tmp_path)]
    subprocess.run(argv, check=True, capture_output=True, timeout=120)
    jobs = {file.name: ET.parse(file).getroot() for file in tmp_path.iterdir()}
    scripts = {name: job.findtext(".//scriptPath", "") for name, job in jobs.items()}
    assert scripts == {
        "shop": "Jenkinsfile",
        "shop-nightly": "jenkins/nightly.Jenkinsfile",
        "shop-tend": "jenkins/tend.Jenkinsfile",
    }
    (dsl,) = [job["script"] for job in casc["jobs"]]
    assert dict(re.findall(r"job\('([^']+)', '([^']+)'", dsl)) == scripts
    for script in scripts.values():
        assert (project / script).is_file()
    assert jobs["shop"].find(".//com.cloudbees.jenkins.GitHubPushTrigger") is not None
    specs = [jobs[name].findtext(".//hudson.triggers.TimerTrigger/spec") for name in ("shop-nightly", "shop-tend")]
    assert specs == ["H 2 * * *", "H/5 * * * *"] == re.findall(r"spec\('([^']+)'\)", dsl)
    for job in jobs.values():
        assert job.tag == "flow-definition"
        assert job.find(".//hudson.plugins.git.extensions.impl.WipeWorkspace") is None, "the state would be lost"


def test_configuration_as_code_holds_no_secret_and_fits_together(project: Path, casc: dict[str, Any]) -> None:
    credentials = [
        next(iter(each.values())) for each in casc["credentials"]["system"]["domainCredentials"][0]["credentials"]
    ]
    secrets = [each.get("secret") or each["password"] for each in credentials]
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", secret) for secret in secrets)
    known = {each["id"] for each in credentials}
    text = (project / "jenkins" / "casc.yaml").read_text()
    used = set(re.findall(r"credentialsId: (\S+)", text)) | set(re.findall(r"credentials\('([^']+)'\)", text))
    assert used == known
    (library,) = casc["unclassified"]["globalLibraries"]["libraries"]
    assert library["name"] == "phoenix"
    steps = {file.stem for file in (project / library["retriever"]["modernSCM"]["libraryPath"] / "vars").iterdir()}
    assert steps == {
        "phoenix",
        *(f"phoenix{step}" for step in ("Bake", "Publish", "Roll", "Rollback", "Promote")),
    }


def test_nginx_takes_its_file(project: Path, tmp_path: Path) -> None:
    snippet = (project / "jenkins" / "nginx.conf").read_text()
    assert "listen 80;" in snippet
    (tmp_path / "site.conf").write_text(snippet.replace("listen 80;", f"listen 127.0.0.1:{free_port()};"))
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )
    argv = ["/usr/sbin/nginx", "-t", "-p", str(tmp_path), "-c", str(main)]
    tried = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert tried.returncode == 0, tried.stderr
