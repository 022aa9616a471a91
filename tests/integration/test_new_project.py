"""The project that `phoenix init` writes is held to the same rules as phoenix's own playbooks.

`make lint` cannot see it: below a directory called `templates`, ansible-lint takes a playbook for mere text.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from phoenix.cli.app import run as phoenix
from phoenix.tools.process import Command, Completed, run

CHECKOUT = Path(__file__).resolve().parents[2]


def lint(project: Path) -> Completed:
    """What ansible-lint says of the playbooks of `project`, by the rules of this checkout."""
    program = Path(sys.executable).with_name("ansible-lint")
    options = ("--offline", "--nocolor", "-q", "--project-dir", ".", "-c", ".ansible-lint")
    shutil.copy(CHECKOUT / ".ansible-lint", project)
    argv = (str(program), *options, *(str(path) for path in project.glob("playbooks/*.yml")))
    paths = {"PATH": f"{program.parent}:/usr/bin:/bin", "ANSIBLE_ROLES_PATH": str(CHECKOUT / "playbooks" / "roles")}
    return run(Command(argv=argv, cwd=project, environment=paths), timeout=120, check=False)


def test_its_playbooks_pass_ansible_lint(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    assert phoenix(["init", str(project), "--quiet"]) == 0
    done = lint(project)
    assert (done.code, done.stdout) == (0, "")
    playbook = project / "playbooks" / "nodejs.yml"
    playbook.write_text(playbook.read_text().replace("name: Tell whoever", "name: tell whoever"))
    assert "name[casing]" in lint(project).stdout
