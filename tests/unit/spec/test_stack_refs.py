"""`${stack.NAME.OUTPUT}` in phoenix.yaml: what it comes to, where it may stand, what is said where it is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phoenix.orders.site import recorded
from phoenix.spec.load import load, load_stacks
from phoenix.spec.mistakes import MistakesError
from phoenix.spec.project import Project
from phoenix.spec.services import AwsBalancer
from phoenix.spec.stack_refs import nothing_known
from phoenix.stacks import Output

FILE = """\
version: 1
project: hello
clouds:
  aws: {kind: aws, region: eu-west-1, subnets: "${stack.ground.subnets}"}
images:
  os:
    debian-12: {base: {aws: "136693071363/debian-12-amd64-*"}, playbook: base.yml}
services:
  web:
    image: os/debian-12
    port: 8080
    health: /healthz
    settings: {A: b}
    hooks: {before_traffic: ["true"]}
    environments:
      prod:
        cloud: aws
        size: 2
        machine: {type: t3.small}
        load_balancer: {listener: "${stack.ground.listener}"}
        strategy: {kind: blue-green}
stacks:
  ground: {root: ground}
  second: {root: other, variables: {network: "${stack.ground.network}", zones: "${stack.ground.subnets}"}}
"""
ARN = "arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/a/b/c"
GROUND = (
    Output(name="listener", value=ARN),
    Output(name="network", value="net-1"),
    Output(name="password", value=None, sensitive=True),
    Output(name="subnets", value=["subnet-a", "subnet-b"]),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "base.yml").touch()
    (tmp_path / "phoenix.yaml").write_text(FILE)
    return tmp_path / "phoenix.yaml"


def loaded(file: Path, *changes: tuple[str, str], ground: tuple[Output, ...] | None = GROUND) -> Project:
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    return load(file, {}, {"ground": ground}.get)


def mistakes(file: Path, *changes: tuple[str, str], **more: Any) -> list[str]:
    with pytest.raises(MistakesError) as caught:
        loaded(file, *changes, **more)
    return [f"{each.path}: {each.what}" for each in caught.value.mistakes]


def test_outputs_stand_where_they_are_referred_to_and_a_list_stays_one(file: Path) -> None:
    project = loaded(file)
    prod = project.services["web"].environments["prod"]
    assert prod.load_balancer == AwsBalancer(listener=ARN, rule="default")
    assert getattr(project.clouds["aws"], "subnets") == ("subnet-a", "subnet-b")  # noqa: B009 - of a kind of clouds
    assert project.stacks["second"].variables == {"network": "net-1", "zones": ["subnet-a", "subnet-b"]}


def test_what_an_environment_stands_on_is_part_of_it(file: Path) -> None:
    prod = loaded(file).services["web"].environments["prod"]
    assert prod.stands_on == (
        ("stack.ground.listener", ARN),
        ("stack.ground.subnets", '["subnet-a", "subnet-b"]'),
    )


@pytest.mark.parametrize(
    ("url", "stands"),
    [
        ('url: "http://${stack.ground.network}/"', True),
        ('url: {aws: "http://${stack.ground.network}/"}', True),
        ('url: {aws: "http://there/", local: "http://${stack.ground.network}/"}', False),
    ],
)
def test_an_environment_stands_on_the_repository_that_its_machines_install_from(
    file: Path, url: str, *, stands: bool
) -> None:
    repositories = (
        f"repositories:\n  main: {{distribution: bookworm, root: a, sign: none, {url}}}\n"
        '  other: {distribution: bookworm, root: b, sign: none, url: "http://${stack.ground.password_of}/"}\n'
    )
    ground = (*GROUND, Output(name="password_of", value="nobody"))
    used = ("settings:", "packages: [{name: hello, repository: main}]\n    settings:")
    project = loaded(file, ("services:\n", f"{repositories}services:\n"), used, ground=ground)
    names = [name for name, _ in project.services["web"].environments["prod"].stands_on]
    assert ("stack.ground.network" in names) is stands
    assert "stack.ground.password_of" not in names


def test_a_reference_may_be_a_part_of_a_text(file: Path) -> None:
    changed = loaded(file, ("network: ", 'label: "a-${stack.ground.network}-b", network: '))
    assert changed.stacks["second"].variables["label"] == "a-net-1-b"


def test_a_stack_that_was_never_applied_is_named_with_what_to_do(file: Path) -> None:
    found = mistakes(file, ground=None)
    what = "it has not been applied, so there are none; first `phoenix stack apply ground`"
    assert f"services.web.environments.prod.load_balancer.listener: stack ground has no output 'listener': {what}" in (
        found
    )
    assert len(found) == 4, "one for each reference, and none of what would follow from it"


def test_an_output_that_is_missing_is_named_with_those_there_are(file: Path) -> None:
    assert mistakes(file, ("ground.listener", "ground.listner")) == [
        "services.web.environments.prod.load_balancer.listener: stack ground has no output 'listner'; "
        "outputs: listener, network, password, subnets"
    ]


def test_a_stack_that_is_missing_is_named_with_the_nearest(file: Path) -> None:
    assert mistakes(file, ("ground.listener", "groud.listener")) == [
        "services.web.environments.prod.load_balancer.listener: there is no stack 'groud'; nearest: ground"
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{A: b}", '{A: "${stack.ground.network}"}', "${...} is not accepted in settings"),
        ('["true"]', '["echo ${stack.ground.network}"]', "${stack...} is not accepted in commands"),
        ("project: hello", "project: hello\nstate: ${stack.ground.network}", "${stack...} is not accepted here"),
        ("{root: ground}", '{root: "${stack.ground.network}"}', "${stack...} is not accepted here"),
        ("ground.listener", "ground.password", "is a secret"),
    ],
)
def test_where_none_may_stand(file: Path, old: str, new: str, said: str) -> None:
    (found,) = mistakes(file, (old, new))
    assert said in found


def test_a_dollar_that_is_doubled_is_no_reference(file: Path) -> None:
    changed = loaded(file, ("network: ", 'label: "$${stack.ground.network}", network: '))
    assert changed.stacks["second"].variables["label"] == "${stack.ground.network}"


def test_ground_can_be_made_before_there_is_any(file: Path) -> None:
    file.write_text(FILE.replace("port: 8080", "port: a lot"))
    project = load_stacks(file, {}, nothing_known, "ground")
    assert list(project.stacks) == ["ground", "second"]
    with pytest.raises(MistakesError, match=r"stacks\.second\.variables\.network"):
        load_stacks(file, {}, nothing_known, "second")


def test_the_secrets_of_a_stack_are_needed_by_that_stack_alone(file: Path) -> None:
    changed = ("{root: ground}", '{root: ground, variables: {password: "${DB_PASSWORD}"}, backend: {key: "${KEY}"}}')
    loaded(file, changed)
    load_stacks(file, {}, {"ground": GROUND}.get, "second")
    load_stacks(file, {"DB_PASSWORD": "x", "KEY": "y"}, nothing_known, "ground")
    with pytest.raises(MistakesError) as caught:
        load_stacks(file, {}, nothing_known, "ground")
    assert [each.path for each in caught.value.mistakes] == [
        "stacks.ground.backend.key",
        "stacks.ground.variables.password",
    ]


def test_two_stacks_with_one_state_are_a_mistake(file: Path) -> None:
    (found,) = mistakes(file, ("root: other", "root: ground"))
    assert found.startswith("stacks.second: has the root and the backend of ground")
    loaded(file, ("root: other", "root: ground, backend: {prefix: second}"))


def test_what_a_cloud_itself_stands_on_is_told_of_it_alone(file: Path) -> None:
    project = loaded(file)
    assert project.clouds_stand_on == {"aws": (("stack.ground.subnets", '["subnet-a", "subnet-b"]'),)}


def test_a_state_that_asks_a_stack_is_the_one_mistake_and_says_what_to_write(file: Path) -> None:
    """Nobody is sent to apply a stack that has been applied: where that is written down is what is not known."""
    file.write_text(FILE.replace("project: hello", "project: hello\nstate: ${stack.ground.state}"))
    with pytest.raises(MistakesError) as caught:
        load(file, {}, recorded(file, {}))
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.path) == (3, "state")
    assert mistake.what == (
        "${stack...} is not accepted here: what a stack gives out stands in the record, so where that is has to be "
        "known first; accepted: the value itself, as `phoenix stack output` prints it"
    )
    assert caught.value.brief == "a mistake in phoenix.yaml"
    assert caught.value.resolution.startswith("Correct what is listed; nothing was done.")
    with pytest.raises(MistakesError, match="the value itself"):
        load_stacks(file, {}, recorded(file, {}), "ground")
