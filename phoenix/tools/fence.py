"""A fence: what a bake runs behind, so that it touches nothing of this computer but what it is given.

    program      (ansible-playbook, packer, qemu) sees this computer's files, may write those it is given, and no disk
    inside       a tree through an overlay, where there is one: a system of its own, with its own users, processes,
                 names; as the playbook of a chroot bake sees it

Both have one network: the world, and of this computer's loopback interface only the ports that are named. Whoever is
root inside is nobody on this computer (see `idmapped`); where an ordinary user bakes, it is that user, in a user
namespace. Every mount and every process is gone when the program has ended, however it ends: all of it happens in
namespaces of `process.Command.contained`.

Run as `python -m phoenix.tools.fence`, in such namespaces. The program finds in PHOENIX_ENTER the words that run a
command inside.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from phoenix.tools import fence_mounts, idmapped, netns, overlay, slirp, socket_proxy
from phoenix.tools.process import Command, require, spawn

ENTER = "PHOENIX_ENTER"
KEPT = "+chown,+dac_override,+dac_read_search,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap"
"""What the program may do as this computer's root: as good as nothing, on files that it cannot write."""
NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000 | 0x02000000
"""Of mounts, host name, IPC, processes, network and control groups (sched.h)."""
IP_FREEBIND = 15
"""Bind before the address is there (ip(7)): slirp4netns brings the loopback interface up."""
TIMEOUT = 60.0
"""Seconds for each step of making a fence; together they take a tenth of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """What is inside, and what the program may reach."""

    scratch: str
    """A directory of the bake's own: for `network.log`; with a tree, for `upper` and `work` of the overlay and `apt`
    (its `archives` and `lists` are lent to apt inside), too."""
    writable: tuple[str, ...]
    """The directories that the program may write."""
    lower: str = ""
    """The tree that is worked on, and stays as it is; empty for a program alone."""
    devices: tuple[str, ...] = ()
    """What the program finds in /dev beyond the usual, where it is there."""
    reach: tuple[int, ...] = ()
    """Loopback ports of this computer that are reached from inside under the same number."""
    first_user: int = 0
    """The computer's number for root inside; 0 where whoever bakes is an ordinary user already."""


def around(fence: Fence, program: Command) -> Command:
    """`program` behind `fence`. `scratch`/entered is there once it was started."""
    words = (sys.executable, "-P", "-m", __name__, json.dumps(asdict(fence)), "--", *program.argv)
    return replace(program, argv=words, contained=True)


def inside(*words: str) -> Command:
    """A program, for `around`, that runs `words` inside."""
    return Command(argv=("sh", "-c", f'exec ${ENTER} "$@"', "sh", *words))


def main(fence: Fence, argv: list[str]) -> int:
    """Make the fence, run the program in it; its exit code."""
    stage = idmapped.stage(*filter(None, (fence.lower, fence.scratch, *fence.writable)))
    with ExitStack() as held:
        users = _mount_tree(fence, stage)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        held.enter_context(ours)
        keeper = os.fork()
        if keeper == 0:
            _keep_inside(fence, stage, users, theirs)
        theirs.close()
        first, listeners = _first_process(ours, fence)
        _give_network(first, Path(fence.scratch))
        for port, listener in zip(fence.reach, listeners, strict=True):
            _lead_out(listener, port, Path(fence.scratch))
        if fence.lower:
            ours.send(b"go")
            if ours.recv(16) != b"ready":
                raise OSError("the tree could not be entered")
        with netns.opened(first) as network:
            return _run(fence, stage, first, network, argv)


def _mount_tree(fence: Fence, stage: str) -> int | None:
    """Mount the tree at `stage`/root and what is lent to it, if there is one; its user namespace, if it has one."""
    if not fence.lower:
        fence_mounts.make_stage(stage)
        return None
    users = idmapped.user_namespace(fence.first_user) if fence.first_user else None
    if users is None:
        fence_mounts.make_own_root(stage, fence.lower, fence.scratch)
    else:
        idmapped.make_root(stage, fence.first_user, users, fence.lower, fence.scratch, {}, overlay.OPTIONS)
    fence_mounts.bind(f"{fence.scratch}/apt", Path(stage, "apt"))
    return users


def _keep_inside(fence: Fence, stage: str, users: int | None, line: socket.socket) -> None:
    """Be in the new namespaces, or have a first process in them; tell which, and hand over the listening sockets."""
    try:
        if users is not None:
            idmapped.enter(users)
        netns.unshare(NAMESPACES if fence.lower else netns.CLONE_NEWNET)
        first = os.fork() if fence.lower else os.getpid()
        if first == 0:
            line.recv(16)
            fence_mounts.move_in(stage)
            line.send(b"ready")
            os.execv("/bin/sh", ["sh", "-c", fence_mounts.WAIT])
        sockets = [_listener(port) for port in fence.reach]
        socket.send_fds(line, [str(first).encode()], [each.fileno() for each in sockets])
        line.close()
        signal.pause()
    except OSError as error:
        os.write(sys.stderr.fileno(), f"the tree cannot be entered: {error}\n".encode())
        os._exit(1)


def _listener(port: int) -> socket.socket:
    """A socket of the network namespace inside, which has no address yet."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def _first_process(line: socket.socket, fence: Fence) -> tuple[int, list[int]]:
    message, descriptors, _flags, _address = socket.recv_fds(line, 64, max(1, len(fence.reach)))
    if not message:
        raise OSError("no process could be started inside")
    return int(message), list(descriptors)


def _give_network(first: int, scratch: Path) -> None:
    ready, said = os.pipe()
    spawn(slirp.build_command(first, said, {}), log=scratch / "network.log", keep=(said,))
    os.close(said)
    heard, _, _ = select.select([ready], [], [], TIMEOUT)
    if not heard or not os.read(ready, 1):
        words = (scratch / "network.log").read_text(errors="replace").strip()
        raise OSError(f"no network: {words.splitlines()[-1:] or 'slirp4netns said nothing'}")
    os.close(ready)


def _lead_out(listener: int, port: int, scratch: Path) -> None:
    command = socket_proxy.build_command(listener, f"127.0.0.1:{port}", {})
    spawn(command, log=scratch / "network.log", keep=(listener,))
    os.close(listener)


def _run(fence: Fence, stage: str, first: int, network: int, argv: list[str]) -> int:
    """Run the program in the network of the first process inside, with files that it cannot write."""
    words = list(_entering(first, own_users=not fence.first_user)) if fence.lower else []
    program = os.fork()
    if program == 0:
        (Path(fence.scratch) / "entered").touch()
        fence_mounts.close_files(stage, fence.writable, fence.devices)
        netns.enter(network)
        os.chdir(Path.cwd())  # where it is has just got a mount on top of it that may be written
        held = ("--bounding-set", f"-all,{KEPT}", "--inh-caps", "-all") if _is_root_of_the_computer() else ()
        command = (require("setpriv", "util-linux"), *held, "--", *argv)
        os.execve(command[0], command, {**os.environ, ENTER: " ".join(words)})
    return os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])


def _is_root_of_the_computer() -> bool:
    """Whether this process is root outside of any user namespace (user_namespaces(7): the first one maps all)."""
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def _entering(first: int, *, own_users: bool) -> Iterator[str]:
    yield from (require("nsenter", "util-linux"), f"--target={first}")
    yield from ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
    if not own_users:
        yield "--user"
    yield "--"


if __name__ == "__main__":
    given, _mark, *command_line = sys.argv[1:]
    if shutil.which(command_line[0]) is None:
        sys.exit(f"there is no program {command_line[0]}")
    try:
        sys.exit(main(Fence(**json.loads(given)), command_line))
    except OSError as error:
        sys.exit(f"the fence could not be made: {error}")
