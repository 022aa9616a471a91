"""Makes a fence and runs a program behind it: `python -m phoenix.tools.fence_program FENCE -- PROGRAM ...`.

It is the first process of process and mount namespaces of its own, so whatever it starts ends with it. See `fence`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from phoenix.errors import PhoenixError
from phoenix.tools import fence_mounts, gateway, idmapped, mounts, namespaces, slirp, socket_proxy
from phoenix.tools.fence import ENTER, Fence
from phoenix.tools.process import require, spawn

KEPT = "+chown,+dac_override,+dac_read_search,+fowner,+fsetid"
"""What root keeps of its rights in the program: to read the files of whoever's project this is."""
HIDDEN = ("SSH_AUTH_SOCK", "DOCKER_HOST", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables that lead to this computer's services."""
INSIDE = namespaces.MOUNTS | namespaces.CONTROL_GROUPS | namespaces.HOST_NAME | namespaces.IPC | namespaces.PROCESSES
WAIT = "while :; do sleep 3600 & wait $!; done"
"""What the first process inside does: it takes up the dead, and waits for the fence to end."""
IP_FREEBIND = 15
"""Bind before the address is there (ip(7))."""
TIMEOUT = 60.0
"""Seconds for each step of making a fence; together they take a tenth of one."""


def main(fence: Fence, argv: list[str]) -> int:
    """Make the fence, run the program in it; its exit code. OSError where the kernel refuses something."""
    lower, scratch = Path(fence.lower), Path(fence.scratch)
    paths = (scratch, *map(Path, (*fence.writable, *fence.readable)), Path.cwd(), *((lower,) if fence.lower else ()))
    scaffold = mounts.scaffold(*paths)
    with ExitStack() as held:
        users = held.enter_context(_new_users(fence)) if fence.lower else None
        _mount_tree(fence, scaffold, users)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(TIMEOUT)
        if os.fork() == 0:
            ours.close()
            _keep(fence, scaffold, users, theirs)
        theirs.close()
        first, listeners = _first_process(ours, len(fence.reach))
        network = held.enter_context(namespaces.network_of(first))
        _connect(network, scratch / "network.log")
        for port, listener in zip(fence.reach, listeners, strict=True):
            spawn(
                socket_proxy.build_command(listener, f"127.0.0.1:{port}", {}),
                log=scratch / "port.log",
                keep=(listener,),
            )
            os.close(listener)
        if fence.lower:
            ours.send(b"go")
            if ours.recv(16) != b"ready":
                raise OSError("the tree could not be entered")
        return _run(fence, scaffold, first, network, argv)


def _new_users(fence: Fence) -> AbstractContextManager[int]:
    """An ordinary user's tree gets users of its own, too, the same ones: so the program may enter it without rights."""
    if fence.first_user:
        return namespaces.new_users(idmapped.extents(fence.first_user))
    return namespaces.new_users(namespaces.own_extents("uid_map"), namespaces.own_extents("gid_map"))


def _mount_tree(fence: Fence, scaffold: Path, users: int | None) -> None:
    if users is None:
        fence_mounts.make_scaffold(scaffold)
        return
    lower, scratch = Path(fence.lower), Path(fence.scratch)
    if fence.first_user:
        idmapped.make_root(scaffold, users, fence.first_user, lower, scratch, {})
    else:
        fence_mounts.make_own_root(scaffold, lower, scratch)
    fence_mounts.lend(scaffold, scratch / "apt")


def _keep(fence: Fence, scaffold: Path, users: int | None, line: socket.socket) -> None:
    """Be in the new namespaces, or have a first process in them; tell which, and hand over the listening sockets."""
    try:
        if users is not None:
            namespaces.enter_users(users)
        namespaces.unshare(namespaces.NETWORK | (INSIDE if fence.lower else 0))
        sockets = [_listener(port) for port in fence.reach]
        first = os.fork() if fence.lower else os.getpid()
        if first == 0:
            for each in sockets:
                each.close()
            line.recv(16)
            fence_mounts.move_in(scaffold)
            line.send(b"ready")
            os.execv("/bin/sh", ["sh", "-c", WAIT])
        socket.send_fds(line, [str(first).encode()], [each.fileno() for each in sockets])
        line.close()
        signal.pause()
    except OSError as error:
        os.write(sys.stderr.fileno(), f"the tree cannot be entered: {error}\n".encode())
    finally:
        os._exit(1)


def _listener(port: int) -> socket.socket:
    """A listening socket of the network that this process is in, which has no address yet."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def _first_process(line: socket.socket, listeners: int) -> tuple[int, list[int]]:
    message, descriptors, _flags, _address = socket.recv_fds(line, 64, max(1, listeners))
    if not message:
        raise OSError("no process could be started inside")
    return int(message), list(descriptors)


def _connect(network: int, log: Path) -> None:
    with namespaces.new_network() as between:
        out = slirp.start(between, log, {})
        gateway.connect_machine(network, between)
        why_not = out.wait()
        if why_not:
            raise OSError(f"no network: {why_not}")
        gateway.connect_world(between)


def _run(fence: Fence, scaffold: Path, first: int, network: int, argv: list[str]) -> int:
    """Run the program in the network of the first process inside, with files that it cannot write."""
    home = Path(fence.writable[0], ".home")
    home.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    kept = any(Path(environment.get("TMPDIR", "/")).is_relative_to(path) for path in fence.writable)
    environment |= {"HOME": str(home), **({} if kept else {"TMPDIR": str(home)})}
    if fence.lower:
        environment[ENTER] = " ".join((require("nsenter", "util-linux"), f"--target={first}", *_NAMESPACES, "--"))
    held = ("--bounding-set", f"-all,{KEPT}", "--inh-caps", "-all", "--ambient-caps", "-all")
    command = (require("setpriv", "util-linux"), *held, "--", *argv)
    program = os.fork()
    if program == 0:
        try:
            _close(fence, scaffold, network)
            os.execve(command[0], command, environment)
        except OSError as error:
            os.write(sys.stderr.fileno(), f"the fence could not be closed: {error}\n".encode())
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])


_NAMESPACES = ("--user", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")


def _close(fence: Fence, scaffold: Path, network: int) -> None:
    """Take from this process what the program is not to have."""
    own = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2], Path.cwd())
    readable = (*own, *map(Path, (*fence.readable, *((fence.lower,) if fence.lower else ()))))
    entered = os.open(fence.scratch, os.O_RDONLY | os.O_DIRECTORY)
    namespaces.unshare(namespaces.MOUNTS)  # in the former one are files that others write, so it cannot be closed
    fence_mounts.close_files(scaffold, tuple(map(Path, fence.writable)), readable, fence.devices)
    namespaces.enter_network(network)
    os.chdir(Path.cwd())  # where it is has just got a mount on top of it that may be written
    os.close(os.open("entered", os.O_CREAT | os.O_WRONLY, dir_fd=entered))


if __name__ == "__main__":
    given, _mark, *command_line = sys.argv[1:]
    try:
        sys.exit(main(Fence(**json.loads(given)), command_line))
    except OSError as error:
        sys.exit(f"the fence could not be made: {error}")
    except PhoenixError as error:
        sys.exit(f"the fence could not be made: {error.brief}: {error.details}")
