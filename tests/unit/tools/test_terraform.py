"""What Terraform is called with, and what is read of what it says. Each trap of python-terraform has its test here."""

from __future__ import annotations

import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest

from phoenix.errors import RefusedError, ToolError
from phoenix.stacks import MASKED, Do
from phoenix.tools import terraform, terraform_json
from phoenix.tools.terraform import Hearing, Terraform

PROGRAM = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$TF_DATA_DIR/calls"
env | grep -E '^(CHECKPOINT|TF_)' > "$TF_DATA_DIR/environment"
cat "$TF_DATA_DIR/says" 2>/dev/null
exit "$(cat "$TF_DATA_DIR/code" 2>/dev/null || echo 0)"
"""
QUIET = Hearing(say=lambda _text: None)


@pytest.fixture
def tool(tmp_path: Path) -> Terraform:
    """The wrapper around a program that notes what it was called with and says what it is told to."""
    program = tmp_path / "terraform"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "terraform.tfstate").write_text("no JSON: python-terraform reads the state of where it is")
    return Terraform(program=str(program), root=tmp_path, data=tmp_path / "data", timeout=60.0)


def called(tool: Terraform) -> list[str]:
    return (tool.data / "calls").read_text().splitlines()


def says(tool: Terraform, *lines: dict[str, Any] | str, code: int = 0) -> None:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (tool.data / "says").write_text("".join(f"{text}\n" for text in texts))
    (tool.data / "code").write_text(str(code))


def failure(summary: str, detail: str = "") -> dict[str, Any]:
    found = {"severity": "error", "summary": summary, "detail": detail, "range": None}
    return {"type": "diagnostic", "@level": "error", "@message": f"Error: {summary}", "diagnostic": found}


def test_every_call_as_terraform_gets_it(tool: Terraform, tmp_path: Path) -> None:
    says(tool, "{}")
    plan, values, backend = tmp_path / "p", tmp_path / "v.tfvars.json", tmp_path / "b.json"
    tool.init(backend, QUIET)
    tool.plan(plan, (values,), QUIET)
    tool.plan(plan, (), QUIET, mode="destroy")
    tool.plan(plan, (), QUIET, mode="refresh-only")
    tool.apply(plan, QUIET)
    tool.show(plan)
    tool.outputs()
    assert called(tool) == [
        f"init -input=false -no-color -backend-config={backend}",
        f"plan -json -input=false -detailed-exitcode -out={plan} -lock-timeout=10s -var-file={values}",
        f"plan -json -input=false -detailed-exitcode -out={plan} -lock-timeout=10s -destroy",
        f"plan -json -input=false -detailed-exitcode -out={plan} -lock-timeout=10s -refresh-only",
        f"apply -json -input=false -lock-timeout=10s {plan}",
        f"show -json -no-color {plan}",
        "output -json -no-color",
    ]


def test_nothing_of_the_callers_environment_changes_what_is_done(
    tool: Terraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TF_WORKSPACE": "other",
        "TF_LOG": "trace",
        "TF_LOG_CORE": "trace",
        "TF_CLI_ARGS_plan": "-destroy",
    }.items():
        monkeypatch.setenv(name, value)
    says(tool, "{}")
    tool.outputs()
    found = (tool.data / "environment").read_text().splitlines()
    assert {"TF_WORKSPACE=", "TF_CLI_ARGS_plan=", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"} <= set(found)
    assert {"TF_LOG=", "TF_LOG_CORE=", "TF_LOG_PROVIDER="} <= set(found)


def test_it_works_in_the_root_and_names_no_directory(tool: Terraform) -> None:
    program = Path(tool.program)
    program.write_text(program.read_text().replace("cat ", 'pwd > "$TF_DATA_DIR/where"; cat '))
    says(tool, "")
    tool.init(None, QUIET)
    assert (tool.data / "where").read_text().strip() == str(tool.root)


def test_one_that_hangs_is_ended_at_the_time_limit(tool: Terraform, tmp_path: Path) -> None:
    Path(tool.program).write_text("#!/bin/sh\nexec sleep 9000\n")
    hasty = Terraform(program=tool.program, root=tool.root, data=tool.data, timeout=0.2)
    with pytest.raises(ToolError, match="did not end in time"):
        hasty.apply(tmp_path / "p", QUIET)


def test_a_method_that_is_misspelt_is_no_command(tool: Terraform) -> None:
    assert not hasattr(tool, "aply")


def test_a_plan_with_changes_is_no_failure(tool: Terraform, tmp_path: Path) -> None:
    says(tool, "", code=2)
    assert tool.plan(tmp_path / "p", (), QUIET) is True
    says(tool, "", code=0)
    assert tool.plan(tmp_path / "p", (), QUIET) is False


def test_a_variable_never_becomes_an_argument() -> None:
    with pytest.raises(AssertionError, match="files"):
        terraform._composed("terraform", "plan", var={"password": "hunter2"})


def test_no_handler_is_installed_and_no_argument_is_logged(
    tool: Terraform, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    before = list(logging.getLogger().handlers)
    says(tool, "")
    with caplog.at_level(logging.DEBUG):
        tool.plan(tmp_path / "p", (), QUIET)
    assert logging.getLogger().handlers == before
    assert str(tmp_path / "p") not in caplog.text, "no argument is"


def test_a_warning_before_the_json_is_passed_over(tool: Terraform) -> None:
    says(tool, "", "Warning: Unable to open CLI configuration file", "", '{"a": {"value": "b"}}')
    assert [each.value for each in tool.outputs()] == ["b"]


def test_a_lack_of_outputs_is_an_error_and_not_nothing(tool: Terraform) -> None:
    says(tool, "Backend initialization required", code=1)
    with pytest.raises(ToolError, match="Backend initialization required"):
        tool.outputs()


def test_it_is_stopped_by_the_signal_that_terraform_takes_for_a_wish(tool: Terraform) -> None:
    assert tool._command("apply").ends_on is signal.SIGINT


@pytest.mark.parametrize(
    ("summary", "brief"),
    [
        ("Saved plan is stale", "the plan is stale"),
        ("Saved plan does not match the given state", "the plan is stale"),
        ("Error acquiring the state lock", "somebody else holds the lock"),
    ],
)
def test_what_terraform_refuses_is_refused(tool: Terraform, tmp_path: Path, summary: str, brief: str) -> None:
    says(tool, failure(summary, "ID: 7"), code=1)
    with pytest.raises(RefusedError) as caught:
        tool.apply(tmp_path / "p", QUIET)
    assert brief in caught.value.brief
    assert "ID: 7" in caught.value.details


def test_a_state_that_is_to_be_elsewhere_is_refused_with_the_way_to_move_it(tool: Terraform) -> None:
    says(tool, "", code=1)
    program = Path(tool.program)
    program.write_text(program.read_text().replace("cat ", "echo 'Error: Backend configuration changed' >&2; cat "))
    with pytest.raises(RefusedError) as caught:
        tool.init(None, QUIET)
    assert f"TF_DATA_DIR={tool.data} {program} -chdir={tool.root} init -migrate-state" in caught.value.resolution


def test_a_failure_says_what_and_where_without_secrets(tool: Terraform, tmp_path: Path) -> None:
    found = failure("no such zone", "the password was hunter22")
    found["diagnostic"] |= {"address": "aws_subnet.a", "range": {"filename": "main.tf", "start": {"line": 7}}}
    says(tool, found, code=1)
    told = Terraform(program=tool.program, root=tool.root, data=tool.data, timeout=60.0, secrets=("hunter22",))
    log = tmp_path / "log"
    with pytest.raises(ToolError) as caught:
        told.apply(tmp_path / "p", Hearing(say=lambda _text: None, log=log))
    assert caught.value.details == "main.tf:7: aws_subnet.a: no such zone: the password was ***"
    assert "hunter22" not in log.read_text()
    assert "***" in log.read_text()


def test_progress_is_told_resource_by_resource(tool: Terraform, tmp_path: Path) -> None:
    said: list[str] = []
    says(
        tool,
        {"type": "version", "@message": "Terraform 1"},
        {"type": "apply_start", "@message": "aws_vpc.a: Creating..."},
        {"type": "apply_progress", "@message": "aws_vpc.a: Still creating... [10s elapsed]"},
        {"type": "apply_complete", "@message": "aws_vpc.a: Creation complete after 12s"},
    )
    tool.apply(tmp_path / "p", Hearing(say=said.append))
    assert said == [
        "aws_vpc.a: Creating...",
        "aws_vpc.a: Still creating... [10s elapsed]",
        "aws_vpc.a: Creation complete after 12s",
    ]


def test_a_program_that_is_named_and_missing_is_refused() -> None:
    with pytest.raises(RefusedError, match="'tofu-of-mine' is missing"):
        terraform.find("tofu-of-mine")


def test_without_a_name_the_first_that_is_there_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError, match="neither Terraform nor OpenTofu"):
        terraform.find(None)
    for name in ("tofu", "terraform"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
        assert terraform.find(None) == str(tmp_path / name)


def shown(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource_changes": [{"address": "a.b", **change} for change in changes], **more}


@pytest.mark.parametrize(
    ("actions", "do"),
    [
        (["create"], Do.CREATE),
        (["update"], Do.CHANGE),
        (["delete", "create"], Do.REPLACE),
        (["create", "delete"], Do.REPLACE),
        (["delete"], Do.DESTROY),
        (["forget"], Do.FORGET),
        (["read"], Do.READ),
    ],
)
def test_each_fate_of_a_resource(actions: list[str], do: Do) -> None:
    found = terraform_json.changes(shown({"change": {"actions": actions, "before": None, "after": None}}))
    assert [each.do for each in found.resources] == [do]
    assert found.empty is (do is Do.READ)
    assert bool(found.lost) is (do in (Do.REPLACE, Do.DESTROY))


@pytest.mark.parametrize("actions", [["create", "forget"], ["forget", "create"]])
def test_what_is_left_standing_for_another_is_not_said_to_be_destroyed(actions: list[str]) -> None:
    change = {"actions": actions, "before": {"id": "a"}, "after": None}
    found = terraform_json.changes(shown({"change": change, "action_reason": "replace_because_cannot_update"}))
    (resource,) = found.resources
    assert resource.do is Do.CREATE
    assert "cannot be changed in place" in resource.why
    assert "stays, and Terraform no longer knows" in resource.why
    assert not found.empty
    assert not found.lost


@pytest.mark.parametrize("actions", [["defer"], ["update", "create"], []])
def test_a_fate_that_has_no_name_here_is_no_lack_of_changes(actions: list[str]) -> None:
    with pytest.raises(ToolError, match="cannot show") as caught:
        terraform_json.changes(shown({"change": {"actions": actions, "before": None, "after": None}}))
    assert "a.b: " in caught.value.details
    assert all(action in caught.value.details for action in actions)


def test_what_stays_is_not_shown_and_what_moves_is() -> None:
    stays = {"change": {"actions": ["no-op"]}}
    moves = {"change": {"actions": ["no-op"]}, "previous_address": "a.old"}
    (moved,) = terraform_json.changes(shown(stays, moves)).resources
    assert (moved.do, moved.why) == (Do.MOVE, "it was a.old")


def test_a_secret_is_masked_where_terraform_marks_it_and_where_a_provider_has_passed_it_on() -> None:
    change = {
        "actions": ["update"],
        "before": {"password": "hunter22", "copy": "old", "size": 1},
        "after": {"password": "hunter23", "copy": "x hunter23 x", "size": 2},
        "before_sensitive": {"password": True},
        "after_sensitive": {"password": True},
    }
    data = shown(
        {"change": change},
        variables={"password": {"value": "hunter23"}},
        configuration={"root_module": {"variables": {"password": {"sensitive": True}}}},
    )
    (resource,) = terraform_json.changes(data).resources
    assert [(each.name, each.before, each.after) for each in resource.fields] == [
        ("copy", "old", MASKED),
        ("password", MASKED, MASKED),
        ("size", "1", "2"),
    ]


def test_a_secret_output_has_no_value() -> None:
    text = json.dumps({"a": {"value": [1], "sensitive": False}, "b": {"value": "hunter2", "sensitive": True}})
    assert [(each.name, each.value, each.sensitive) for each in terraform_json.outputs(text)] == [
        ("a", [1], False),
        ("b", None, True),
    ]


def test_what_phoenix_knows_for_a_secret_is_shown_by_no_plan_and_no_drift() -> None:
    change = {"actions": ["update"], "before": {"x": "hunter22"}, "after": {"x": "2 hunter23"}}
    given = {"out": {"actions": ["create"], "before": None, "after": ["hunter23"]}}
    data = shown({"change": change}, output_changes=given, resource_drift=[{"address": "a.b", "change": change}])
    known = ("hunter22", "hunter23")
    for found in (terraform_json.changes(data, known), terraform_json.drift(data, {}, known).found):
        (field,) = found.resources[0].fields
        assert (field.before, field.after) == (MASKED, MASKED)
        assert [each.after for each in found.outputs] == [MASKED]


def test_an_output_that_holds_a_secret_is_one(tool: Terraform) -> None:
    says(tool, json.dumps({"a": {"value": {"url": 'x:hunt"er@y'}}, "b": {"value": "plain"}}))
    secrets = tuple(terraform_json.texts('hunt"er'))
    told = Terraform(program=tool.program, root=tool.root, data=tool.data, timeout=60.0, secrets=secrets)
    assert [(each.value, each.sensitive) for each in told.outputs()] == [(None, True), ("plain", False)]


def test_drift_is_what_the_world_has_and_not_what_would_be_done() -> None:
    drifted = {"address": "a.b", "change": {"actions": ["update"], "before": {"x": "1"}, "after": {"x": "2"}}}
    found = terraform_json.drift({"resource_changes": [], "resource_drift": [drifted]}, {})
    assert [(each.address, each.fields[0].after) for each in found.found.resources] == [("a.b", "2")]
    assert found.left == ()


@pytest.mark.parametrize(
    ("moved", "ignored", "is_drift"),
    [
        ({"backend"}, {"backend"}, False),
        ({"backend", "fingerprint"}, {"backend"}, False),  # derived from it
        ({"backend", "name"}, {"backend"}, True),
        ({"fingerprint"}, {"backend"}, True),
        ({"name"}, {"all"}, False),
        ({"name"}, set(), True),
    ],
)
def test_what_the_files_leave_to_others_is_no_drift(moved: set[str], ignored: set[str], is_drift: bool) -> None:
    change = {"actions": ["update"], "before": dict.fromkeys(moved, "1"), "after": dict.fromkeys(moved, "2")}
    expressions: dict[str, Any] = {"name": {}, "backend": {}}
    shown = {
        "resource_drift": [{"address": "module.a[0].b.c", "change": change}],
        "configuration": {
            "root_module": {
                "module_calls": {"a": {"module": {"resources": [{"address": "b.c", "expressions": expressions}]}}}
            }
        },
    }
    found = terraform_json.drift(shown, {"module.a.b.c": frozenset(ignored)})
    assert (not found.found.empty) is is_drift
    assert bool(found.left) is not is_drift


def test_what_is_gone_is_drift_whatever_the_files_leave_to_others() -> None:
    gone = {"address": "a.b", "change": {"actions": ["delete"], "before": {"x": "1"}, "after": None}}
    found = terraform_json.drift({"resource_drift": [gone]}, {"a.b": frozenset({"all"})})
    assert [each.do for each in found.found.resources] == [Do.DESTROY]
