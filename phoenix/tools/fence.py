"""A fence: what a bake runs behind, so that it touches nothing of this computer but what it is given.

    program      (ansible-playbook, packer, qemu) sees this computer's /usr and /etc, and what it is given; no socket,
                 no disk, and nobody else's files
    inside       a tree through an overlay, where there is one: a system of its own, with its own users, processes and
                 names, as the playbook of a chroot bake sees it

Both have one network: the world, and of this computer's loopback interface only the ports that are named. Where root
bakes, both are nobody on this computer (see `idmapped`); where an ordinary user bakes, they are that user. Every mount
and every process ends with the program, because all of it is in namespaces of `process.Command.contained`.

`around` gives a command that runs `phoenix.tools.fence_program`, which makes all this. The program finds in
PHOENIX_ENTER the words that run a command inside.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from phoenix.tools import idmapped, socket_proxy
from phoenix.tools.process import Command, require

ENTER = "PHOENIX_ENTER"
SECRET = "/run/phoenix-secret"
"""In memory, and of the program's own view alone: gone when it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """What is inside, and what the program may reach. Paths are absolute."""

    scratch: str
    """A directory of the bake's own, for `network.log`; with a tree, for `upper` and `work` of the overlay and `apt`
    (its `archives` and `lists` are lent to apt inside), too."""
    writable: tuple[str, ...]
    """The directories that the program may write. In the first it has its home."""
    readable: tuple[str, ...] = ()
    """The directories that it reads, besides the computer's system and phoenix itself."""
    lower: str = ""
    """The tree that is worked on, and stays as it is; empty for a program alone."""
    devices: tuple[str, ...] = ()
    """What the program finds in /dev beyond the usual, where it is there."""
    secret: bool = False
    """Its input is a secret, which the program finds in the file SECRET, and so nowhere on a disk (see `around`)."""
    reach: tuple[int, ...] = ()
    """Loopback ports of this computer that are reached from inside under the same number."""
    first_user: int = idmapped.FIRST_USER
    """The computer's number for root of program and tree, where root bakes. An ordinary user stays what he is."""


def around(fence: Fence, program: Command) -> Command:
    """`program` behind `fence`; `scratch`/entered is there once it started. RefusedError where a tool is missing.

    What stands in its `stdin` is a secret that it reads from the file SECRET instead; its own input is empty.
    """
    for tool, package in (("slirp4netns", "slirp4netns"), ("ip", "iproute2"), ("nsenter", "util-linux")):
        require(tool, package)
    socket_proxy.program()
    found = shutil.which(program.argv[0]) or program.argv[0]
    known = replace(fence, readable=(*fence.readable, str(Path(found).parent)), secret=bool(program.stdin))
    words = (sys.executable, "-P", "-m", "phoenix.tools.fence_program", json.dumps(asdict(known)), "--", *program.argv)
    return replace(program, argv=words, contained=True)


def with_secret(program: Command, secret: bytes) -> Command:
    """`program`, for `around`, that finds `secret` in the file SECRET, if it is one."""
    return replace(program, stdin=secret) if secret else program


def inside(*words: str) -> Command:
    """A program, for `around`, that runs `words` inside."""
    return Command(argv=("sh", "-c", f'exec env -u TMPDIR HOME=/root ${ENTER} "$@"', "sh", *words))
