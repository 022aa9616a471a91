"""A project of the size that people have: roles as they come from Galaxy, an image for each and more, a collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROLES, IMAGES, FILES_OF_A_ROLE = 18, 20, 110
FILES = 2000
"""About as many in all."""
LARGE = 3000
"""Modules of a collection that is larger than the largest that people use."""
COLLECTION = "acme.general"
_SYSTEMS = (
    "Debian",
    "Debian-11",
    "Debian-12",
    "Ubuntu",
    "Ubuntu-22",
    "Ubuntu-24",
    "RedHat",
    "RedHat-9",
    "Fedora",
    "Suse",
)


def project(directory: Path) -> Path:
    """Write the project into `directory`: its `phoenix.yaml`, playbooks and roles; the directory itself."""
    for number in range(ROLES):
        for path, text in _role(number):
            _write(directory / f"playbooks/roles/{_name(number)}/{path}", text)
    for number in range(IMAGES):
        _write(directory / f"playbooks/site-{number}.yml", _playbook(number))
    _write(directory / "playbooks/group_vars/all.yml", "site_owner: root\nsite_hosts: [a, b]\n")
    _write(directory / "phoenix.yaml", _spec())
    return directory


def pair(directory: Path, *, named: bool) -> Path:
    """A project of two small images, with a collection as large as the largest of others, or without one; itself.

    With it both playbooks name it.
    """
    module = f"{COLLECTION}.module_1" if named else "ansible.builtin.ping"
    for name in ("one", "two"):
        text = f"---\n- name: Image {name}\n  hosts: all\n  tasks:\n    - name: Do it\n      {module}:\n"
        _write(directory / f"playbooks/{name}.yml", text)
    images = "".join(f"    {name}: {{base: {{local: bookworm}}, playbook: {name}.yml}}\n" for name in ("one", "two"))
    spec = f"version: 1\nproject: pair\nclouds: {{local: {{kind: local}}}}\nimages:\n  os:\n{images}"
    _write(directory / "phoenix.yaml", spec)
    if named:
        collection(directory, LARGE, lines=300)
    return directory


def collection(directory: Path, files: int = 300, lines: int = 0) -> None:
    """Add a collection of so many modules, each with so many lines of documentation."""
    root = directory / "playbooks/collections/ansible_collections" / COLLECTION.replace(".", "/")
    for number in range(files):
        _write(root / f"plugins/modules/module_{number}.py", _MODULE.format(number=number) + _LINE * lines)
    _write(root / "galaxy.yml", "namespace: acme\nname: general\nversion: 1.0.0\n")


def _name(number: int) -> str:
    return f"acme.role_{number:02}"


def _role(number: int) -> Iterator[tuple[str, str]]:
    """The files of a role: what sets up one system or another, templates, files, and its makers' own tests."""
    name = f"role_{number:02}"
    parts = [f"part_{part:02}" for part in range(24)]
    needs = f"dependencies:\n  - role: {_name(number - 1)}\n" if number % 3 else "dependencies: []\n"
    yield "meta/main.yml", f"---\ngalaxy_info:\n  author: acme\n  min_ansible_version: '2.10'\n{needs}"
    yield "meta/argument_specs.yml", "---\nargument_specs:\n  main:\n    options: {}\n"
    yield "README.md", f"# {name}\n\n" + "What the role does, at length.\n" * 60
    yield "defaults/main.yml", "---\n" + "".join(f"{name}_value_{each}: '{each}'\n" for each in range(60))
    yield (
        "handlers/main.yml",
        f"---\n- name: Restart {name}\n  ansible.builtin.service:\n    name: {name}\n    state: restarted\n",
    )
    yield (
        "tasks/main.yml",
        _MAIN.format(name=name)
        + "".join(
            f"\n- name: Do {part}\n  ansible.builtin.{'import' if each % 2 else 'include'}_tasks: {part}.yml\n"
            for each, part in enumerate(parts)
        ),
    )
    for system in _SYSTEMS:
        yield (
            f"vars/{system}.yml",
            "---\n" + "".join(f"{name}_package_{each}: [a{each}, b{each}]\n" for each in range(20)),
        )
    for part in parts:
        yield f"tasks/{part}.yml", "---\n" + "".join(_TASK.format(name=name, part=part, each=each) for each in range(6))
        yield (
            f"templates/{part}.conf.j2",
            "# {{ ansible_managed }}\n" + f"value = {{{{ {name}_value_1 | default('x') }}}}\n" * 30,
        )
        yield f"files/{part}.conf", "key = value\n" * 80
    for scenario in ("default", "cluster"):
        for step in ("converge", "verify", "prepare", "molecule"):
            yield f"molecule/{scenario}/{step}.yml", f"---\n- hosts: all\n  roles:\n    - role: {_name(number)}\n"
    yield "tests/test.yml", "---\n- hosts: localhost\n  roles: ['{{ role_under_test }}']\n"
    yield ".github/workflows/ci.yml", "---\non: [push]\n"
    yield "LICENSE", "MIT\n" * 20
    for each in range(FILES_OF_A_ROLE - 99):
        yield f"files/extra/{each}.dat", "0123456789abcdef\n" * 200


def _playbook(number: int) -> str:
    return f"""---
- name: Image {number}
  hosts: all
  become: true
  roles:
    - role: {_name(number % ROLES)}
  tasks:
    - name: Say so
      ansible.builtin.copy:
        content: "{{{{ image_number }}}}"
        dest: /etc/image
        mode: "0644"
"""


def _spec() -> str:
    images = "".join(
        f"    image-{number}:\n      os: debian-12\n      playbook: site-{number}.yml\n"
        f"      variables: {{image_number: {number}}}\n"
        for number in range(IMAGES)
    )
    return f"""version: 1
project: galaxy
clouds:
  local: {{kind: local}}
images:
  os:
    debian-12:
      base: {{local: bookworm}}
      playbook: os.yml
  foundation:
{images}"""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


_MAIN = """---
- name: Include the variables of the system
  ansible.builtin.include_vars: "{{{{ item }}}}"
  with_first_found:
    - "{{{{ ansible_distribution }}}}-{{{{ ansible_distribution_major_version }}}}.yml"
    - "{{{{ ansible_os_family }}}}.yml"

- name: Install {name}
  ansible.builtin.package:
    name: "{{{{ {name}_package_1 }}}}"
    state: present
"""
_TASK = """
- name: Write {part} {each}
  ansible.builtin.template:
    src: {part}.conf.j2
    dest: "/etc/{name}/{part}-{each}.conf"
    owner: root
    group: root
    mode: "0644"
  when: {name}_value_{each} | length > 0
  notify: Restart {name}
"""
_LINE = "# What the module does, at length and with examples.\n"
_MODULE = '''#!/usr/bin/python
"""A module of the kind that collections have by the hundred: module_{number}."""

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={{"name": {{"type": "str"}}}})
    module.exit_json(changed=False)
'''
