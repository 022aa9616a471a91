"""What `phoenix init --cloud` writes: a file that asks the stack for what it does not know, and the stack itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phoenix import data
from phoenix.errors import SpecError
from phoenix.orders import project, project_clouds

OUTPUT = re.compile(r'^output "(\w+)"', re.MULTILINE)
REFERENCE = re.compile(r"\$\{stack\.network-(\w+)\.(\w+)\}")


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_everything_that_the_file_asks_for_is_given_out(cloud: str) -> None:
    spec = project_clouds.with_clouds(data.path("templates", "project", "phoenix.yaml").read_text(), [cloud])
    asked = {(stack, output) for stack, output in REFERENCE.findall(spec)}
    given = OUTPUT.findall(data.path("terraform", cloud, "outputs.tf").read_text())
    assert {stack for stack, _output in asked} == {cloud}
    assert {output for _stack, output in asked} <= set(given)


def test_a_project_for_both_has_both_grounds_and_keeps_its_own_names(tmp_path: Path) -> None:
    done = project.init(tmp_path / "a-very-long-name-of-a-shop", ["gcp", "aws", "gcp"])
    text = (tmp_path / "a-very-long-name-of-a-shop" / "phoenix.yaml").read_text()
    assert "project: a-very-long-name-of-a-shop" in text
    assert text.count("name: a-very-long-nam-prod") == 2
    assert {"terraform/aws/main.tf", "terraform/gcp/main.tf", "terraform/modules/aws/state/main.tf"} <= set(done.files)
    assert not [file for file in done.files if "README" in file or ".tfstate" in file]
    assert text.count("\nstacks:\n") == 1


def test_without_a_cloud_nothing_of_terraform_is_written(tmp_path: Path) -> None:
    done = project.init(tmp_path / "shop")
    assert not [file for file in done.files if file.startswith("terraform/")]
    assert "stack" not in (tmp_path / "shop" / "phoenix.yaml").read_text()


def test_what_terraform_leaves_in_a_directory_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "terraform" / "aws" / "main.tf"
    left = [
        tmp_path / "terraform" / "aws" / ".terraform" / "modules.json",
        tmp_path / "terraform" / "aws" / "terraform.tfstate.backup",
        tmp_path / "terraform" / "aws" / ".terraform.lock.hcl",
    ]
    for file in (kept, *left):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    monkeypatch.setattr(data, "path", tmp_path.joinpath)
    assert project_clouds.files(["aws"]) == {"terraform/aws/main.tf": b"x"}


def test_another_cloud_is_a_mistake_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no project can be written for azure") as error:
        project.init(tmp_path / "shop", ["aws", "azure"])
    assert error.value.details.startswith("accepted: aws, gcp")
    assert not (tmp_path / "shop").exists()


def test_a_project_for_debian_13_names_debian_12_nowhere(tmp_path: Path) -> None:
    project.init(tmp_path / "shop", ["aws", "gcp"], "debian-13")
    text = (tmp_path / "shop" / "phoenix.yaml").read_text()
    assert 'base: {local: trixie, aws: "136693071363/debian-13-amd64-*", gcp: "debian-cloud/debian-13"}' in text
    assert "distribution: trixie" in text
    assert "nodejs: {os: debian-13," in text
    assert not [word for word in ("debian-12", "bookworm") if word in text]


def test_another_system_is_a_mistake_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no project can be written for debian-11") as error:
        project.init(tmp_path / "shop", [], "debian-11")
    assert error.value.details == "accepted: debian-12, debian-13"
    assert not (tmp_path / "shop").exists()


def test_a_system_is_for_a_new_project(tmp_path: Path) -> None:
    project.init(tmp_path / "shop")
    with pytest.raises(SpecError, match="has a project already") as error:
        project.init_jenkins(tmp_path / "shop", {}, [], "debian-13")
    assert error.value.details == "--os debian-13 is for a new one"
