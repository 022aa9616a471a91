"""`phoenix stack` with a real Terraform and a state in a file: applied as seen, refused when stale, ended cleanly."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from phoenix.clock import SystemClock
from phoenix.wait import Look, Verdict, wait_for
from tests.support.fakes.desk import Desk, desk_in
from tests.support.real.shell import Shell, in_this_process
from tests.support.real.terraform import RealTerraform

SECRET = "correct-horse-battery"
ROOT = """\
variable "size" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "network" {
  input            = var.size
  triggers_replace = [var.size]
}
resource "terraform_data" "database" {
  input = { size = var.size, password = var.password }
}
output "network" { value = terraform_data.network.output }
output "subnets" { value = ["a", "b"] }
output "password" {
  value     = var.password
  sensitive = true
}
"""
SLOW = """
resource "terraform_data" "slow" {
  depends_on = [terraform_data.network, terraform_data.database]
  provisioner "local-exec" { command = "sleep 60" }
}
"""
SPEC = """\
version: 1
project: hello
stacks:
  ground:
    root: ground
    program: {program}
    variables: {{size: 1, password: "${{DB_PASSWORD}}"}}
"""


@pytest.fixture
def terraform(tmp_path: Path) -> RealTerraform:
    return RealTerraform.install(tmp_path)


@pytest.fixture
def shell(tmp_path: Path, terraform: RealTerraform, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    project = tmp_path / "project"
    (project / "ground").mkdir(parents=True)
    (project / "ground" / "main.tf").write_text(ROOT)
    (project / "phoenix.yaml").write_text(SPEC.format(program=terraform.program))
    return Shell(directory=project)


def resize(shell: Shell, size: int) -> None:
    file = shell.directory / "phoenix.yaml"
    file.write_text(file.read_text().replace("size: 1", f"size: {size}"))


def state(shell: Shell) -> Path:
    return shell.directory / "ground" / "terraform.tfstate"


def test_a_plan_is_applied_as_it_was_seen_and_refused_once_the_state_has_moved(
    shell: Shell, terraform: RealTerraform, tmp_path: Path
) -> None:
    kept = tmp_path / "ground.plan"
    planned = shell.run("stack", "plan", "ground", "--plan-out", str(kept))["plan"]
    assert planned["summary"] == {"create": 2, "change": 0, "replace": 0, "destroy": 0}
    assert not state(shell).exists(), "a plan changes nothing"
    assert kept.stat().st_mode & 0o777 == 0o600

    done = shell.run("stack", "apply", "ground", "--from-plan", str(kept))
    assert (done["changed"], done["outputs"]) == (True, {"network": "1", "password": None, "subnets": ["a", "b"]})
    assert shell.run("run", "show", done["run"])["run"]["state"] == "done"

    again = shell.run("stack", "apply", "ground", "--from-plan", str(kept), code=3)
    assert "stale" in again["error"]["brief"]
    assert shell.run("stack", "apply", "ground")["changed"] is False

    resize(shell, 2)
    assert shell.run("stack", "apply", "ground", "--from-plan", str(kept), code=3)["error"]["details"].startswith(
        "stacks.ground of phoenix.yaml"
    )
    code, said, _err = in_this_process(["-C", str(shell.directory), "stack", "plan", "ground"])
    assert code == 0
    assert said.splitlines()[0] == "apply ground: 1 to change, 1 to replace, 1 output changes"
    replaced = next(line for line in said.splitlines() if line.lstrip().startswith("-/+"))
    assert replaced.lstrip().startswith("-/+ terraform_data.network: REPLACE")
    assert '        triggers_replace: ["1"] -> ["2"]  # forces the replacement' in said.splitlines()

    assert shell.run("stack", "output", "ground", "subnets")["value"] == ["a", "b"]
    assert "secret" in shell.run("stack", "output", "ground", "password", code=2)["error"]["brief"]

    gone = shell.run("stack", "destroy", "ground")
    assert gone["summary"]["destroy"] == 2
    assert json.loads(state(shell).read_text())["resources"] == []
    assert_secret_is_nowhere(shell, terraform, said, *map(json.dumps, (planned, done, gone)))


def assert_secret_is_nowhere(shell: Shell, terraform: RealTerraform, *said: str) -> None:
    """Neither in an argument nor in what was said, nor in phoenix's own files; what held it is gone."""
    calls = terraform.calls()
    assert SECRET not in json.dumps(calls)
    assert {mode for call in calls for mode in call["modes"]} == {"0o600"}
    assert not any(SECRET in text for text in said)
    kept = [file for file in (shell.directory / ".phoenix").rglob("*") if file.is_file()]
    assert [file.name for file in kept if SECRET.encode() in file.read_bytes()] == []
    assert "terraform.log" in {file.name for file in kept}
    assert list((shell.directory / ".phoenix" / "stacks" / "ground").glob("work-*")) == []


def begin_the_slow_one(shell: Shell) -> subprocess.Popen[str]:
    """An apply in the background that is in the middle of a resource."""
    (shell.directory / "ground" / "main.tf").write_text(ROOT + SLOW)
    going = shell.start("stack", "apply", "ground")

    def slow_has_begun() -> Look:
        text = "".join(file.read_text() for file in (shell.directory / ".phoenix" / "runs").glob("*/terraform.log"))
        begun = "terraform_data.slow: Provisioning" in text
        return Look(verdict=Verdict.PASS if begun else Verdict.UNKNOWN, seen=text[-500:])

    wait_for("the slow resource", slow_has_begun, clock=SystemClock(), deadline=120.0, interval=0.1)
    return going


def test_ctrl_c_lets_terraform_finish_save_its_state_and_free_its_lock(shell: Shell) -> None:
    main, going = shell.directory / "ground" / "main.tf", begin_the_slow_one(shell)
    going.send_signal(signal.SIGINT)
    out, err = going.communicate(timeout=120)
    assert going.returncode == 130, err
    said = json.loads(out)
    assert "what Terraform has done stands" in said["error"]["details"]
    assert shell.run("run", "show", said["run"])["run"]["state"] == "failed"
    assert list(main.parent.glob(".*.lock.info")) == []

    main.write_text(ROOT)
    left = shell.run("stack", "apply", "ground")
    assert {each["address"]: each["do"] for each in left["changes"]} == {"terraform_data.slow": "destroy"}


@pytest.mark.full
def test_a_phoenix_that_is_killed_leaves_no_lock_and_nothing_that_terraform_has_forgotten(shell: Shell) -> None:
    main, going = shell.directory / "ground" / "main.tf", begin_the_slow_one(shell)
    lock = main.parent / ".terraform.tfstate.lock.info"
    assert lock.exists()
    going.kill()
    going.communicate(timeout=60)

    def it_has_ended() -> Look:
        return Look(verdict=Verdict.UNKNOWN if lock.exists() else Verdict.PASS, seen="the state is locked")

    wait_for("the end of Terraform", it_has_ended, clock=SystemClock(), deadline=120.0, interval=0.1)
    assert "slow" in [each["name"] for each in json.loads(state(shell).read_text())["resources"]]
    (did,) = shell.run("tend")["did"]
    assert did.startswith("ended stack-")
    main.write_text(ROOT)
    left = shell.run("stack", "apply", "ground")
    assert {each["address"]: each["do"] for each in left["changes"]} == {"terraform_data.slow": "destroy"}
    assert list((shell.directory / ".phoenix" / "stacks" / "ground").glob("work-*")) == []


def test_a_world_that_is_no_longer_as_it_was_left_is_drift(shell: Shell) -> None:
    other = shell.directory / "other.tfstate"
    value = {"value": "first", "type": "string"}
    facts = {"version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "a", "resources": []}
    other.write_text(json.dumps({**facts, "outputs": {"zone": value}}))
    (shell.directory / "ground" / "main.tf").write_text(
        ROOT
        + f"""
data "terraform_remote_state" "other" {{
  backend = "local"
  config  = {{ path = "{other}" }}
}}
output "zone" {{ value = data.terraform_remote_state.other.outputs.zone }}
"""
    )
    shell.run("stack", "apply", "ground")
    assert shell.run("stack", "drift", "ground")["drift"] is False
    other.write_text(json.dumps({**facts, "serial": 2, "outputs": {"zone": {**value, "value": "second"}}}))
    before = state(shell).read_text()
    found = shell.run("stack", "drift", "ground", code=9)
    assert found["outputs"] == [{"name": "zone", "before": "first", "after": "second", "forces": False}]
    assert state(shell).read_text() == before


def test_ground_is_made_first_then_stood_on_and_not_taken_away_under_a_live_group(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terraform: RealTerraform
) -> None:
    with desk_in(tmp_path / "desk", capsys, monkeypatch) as desk:
        (desk.directory / "ground").mkdir()
        (desk.directory / "ground" / "main.tf").write_text(
            'resource "terraform_data" "a" { input = "127.0.0.1:8123" }\n'
            'output "listen" { value = terraform_data.a.output }\n'
        )
        desk.edit("127.0.0.1:8000", '"${stack.ground.listen}"')
        desk.edit("services:", f"stacks: {{ground: {{root: ground, program: {terraform.program}}}}}\nservices:")
        assert "it has not been applied" in desk.refused("status", code=2)["details"]
        desk.run("stack", "apply", "ground")
        desk.roll("1.0.0")
        first = desk.roll("2.0.0", "--plan")["plan"]
        assert "stack.ground.listen is 127.0.0.1:8123" in first["notes"]
        refused = desk.refused("stack", "destroy", "ground")
        assert refused["details"].startswith("web-tier/local: web-tier-local-v001")
        assert json.loads((desk.directory / "ground" / "terraform.tfstate").read_text())["resources"]

        forget(desk, "ground")
        assert desk.refused("stack", "destroy", "ground")["details"] == refused["details"]

        main = desk.directory / "ground" / "main.tf"
        main.write_text(main.read_text().replace("8123", "8124"))
        desk.run("stack", "apply", "ground")
        assert desk.roll("2.0.0", "--plan")["plan"]["fingerprint"] != first["fingerprint"]
        assert desk.run("stack", "destroy", "ground", "--force-live")["summary"]["destroy"] == 1
        assert "outputs: none" in desk.refused("status", code=2)["details"]


def forget(desk: Desk, stack: str) -> None:
    """Let the record know as little of the stack as one that another computer keeps."""
    key = f"stacks/{stack}"
    value = desk.store.get(key)
    assert value is not None
    desk.store.delete_if(key, value.tag)
