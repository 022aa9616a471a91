"""Runs tasks in a light machine that is baked, through the door that its builder keeps: a socket, no right to anything.

`playbooks/` is on its own here: a machine may run it at boot without phoenix, so nothing of phoenix is imported.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import socket

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: light
short_description: run tasks in a light machine that is baked
description:
  - Every command runs as C(/bin/sh -c COMMAND), as root, in the machine behind the door.
  - A command that starts the machine anew is told to the door, which takes no other before the machine stands again.
author: phoenix
version_added: "1.0"
options:
  door:
    description: The directory that has the door, a socket of the name C(door).
    required: true
    vars:
      - name: ansible_light_door
    env:
      - name: PHOENIX_DOOR
  remote_user:
    description: The user that commands run as; there is no other than root.
    default: root
extends_documentation_fragment:
  - connection_pipelining
"""

REBOOT = re.compile(
    r"(?:echo BECOME-SUCCESS-\w+ ; )?(?:/\S*/)?(?:shutdown -r (?:now|\+?\d+)(?: .*)?|reboot|systemctl reboot)(?: && sleep 0)?"
)
"""What the module C(reboot) runs; without logind shutdown(8) can plan nothing, not even for now."""


class Connection(ConnectionBase):
    """A light machine as a host of Ansible."""

    transport = "light"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run `cmd` in the machine; gives exit code, stdout and stderr."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._ask({"command": cmd, "reboot": bool(REBOOT.fullmatch(_innermost(cmd)))}, in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the controller into the machine."""
        with open(in_path, "rb") as file:
            self._checked(f"cat > {shlex.quote(out_path)}", file.read(), f"cannot write {out_path}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the machine to the controller."""
        content = self._checked(f"cat {shlex.quote(in_path)}", b"", f"cannot read {in_path}")
        with open(out_path, "wb") as file:
            file.write(content)

    def reset(self) -> None:
        """The machine was started anew, maybe: nothing is held open between commands."""
        self._connected = False

    def close(self) -> None:
        """Nothing is held open between commands."""
        self._connected = False

    def _checked(self, cmd: str, stdin: bytes, failure: str) -> bytes:
        code, stdout, stderr = self._ask({"command": cmd, "reboot": False}, stdin)
        if code != 0:
            raise AnsibleError(f"{failure} in the machine: {stderr.decode(errors='replace')}")
        return stdout

    def _ask(self, request: dict[str, object], stdin: bytes) -> tuple[int, bytes, bytes]:
        """Have the door run a command; it gets pipes to read its input from and to print into."""
        pipes = [os.pipe() for _stream in range(3)]
        (theirs_in, ours_in), (ours_out, theirs_out), (ours_err, theirs_err) = pipes
        try:
            with self._line() as line:
                theirs = [theirs_in, theirs_out, theirs_err]
                socket.send_fds(line, [json.dumps(request).encode()], theirs)
                for descriptor in theirs:
                    os.close(descriptor)
                stdout, stderr = _exchange(stdin, ours_in, ours_out, ours_err)
                answer = json.loads(line.recv(65536) or b"{}")
        except OSError as error:
            raise AnsibleConnectionFailure(f"the machine cannot be reached: {error}") from error
        if "code" not in answer or answer.get("gone"):
            raise AnsibleConnectionFailure(f"the machine went away: {stderr.decode(errors='replace').strip()}")
        return answer["code"], stdout, stderr

    def _line(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        directory = os.open(self.get_option("door"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            line.connect(f"/proc/self/fd/{directory}/door")  # a socket's own path has at most 107 characters
        except BaseException:
            line.close()
            raise
        finally:
            os.close(directory)
        return line


def _innermost(cmd: str) -> str:
    """The command that is run at last: Ansible wraps it into shells, each as one word more deeply quoted."""
    while True:
        try:
            words = shlex.split(cmd)
        except ValueError:
            return cmd
        inner = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-c" and at > 0]
        if not inner or inner[-1] == cmd:
            return cmd
        cmd = inner[-1]


def _exchange(stdin: bytes, ours_in: int, ours_out: int, ours_err: int) -> tuple[bytes, bytes]:
    """Write all input and read all output, whichever goes first; the descriptors are closed."""
    printed: dict[int, list[bytes]] = {ours_out: [], ours_err: []}
    rest = memoryview(stdin)
    os.set_blocking(ours_in, False)
    with selectors.DefaultSelector() as selector:
        selector.register(ours_in, selectors.EVENT_WRITE)
        for descriptor in printed:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select():
                if key.fd == ours_in:
                    try:
                        rest = rest[os.write(ours_in, rest[:65536]) :]
                    except BrokenPipeError:
                        rest = rest[:0]
                    over = not rest
                else:
                    chunk = os.read(key.fd, 65536)
                    printed[key.fd].append(chunk)
                    over = not chunk
                if over:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return b"".join(printed[ours_out]), b"".join(printed[ours_err])
