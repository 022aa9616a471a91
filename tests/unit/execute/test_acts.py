"""What no recipe may do is found where it stands, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.execute import acts
from phoenix.execute.reach import Playbooks
from tests.unit.execute.test_reach import ROLE, write


def told(text: str) -> list[tuple[int, str]]:
    return [(act.line, act.what.partition(":")[0].partition(",")[0]) for act in acts.found(text.encode())]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("- name: Ask\n  hosts: all\n  vars_prompt: [{name: x}]\n", 3, "the play 'Ask' has `vars_prompt`"),
        ("- hosts: all\n  connection: local\n", 2, "a play has `connection"),
        ("- hosts: localhost\n  tasks: []\n", 1, "a play has `hosts"),
        ("- hosts: all\n  vars: {ansible_connection: local}\n", 2, "a play has `ansible_connection"),
        ("- hosts: all\n  pre_tasks:\n    - name: Wait\n      pause: {seconds: 5}\n", 4, "the task 'Wait' has `pause`"),
        ("- ansible.builtin.pause:\n    prompt: go on?\n", 1, "a task has `pause`"),
        ("- action: pause seconds=5\n", 1, "a task has `pause`"),
        ("- action: {module: pause}\n", 1, "a task has `pause`"),
        ("- name: Here\n  command: ls\n  delegate_to: localhost\n", 3, "the task 'Here' has `delegate_to"),
        ("- command: ls\n  delegate_to: '127.0.0.1'\n", 2, "a task has `delegate_to"),
        ("- command: ls\n  connection: ansible.builtin.local\n", 2, "a task has `connection"),
        ("- local_action: command ls\n", 1, "a task has `local_action`"),
        ("- block:\n    - rescue:\n        - pause:\n", 3, "a task has `pause`"),
    ],
)
def test_what_no_recipe_may_do_is_told_with_its_line_and_task(text: str, line: int, what: str) -> None:
    assert told(text) == [(line, what)]


@pytest.mark.parametrize(
    "text",
    [
        "- command: ls\n  delegate_to: '{{ inventory_hostname }}'\n",
        "- copy: {content: 'pause: local', dest: /etc/localhost}\n",
        "- acme.tools.player: {pause: true, connection: local}\n",
        "- set_fact: {pause: 5, vars_prompt: x}\n",
        "- hosts: all\n  vars: {pause: 1, delegate_to: localhost, x: [{pause: 1}]}\n",
        "pause: 5\ndelegate_to: localhost\n",
        "- {wait_for: {host: localhost, port: 22}, register: pause}\n",
        "- pause: [\n",
        "- &a\n  - *a\n  - pause\n",
    ],
)
def test_the_same_words_elsewhere_mean_nothing(text: str) -> None:
    assert told(text) == []


def test_a_block_that_stands_in_itself_ends() -> None:
    assert told("- &again\n  block: &inner [{pause: }, {block: *inner}]\n") == [(2, "a task has `pause`")]


def test_only_files_of_tasks_that_a_playbook_reaches_are_looked_at(tmp_path: Path) -> None:
    act = "- name: x\n  pause:\n"
    write(tmp_path, "site.yml", f"{ROLE}  tasks: [{{include_tasks: tasks/more.yml}}]\n")
    for path in ("roles/web/tasks/main.yml", "roles/web/handlers/main.yml", "roles/web/tasks/plain", "tasks/more.yml"):
        write(tmp_path, path, act)
    for path in (
        "roles/web/files/x.yml",
        "roles/web/molecule/d/converge.yml",
        "roles/other/tasks/main.yml",
        "vars/x.yml",
    ):
        write(tmp_path, path, act)
    playbooks = Playbooks.of(tmp_path)
    lines = list(playbooks.forbidden(playbooks.reached(["site.yml"])))
    assert [line.partition(": ")[0] for line in lines] == [
        "playbooks/roles/web/handlers/main.yml:2",
        "playbooks/roles/web/tasks/main.yml:2",
        "playbooks/roles/web/tasks/plain:2",
        "playbooks/tasks/more.yml:2",
    ]
    assert lines[0].partition(": ")[2] == f"the task 'x' has `pause`: {acts.WAITS}"


def test_nothing_that_phoenix_ships_does_it() -> None:
    playbooks = Playbooks.of(None)
    assert list(playbooks.forbidden(playbooks.reached(["os.yml", "nodejs.yml", "tomcat.yml", "app.yml"]))) == []
