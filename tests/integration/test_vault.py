"""What Ansible Vault has encrypted: baked with a password that nobody else gets to see, and validated without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import chroot_builder
from phoenix.clouds.local.bake.builders import vaulted
from phoenix.errors import RefusedError
from phoenix.execute import vault
from phoenix.execute.reach import Playbooks
from phoenix.tools import ansible, fence, memory_file, process
from tests.conftest import NewProject
from tests.support.real import marked
from tests.support.real.builds import build
from tests.support.real.shell import Shell

TIMEOUT = 120.0
PASSWORD = "correct-horse-of-the-vault"
VAULT = str(Path(sys.executable).with_name("ansible-vault"))
SITE = "- hosts: all\n  gather_facts: false\n  vars_files: [secrets.yml]\n  tasks: []\n"
TASKS = """\
    - name: Read what is encrypted
      include_vars: {file: secrets.yml}
    - name: See that the image has no way to the password
      shell: "! env | grep -q VAULT && ! test -e /run/phoenix-secret"
    - name: Write what is secret
      copy: {content: "{{ word }} {{ inline }}", dest: /etc/word, mode: "0600"}
      vars:
"""


def encrypted(text: str) -> str:
    """What ansible-vault makes of a text."""
    with memory_file.holding(PASSWORD.encode()) as file:
        command = [VAULT, "encrypt", "--vault-password-file", file, "--output", "-"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=120).stdout


def write_project(directory: Path) -> None:
    playbooks = directory / "playbooks"
    playbooks.mkdir(parents=True)
    inline = "".join(f"      {line}\n" for line in encrypted("inner").splitlines())
    (playbooks / "site.yml").write_text(SITE.replace("  tasks:", f"  vars:\n    inline: !vault |\n{inline}  tasks:", 1))
    (playbooks / "secrets.yml").write_text(encrypted("word: outer\n"))


@pytest.mark.parametrize("builder", ["light", pytest.param("chroot", marks=pytest.mark.full)])
def test_a_bake_has_the_password_and_nothing_else_does(
    base_tree: Path, roomy: Path, tmp_path: Path, builder: str
) -> None:
    directory = roomy / "vaults" / tmp_path.name
    (directory / "project/playbooks").mkdir(parents=True)
    (directory / "project/playbooks/secrets.yml").write_text(encrypted("word: outer\n"))
    inline = "".join(f"          {line}\n" for line in encrypted("inner").splitlines())
    made = build(builder, base_tree, directory, TASKS + f"        inline: !vault |\n{inline}", vault=PASSWORD.encode())
    assert (made.tree / "etc/word").read_text() == "outer inner"
    for file in (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()):
        assert PASSWORD.encode() not in file.read_bytes(), file


def test_the_password_is_in_no_argument_and_in_no_variable(tmp_path: Path) -> None:
    program = vaulted(ansible.chroot_command(tmp_path, tmp_path), PASSWORD.encode())
    around = fence.around(fence.Fence(scratch=str(tmp_path), writable=(str(tmp_path),)), program)
    for command in (program, around):
        assert PASSWORD not in " ".join((*command.argv, *command.environment.values()))
        assert PASSWORD not in str(command)


def test_a_program_that_prints_the_secret_is_not_quoted(base_tree: Path, tmp_path: Path) -> None:
    around = chroot_builder.lay_out(base_tree, tmp_path, tmp_path, ())
    show = vaulted(process.Command(argv=("cat", fence.SECRET)), PASSWORD.encode())
    done = process.run(fence.around(around, show), timeout=TIMEOUT, check=False)
    assert (done.code, done.stdout) == (0, "***")


@pytest.fixture
def shop(tmp_path: Path) -> Shell:
    write_project(tmp_path)
    (tmp_path / "phoenix.yaml").write_text(
        "version: 1\nproject: shop\nclouds: {local: {kind: local}}\nimages:\n"
        "  os: {debian-12: {base: {local: bookworm}, playbook: site.yml}}\n"
    )
    return Shell(directory=tmp_path)


def test_validate_wants_a_way_to_the_password_and_does_not_go_it(shop: Shell) -> None:
    (told,) = [each["what"] for each in shop.run("validate", code=2)["mistakes"]]
    assert "playbooks/secrets.yml is encrypted by Ansible Vault" in told
    assert "vault_password_file" in told
    program = shop.directory / "ask.sh"
    program.write_text(f"#!/bin/sh\ntouch {shop.directory}/asked\necho {PASSWORD}\n")
    (shop.directory / "ansible.cfg").write_text("[defaults]\nvault_password_file = ask.sh\nforks = 9\n")
    program.chmod(0o755)
    (warning,) = shop.run("validate")["warnings"]
    assert warning.startswith("ansible.cfg: [defaults] forks is not honoured")
    assert not (shop.directory / "asked").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_variables_in_a_file_without_an_extension_are_seen(shop: Shell, whole: bool) -> None:
    playbooks = shop.directory / "playbooks"
    (playbooks / "secrets.yml").unlink()
    (playbooks / "site.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks: [{debug: {var: word}}]\n")
    (playbooks / "group_vars").mkdir()
    inline = "".join(f"  {line}\n" for line in encrypted("outer").splitlines())
    (playbooks / "group_vars/all").write_text(encrypted("word: outer\n") if whole else f"word: !vault |\n{inline}")
    (told,) = [each["what"] for each in shop.run("validate", code=2)["mistakes"]]
    assert "playbooks/group_vars/all is encrypted by Ansible Vault" in told
    (shop.directory / "ansible.cfg").write_text("[defaults]\nvault_password_file = word\n")
    (shop.directory / "word").write_text(f"{PASSWORD}\n")
    assert reached(shop.directory) == ("group_vars/all",)
    assert shop.run("validate")["warnings"] == [], "it is read as an empty one, without the password"


def reached(directory: Path) -> tuple[str, ...]:
    playbooks = Playbooks.of(directory)
    return playbooks.encrypted(playbooks.reached(["site.yml"]))


def test_the_password_comes_from_a_file_or_a_program(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert reached(tmp_path) == ("secrets.yml", "site.yml")
    (tmp_path / "playbooks/ansible.cfg").write_text("[defaults]\nvault_password_file = ../word\n")
    word = tmp_path / "word"
    word.write_text(f"{PASSWORD}\n")
    assert vault.password(tmp_path, reached(tmp_path)) == PASSWORD.encode()
    assert vault.password(tmp_path, ()) == b"", "what encrypts nothing asks for nothing"
    word.write_text(f"#!/bin/sh\necho {PASSWORD}\n")
    word.chmod(0o700)
    assert vault.password(tmp_path, reached(tmp_path)) == PASSWORD.encode()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no >&2; exit 3", "ended with 3: no"),
        ("true", "gives no password"),
    ],
)
def test_a_program_that_gives_none_refuses_the_bake(tmp_path: Path, script: str, why: str) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nvault_password_file = word\n")
    (tmp_path / "word").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "word").chmod(0o700)
    with pytest.raises(RefusedError) as caught:
        vault.password(tmp_path, ("site.yml",))
    assert why in caught.value.details
    (tmp_path / "word").unlink()
    with pytest.raises(RefusedError, match="cannot be had"):
        vault.password(tmp_path, ("site.yml",))


@pytest.mark.full
def test_a_bake_by_the_command_line_asks_for_the_password_once_it_builds(
    project_with_images: Shell, new_project: NewProject, tmp_path: Path
) -> None:
    shell = marked.add(new_project(tmp_path / "vaulted"))
    inline = "".join(f"      {line}\n" for line in encrypted("one").splitlines())
    playbook = shell.directory / "playbooks/mark.yml"
    text = playbook.read_text().replace('"one\\n"', '"{{ word }}\\n"')
    playbook.write_text(text.replace("  tasks:", f"  vars:\n    word: !vault |\n{inline}  tasks:", 1))
    error = shell.run("bake", "foundation", "marked", code=3)["error"]
    assert "vault_password_file" in error["details"]
    (shell.directory / "ansible.cfg").write_text("[defaults]\nvault_password_file = ask.sh\n")
    program = shell.directory / "ask.sh"
    program.write_text(f"#!/bin/sh\necho asked >> {shell.directory}/asked\necho {PASSWORD}\n")
    program.chmod(0o755)
    shell.run("bake", "foundation", "marked", "--plan")
    assert not (shell.directory / "asked").exists()
    shell.run("bake", "foundation", "marked")
    shell.run("bake", "foundation", "marked")
    assert (shell.directory / "asked").read_text() == "asked\n", "the second is a hit"
    for file in (path for path in (shell.directory / ".phoenix").rglob("*") if path.is_file()):
        assert PASSWORD.encode() not in file.read_bytes(), file
