"""Mistakes in playbooks are told before anything runs, and the shipped ones have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix.errors import SpecError
from phoenix.tools import ansible
from tests.support.real.laid_out import lay_out, write_site


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- hosts: all\n  taskss: []\n", "site.yml:2:3"),
        ("- hosts: all\n  roles: [nonesuch]\n", "site.yml:2:11"),
        ("- hosts: all\n  tasks:\n    - nonesuch_module: 1\n", "site.yml:3:7"),
        ("- hosts: all\n  tasks:\n    - name: x\n", "site.yml:3:7"),
    ],
)
def test_a_mistake_in_a_playbook_is_told_before_anything_runs(tmp_path: Path, text: str, place: str) -> None:
    write_site(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        ansible.syntax_check(lay_out(tmp_path, "site.yml"))
    assert caught.value.details.startswith(f"{place}: ")


@pytest.mark.parametrize(
    "playbook", ["os.yml", "nodejs.yml", "java.yml", "tomcat.yml", "nginx.yml", "redis.yml", "app.yml"]
)
def test_the_shipped_playbooks_have_no_mistake(tmp_path: Path, playbook: str) -> None:
    laid_out = lay_out(tmp_path, playbook)
    ansible.syntax_check(laid_out)
    ansible.syntax_check(laid_out, ansible.BAKE)
