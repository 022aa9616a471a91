"""A recipe laid out as files: the same bytes every time, no file too many, nothing of anybody else touched."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from phoenix.clouds.gcp.bake import template as gcp
from phoenix.clouds.local.bake import template as local_template
from phoenix.errors import RefusedError, SpecError
from phoenix.execute import workspace
from phoenix.execute.packer_values import Identity
from phoenix.execute.reach import Playbooks
from phoenix.execute.recipe_files import recipe_files, template_digest, with_builder
from phoenix.execute.workspace import lay_out_boot
from phoenix.model import CloudKind, ImageType, Repository
from phoenix.orders import clouds
from phoenix.spec.clouds import AwsCloud, CloudSpec, GcpCloud, LocalCloud, MachineEngine
from phoenix.spec.images import ImageName, PackageWish, Recipe, Variable
from phoenix.spec.project import Project
from phoenix.tools.packer import write_values

OS = ImageName(type=ImageType.OS, name="debian-12")
NODEJS = ImageName(type=ImageType.FOUNDATION, name="nodejs")
HELLO = PackageWish(name="hello", version=None, repository="main")
GCP = GcpCloud(name="gcp", project="acme-prod", region="us-central1", network="default")
AWS = AwsCloud(name="aws", region="eu-west-1", subnets=("subnet-a", "subnet-b"))
REPOSITORY = Repository(name="main", url="http://10.0.2.2:9999", distribution="bookworm", key="KEY")


def recipe(
    image: ImageName = NODEJS,
    playbook: str | None = "nodejs.yml",
    variables: Mapping[str, Variable] | None = None,
    packages: tuple[PackageWish, ...] = (),
    base: Mapping[CloudKind, str] | None = None,
) -> Recipe:
    return Recipe(
        image=image,
        parent=None if image.type is ImageType.OS else OS,
        base=base or {},
        playbook=playbook,
        variables=variables or {},
        packages=packages,
        tests=(),
        max_age=None,
    )


def lay_out(
    project: Project, recipe: Recipe, cloud: CloudSpec | CloudKind, directory: Path, **more: Any
) -> workspace.Workspace:
    """For a cloud of the project, or for a kind that it has none of."""
    known = project if isinstance(cloud, CloudKind) else replace(project, clouds={cloud.name: cloud})
    template = clouds.template(known, cloud if isinstance(cloud, CloudKind) else cloud.name, recipe)
    return workspace.lay_out(project, recipe, template, directory, **more)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(
        name="shop",
        directory=directory,
        file=directory / "phoenix.yaml",
        state=".phoenix",
        state_is_shared=False,
        clouds={},
        repositories={},
        recipes={},
        services={},
        stacks={},
    )


def local(tmp_path: Path) -> LocalCloud:
    return LocalCloud(name="local", machines=MachineEngine.AUTO, root=tmp_path, images=tmp_path, mirror="http://x")


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_the_same_recipe_gives_the_same_bytes(project: Project, tmp_path: Path) -> None:
    variables: dict[str, Variable] = {"b": [1, {"z": "é", "a": None}], "a": "x"}
    first, second = tmp_path / "1", tmp_path / "2"
    lay_out(project, recipe(variables=variables), local(tmp_path), first)
    lay_out(project, recipe(variables=dict(reversed(variables.items()))), local(tmp_path), second)
    assert contents(first) == contents(second)
    assert {path.stat().st_mode & 0o777 for path in first.rglob("*") if path.is_file()} == {0o644}


def test_only_what_the_recipe_reaches_is_laid_out(project: Project, tmp_path: Path) -> None:
    laid_out = lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    roles = {file.split("/")[2] for file in laid_out.files if file.startswith("playbooks/roles/")}
    assert roles == {"nodejs", "log_shipper", "source", "seal", "unseal"}
    assert set(laid_out.files) == set(contents(tmp_path / "w"))
    assert set(recipe_files(Playbooks.of(project.directory), recipe())) == {
        file.removeprefix("playbooks/")
        for file in laid_out.files
        if file.startswith("playbooks/") and Path(file).name not in MADE
    }


MADE = {"phoenix.yml", "phoenix-bake.yml", "variables.json", "ansible.cfg"}


def imports(file: Path) -> list[str]:
    return [entry["ansible.builtin.import_playbook"] for entry in yaml.safe_load(file.read_text())]


@pytest.mark.parametrize(
    ("playbook", "packages", "run"),
    [
        ("nodejs.yml", (), ["nodejs.yml"]),
        ("nodejs.yml", (HELLO,), ["nodejs.yml", "app.yml"]),
        (None, (HELLO,), ["app.yml"]),
        ("app.yml", (HELLO,), ["app.yml"]),
        (None, (), []),
    ],
)
def test_the_playbook_runs_before_the_packages(
    project: Project, tmp_path: Path, playbook: str | None, packages: tuple[PackageWish, ...], run: list[str]
) -> None:
    lay_out(project, recipe(playbook=playbook, packages=packages), CloudKind.LOCAL, tmp_path / "w")
    assert imports(tmp_path / "w/playbooks/phoenix.yml") == run
    middle = ["phoenix.yml"] if run else []
    assert imports(tmp_path / "w/playbooks/phoenix-bake.yml") == ["unseal.yml", *middle, "seal.yml"]


def test_packages_and_repositories_become_variables(project: Project, tmp_path: Path) -> None:
    wished = recipe(packages=(HELLO,), variables={"greeting": "hi"})
    pins = ("hello=1.0.0",)
    lay_out(project, wished, CloudKind.LOCAL, tmp_path / "w", packages=pins, repositories=(REPOSITORY,))
    assert json.loads((tmp_path / "w/playbooks/variables.json").read_text()) == {
        "greeting": "hi",
        "app_packages": ["hello=1.0.0"],
        "app_repositories": [
            {
                "name": "main",
                "url": "http://10.0.2.2:9999",
                "distribution": "bookworm",
                "component": "main",
                "key": "KEY",
            }
        ],
    }


def test_a_second_time_removes_what_the_first_one_left(project: Project, tmp_path: Path) -> None:
    lay_out(project, recipe(packages=(HELLO,)), CloudKind.LOCAL, tmp_path / "w")
    lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "fresh")
    assert contents(tmp_path / "w") == contents(tmp_path / "fresh")


def test_a_directory_with_other_files_is_refused_and_untouched(project: Project, tmp_path: Path) -> None:
    mine = tmp_path / "w/playbooks/site.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(RefusedError, match="is not empty"):
        lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    with pytest.raises(RefusedError, match="is not empty"):
        lay_out_boot(project.directory, "nodejs.yml", {}, tmp_path / "w")
    assert contents(tmp_path / "w") == {"playbooks/site.yml": b"mine"}


def test_a_projects_own_role_and_template_are_laid_out(project: Project, tmp_path: Path) -> None:
    own = {
        "playbooks/roles/nodejs/tasks/main.yml": "- debug: {msg: mine}\n",
        "templates/packer/local.pkr.hcl.j2": "mine",
    }
    before = template_digest(project.directory, local_template.template())
    for path, text in own.items():
        (project.directory / path).parent.mkdir(parents=True)
        (project.directory / path).write_text(text)
    laid_out = lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    assert (tmp_path / "w/image.pkr.hcl").read_text() == "mine"
    nodejs = [file for file in laid_out.files if "roles/nodejs" in file]
    assert nodejs == ["playbooks/roles/nodejs/tasks/main.yml"]
    assert template_digest(project.directory, local_template.template()) != before


@pytest.mark.parametrize("name", sorted(MADE - {"ansible.cfg"}))
def test_a_project_may_not_use_the_names_that_phoenix_writes(project: Project, tmp_path: Path, name: str) -> None:
    (project.directory / "playbooks").mkdir()
    (project.directory / "playbooks" / name).write_text("{}\n")
    (project.directory / "playbooks/site.yml").write_text(f"- hosts: all\n  vars_files: [{name}]\n")
    with pytest.raises(SpecError, match=f"its own playbooks/{name}"):
        lay_out(project, recipe(playbook="site.yml"), CloudKind.LOCAL, tmp_path / "w")


def test_a_projects_own_ansible_cfg_neither_counts_nor_is_in_the_way(project: Project, tmp_path: Path) -> None:
    before = recipe_files(Playbooks.of(project.directory), recipe())
    (project.directory / "playbooks").mkdir()
    (project.directory / "playbooks/ansible.cfg").write_text("[defaults]\nroles_path = elsewhere\n")
    lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    assert "elsewhere" not in (tmp_path / "w/playbooks/ansible.cfg").read_text()
    assert recipe_files(Playbooks.of(project.directory), recipe()) == before


def test_what_a_projects_ansible_cfg_has_searched_counts_in_its_order(project: Project, tmp_path: Path) -> None:
    plain = dict(recipe_files(Playbooks.of(project.directory), recipe()))
    for version in ("v1", "v2"):
        tasks = project.directory / f"playbooks/{version}/roles/nodejs_more/tasks/main.yml"
        tasks.parent.mkdir(parents=True)
        tasks.write_text(f"- debug: {{msg: {version}}}\n")
    unsearched = recipe_files(Playbooks.of(project.directory), recipe())
    assert unsearched == plain, "where nothing more is searched, the key is what it always was"
    counted = []
    for paths in ("playbooks/v1/roles:playbooks/v2/roles", "playbooks/v2/roles:playbooks/v1/roles"):
        (project.directory / "ansible.cfg").write_text(f"[defaults]\nroles_path = {paths}\n")
        counted.append(dict(recipe_files(Playbooks.of(project.directory), recipe())))
        lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
        written = (tmp_path / "w/playbooks/ansible.cfg").read_bytes()
        assert counted[-1].pop("ansible.cfg") == hashlib.sha256(written).hexdigest()
        assert counted[-1] == plain, "no role of these is reached"
        counted[-1]["ansible.cfg"] = hashlib.sha256(written).hexdigest()
    assert counted[0] != counted[1]


def test_a_file_that_is_no_yaml_is_told_with_its_line_before_anything_is_laid_out(
    project: Project, tmp_path: Path
) -> None:
    tasks = project.directory / "playbooks/roles/nodejs/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("- include_tasks: '{{ which }}.yml'\n")
    (tasks / "debian.yml").write_text("---\n- a: [1\n- b: 2\n")
    with pytest.raises(SpecError) as caught:
        lay_out(project, recipe(), CloudKind.LOCAL, tmp_path / "w")
    assert "playbooks/roles/nodejs/tasks/debian.yml:3: " in caught.value.details
    assert not (tmp_path / "w").exists()


def test_the_tree_for_a_boot_has_neither_seal_nor_packer(project: Project, tmp_path: Path) -> None:
    files = lay_out_boot(project.directory, "nodejs.yml", {"a": 1}, tmp_path / "w")
    assert {"phoenix.yml", "variables.json", "ansible.cfg", "nodejs.yml"} < set(files)
    assert not [file for file in files if "seal" in file or "bake" in file or "pkr" in file]
    assert imports(tmp_path / "w/phoenix.yml") == ["nodejs.yml"]


@pytest.mark.parametrize(
    "text", ["word: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3633\n", "$ANSIBLE_VAULT;1.1;AES256\n3633\n"]
)
@pytest.mark.parametrize(
    "path",
    [
        *("group_vars/all", "host_vars/one", "roles/nodejs/vars/main", "vars/more.json"),
        *("host_vars/web.example.org", "group_vars/example.org", "roles/nodejs/tasks/more"),
    ],
)
def test_what_is_encrypted_is_not_laid_out_for_a_boot(project: Project, tmp_path: Path, path: str, text: str) -> None:
    tasks = project.directory / "playbooks/roles/nodejs/tasks/main.yml"
    secret = project.directory / "playbooks" / path
    for file, content in ((tasks, "- debug: {msg: mine}\n"), (secret, text)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    with pytest.raises(SpecError, match=f"playbooks/{path} is encrypted"):
        lay_out_boot(project.directory, "nodejs.yml", {}, tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("cloud", "image", "base", "open_values"),
    [
        (CloudKind.GCP, NODEJS, {}, {"project_id", "source_image", "zone"}),
        (CloudKind.GCP, OS, {}, {"project_id", "source_image_family", "source_image_project", "zone"}),
        (CloudKind.AWS, NODEJS, {}, {"region", "source_ami"}),
        (CloudKind.AWS, OS, {}, {"region", "source_name", "source_owner"}),
        (GCP, NODEJS, {}, {"source_image"}),
        (GCP, OS, {CloudKind.GCP: "debian-cloud/debian-12"}, set()),
        (AWS, NODEJS, {}, {"source_ami"}),
        (AWS, OS, {CloudKind.AWS: "136693071363/debian-12-amd64-*"}, set()),
    ],
)
def test_what_the_file_lacks_becomes_a_variable_without_a_default(
    project: Project,
    tmp_path: Path,
    cloud: CloudSpec | CloudKind,
    image: ImageName,
    base: dict[CloudKind, str],
    open_values: set[str],
) -> None:
    laid_out = lay_out(project, recipe(image=image, base=base), cloud, tmp_path / "w")
    assert set(laid_out.to_fill_in) == open_values
    without = {name for name, default in defaults(tmp_path / "w").items() if default is None}
    assert without == open_values | {"ansible_playbook"}
    values = (tmp_path / "w/image.auto.pkrvars.hcl").read_text()
    assert {line.split()[0] for line in values.splitlines()} == without


def defaults(workspace: Path) -> dict[str, str | None]:
    """The variables of the template, with what stands behind `default =`."""
    text = (workspace / "image.pkr.hcl").read_text()
    found = {}
    for name, block in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
        default = re.search(r"^  default +\= (.*)$", block, re.MULTILINE)
        found[name] = default[1] if default else None
    return found


@pytest.mark.parametrize(
    ("base", "family", "image"),
    [
        ("debian-cloud/debian-12", '"debian-12"', '""'),
        ("debian-cloud/debian-12-bookworm-v20260115", '""', '"debian-12-bookworm-v20260115"'),
    ],
)
def test_an_image_of_google_is_named_by_family_or_exactly(
    project: Project, tmp_path: Path, base: str, family: str, image: str
) -> None:
    lay_out(project, recipe(image=OS, base={CloudKind.GCP: base}), GCP, tmp_path / "w")
    known = defaults(tmp_path / "w")
    assert known["source_image_project"] == '"debian-cloud"'
    assert (known["source_image_family"], known["source_image"]) == (family, image)


def test_labels_carry_the_identity_and_as_much_of_the_key_as_fits(project: Project, tmp_path: Path) -> None:
    parent = "shop-os-debian-12-def"
    identity = Identity(image_id="shop-foundation-nodejs-abc", key="ab" * 32, parent=parent)
    template = gcp.template(GCP, base=None, parent=parent)
    workspace.lay_out(project, recipe(), template, tmp_path / "w", identity=identity)
    known = defaults(tmp_path / "w")
    assert known["key"] == f'"{"ab" * 31}a"'
    assert known["parent"] == known["source_image"] == '"shop-os-debian-12-def"'


@pytest.mark.parametrize("code", ["{{ env `HOME` }}", "a{{", ["x", "{{"]])
def test_a_value_that_packer_would_read_as_code_is_refused(
    project: Project, tmp_path: Path, code: str | list[str]
) -> None:
    with pytest.raises(SpecError, match="the value of x holds"):
        write_values(tmp_path / "x.pkrvars.hcl", {"x": code})
    assert not (tmp_path / "x.pkrvars.hcl").exists()
    evil = AwsCloud(name="aws", region="{{ env `HOME` }}", subnets=())
    with pytest.raises(SpecError, match="the value of region holds"):
        lay_out(project, recipe(), evil, tmp_path / "w")


def test_what_a_builder_puts_into_a_system_counts_for_its_key() -> None:
    """The chroot puts in nothing of its own: keys of its images are what they were."""
    assert with_builder("digest", "chroot") == "digest"
    assert len(with_builder("digest", "light")) == 64
    assert with_builder("digest", "light") != with_builder("other", "light")
