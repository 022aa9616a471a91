"""`phoenix validate` on a project that `phoenix init` wrote and somebody then edited."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from phoenix.cli.app import run
from phoenix.tools import ansible
from phoenix.tools.ansible import Failure


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["init", str(tmp_path / "shop")]) == 0
    capsys.readouterr()
    return tmp_path / "shop"


def validate(shop: Path, capsys: pytest.CaptureFixture[str], *, code: int) -> dict[str, Any]:
    assert run(["validate", "-C", str(shop), "--json", "-q"]) == code
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["ok"] is (code == 0)
    return said


def test_nothing_is_wrong_with_what_init_writes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in shop.rglob("*")}
    assert validate(shop, capsys, code=0) == {"ok": True, "file": str(shop / "phoenix.yaml"), "warnings": []}
    assert {file: file.stat().st_mtime_ns for file in shop.rglob("*")} == before


def test_every_mistake_of_the_file_is_there_for_programs(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "phoenix.yaml"
    text = file.read_text().replace("port: 8080", "port: 80800").replace("drain: 30s", "drain: 30")
    file.write_text(text)
    said = validate(shop, capsys, code=2)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "80800" in line or "drain: 30" in line]
    assert [(m["file"], m["line"], m["path"]) for m in said["mistakes"]] == [
        (str(file), lines[0], "services.web-tier.port"),
        (str(file), lines[1], "services.web-tier.drain"),
    ]
    assert said["error"]["brief"] == "2 mistakes in phoenix.yaml"
    assert said["error"]["details"].count("\n") == 1


def test_playbooks_and_templates_are_read_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = shop / "playbooks" / "nodejs.yml"
    playbook.write_text(f"{playbook.read_text()}\n- broken: [\n")
    template = shop / "templates" / "boot" / "mine.sh.j2"
    template.parent.mkdir(parents=True)
    template.write_text("fine\n{% if %}\n")
    first, second = [mistake["what"] for mistake in validate(shop, capsys, code=2)["mistakes"]]
    assert first.startswith(f"{template}:2: ")
    assert second.startswith("images.foundation/nodejs: ")
    assert "nodejs.yml" in second


def test_a_task_that_ansible_does_not_know(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = shop / "playbooks" / "nodejs.yml"
    playbook.write_text(playbook.read_text().replace("ansible.builtin.copy", "ansible.builtin.copi"))
    (mistake,) = validate(shop, capsys, code=2)["mistakes"]
    assert "ansible.builtin.copi" in mistake["what"]


def test_what_is_unwise_is_a_warning(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "phoenix.yaml"
    file.write_text(file.read_text().replace("{GREETING: Hello}", "{DB_PASSWORD: hunter2}"))
    said = validate(shop, capsys, code=0)
    assert len(said["warnings"]) == 1
    assert "settings.DB_PASSWORD looks like a secret" in said["warnings"][0]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The playbooks that each process of Ansible is given to read, as the processes are started."""
    started: list[tuple[str, ...]] = []
    really = ansible.syntax_mistake

    def counted(workspace: Path, playbooks: Sequence[str], variables: str = ansible.VARIABLES) -> Failure | None:
        started.append(tuple(playbooks))
        return really(workspace, playbooks, variables)

    monkeypatch.setattr(ansible, "syntax_mistake", counted)
    return started


def add_images(shop: Path, **playbooks: str) -> None:
    """Add a foundation image for each playbook, with a variable `which` that is its name."""
    images = "".join(
        f"    {name}: {{os: debian-12, playbook: {name}.yml, variables: {{which: {name}}}}}\n" for name in playbooks
    )
    spec = shop / "phoenix.yaml"
    spec.write_text(spec.read_text().replace("  foundation:\n", f"  foundation:\n{images}", 1))
    for name, text in playbooks.items():
        write(shop, f"{name}.yml", text)


def write(shop: Path, path: str, text: str) -> None:
    file = shop / "playbooks" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def whats(shop: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [mistake["what"] for mistake in validate(shop, capsys, code=2)["mistakes"]]


FINE = "- hosts: all\n  tasks: [{ansible.builtin.debug: {msg: '{{ which }}'}}]\n"


def test_one_process_of_ansible_reads_the_playbooks_of_all_images(
    shop: Path, capsys: pytest.CaptureFixture[str], processes: list[tuple[str, ...]]
) -> None:
    add_images(shop, one=FINE, two=FINE, three=FINE)
    validate(shop, capsys, code=0)
    assert [len(playbooks) for playbooks in processes] == [5]


def test_mistakes_in_several_playbooks_are_all_told_each_with_its_place(
    shop: Path, capsys: pytest.CaptureFixture[str], processes: list[tuple[str, ...]]
) -> None:
    add_images(
        shop,
        one="- hosts: all\n  taskss: []\n  tasks: []\n",
        two=FINE,
        three="- hosts: all\n  roles: [nonesuch]\n",
    )
    first, second = whats(shop, capsys)
    assert first.startswith("images.foundation/one: one.yml:2:3: ")
    assert second.startswith("images.foundation/three: three.yml:2:11: ")
    assert len(processes) == 5, "all, one alone, all but one, three alone, the rest"


def test_a_mistake_in_a_role_is_told_once_for_all_images_that_reach_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role = "- hosts: all\n  roles: [web]\n"
    write(shop, "roles/web/tasks/main.yml", "---\n- name: Odd\n  nonesuch_module: {}\n")
    add_images(shop, one=role, two=FINE, three=role)
    (what,) = whats(shop, capsys)
    assert what.startswith("images.foundation/one, images.foundation/three: roles/web/tasks/main.yml:")
    assert "nonesuch_module" in what


def test_a_file_that_only_a_run_would_read_is_told_where_it_is_no_yaml(
    shop: Path, capsys: pytest.CaptureFixture[str], processes: list[tuple[str, ...]]
) -> None:
    write(shop, "roles/web/tasks/main.yml", "- ansible.builtin.include_tasks: '{{ which }}.yml'\n")
    write(shop, "roles/web/tasks/debian.yml", "---\n- a: [1\n- b: 2\n")
    add_images(shop, one="- hosts: all\n  roles: [web]\n", two=FINE)
    (what,) = whats(shop, capsys)
    assert what.startswith("images.foundation/one: playbooks/roles/web/tasks/debian.yml:3: ")
    assert [len(playbooks) for playbooks in processes] == [3], "the others are read all the same"


def test_what_no_recipe_may_do_is_told_for_all_images_that_reach_it(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    role = "- hosts: all\n  roles: [web]\n"
    write(shop, "roles/web/tasks/main.yml", "---\n- name: Fetch\n  command: ls\n  delegate_to: localhost\n")
    add_images(shop, one=role, two=FINE, three=f"{role}  vars_prompt: []\n")
    prompted, fetched = sorted(whats(shop, capsys))
    assert fetched.startswith("images.foundation/three: playbooks/three.yml:3: a play has `vars_prompt`: ")
    assert prompted.startswith(
        "images.foundation/one, images.foundation/three: playbooks/roles/web/tasks/main.yml:4: the task 'Fetch' has "
    )


def test_an_images_own_variables_decide(
    shop: Path, capsys: pytest.CaptureFixture[str], processes: list[tuple[str, ...]]
) -> None:
    """A role's variables outrank what is given with `import_playbook`, and not the extra variables of a bake."""
    write(shop, "roles/web/vars/main.yml", "which: nonesuch\n")
    write(shop, "roles/web/tasks/main.yml", "- ansible.builtin.import_tasks: '{{ which }}.yml'\n")
    write(shop, "roles/web/tasks/one.yml", "[]\n")
    role = "- hosts: all\n  roles: [web]\n"
    add_images(shop, one=role, two=FINE, three=role)
    (what,) = whats(shop, capsys)
    assert what.startswith("images.foundation/three: ")
    assert "three.yml" in what
    assert [len(playbooks) for playbooks in processes] == [5, 1, 1, 1, 1, 1], (
        "a mistake without a place may be anyone's"
    )
