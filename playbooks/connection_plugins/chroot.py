"""Runs tasks in a directory that holds a root file system, without booting it. Needs root, in a user namespace at least.

`playbooks/` is on its own here: a machine may run it at boot without phoenix, so nothing of phoenix is imported.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: chroot
short_description: run tasks in a root file system, without booting it
description:
  - Every command runs as C(chroot ROOT /bin/sh -c COMMAND) with a clean environment, or by another way in.
  - Whoever starts the playbook has mounted what the tasks need below the root, such as C(/proc) and C(/dev).
author: phoenix
version_added: "1.0"
options:
  chroot_root:
    description: The directory that is the root of the file system.
    required: true
    vars:
      - name: ansible_chroot_root
    env:
      - name: PHOENIX_CHROOT_ROOT
  enter:
    description: The words that run a command in the root file system, instead of C(chroot ROOT).
    default: ""
    env:
      - name: PHOENIX_ENTER
  remote_user:
    description: The user that commands run as; there is no other than root.
    default: root
extends_documentation_fragment:
  - connection_pipelining
"""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy")


class Connection(ConnectionBase):
    """A root file system as a host of Ansible."""

    transport = "chroot"
    has_pipelining = True

    def _connect(self) -> Connection:
        root = self.get_option("chroot_root")
        if not os.path.exists(os.path.join(root, "bin/sh")):
            raise AnsibleConnectionFailure(f"{root} holds no root file system: there is no bin/sh in it")
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run `cmd` in the root; gives exit code, stdout and stderr."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        way_in = shlex.split(self.get_option("enter")) or [_chroot(), self.get_option("chroot_root")]
        argv = [*way_in, "/bin/sh", "-c", cmd]
        done = subprocess.run(argv, input=in_data or b"", capture_output=True, env=_environment(), check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the controller into the root. Written from inside: a link there may be absolute."""
        with open(in_path, "rb") as file:
            self._checked(f"cat > {shlex.quote(out_path)}", file.read(), f"cannot write {out_path}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the root to the controller."""
        content = self._checked(f"cat {shlex.quote(in_path)}", b"", f"cannot read {in_path}")
        with open(out_path, "wb") as file:
            file.write(content)

    def close(self) -> None:
        """Nothing is held open between commands."""
        self._connected = False

    def _checked(self, cmd: str, stdin: bytes, failure: str) -> bytes:
        code, stdout, stderr = self.exec_command(cmd, in_data=stdin)
        if code != 0:
            raise AnsibleError(f"{failure} in {self.get_option('chroot_root')}: {stderr.decode(errors='replace')}")
        return stdout


def _chroot() -> str:
    found = shutil.which("chroot") or shutil.which("chroot", path="/usr/sbin:/sbin")
    if found is None:
        raise AnsibleConnectionFailure("the program chroot is missing; it is in the package coreutils")
    return found


def _environment() -> dict[str, str]:
    """What a command in the root sees. SYSTEMD_OFFLINE: units are enabled there, but nothing is started."""
    fixed = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "SYSTEMD_OFFLINE": "1"}
    return {**fixed, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
