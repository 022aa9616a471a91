"""Makes a fence and runs a program behind it: `python -m phoenix.tools.fence_program FENCE -- PROGRAM ...`.

It is the first process of process and mount namespaces of its own, so whatever it starts ends with it. See `fence`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from phoenix.errors import PhoenixError
from phoenix.tools import fence_mounts, gateway, idmapped, mounts, namespaces, slirp, socket_proxy
from phoenix.tools.fence import ENTER, SECRET, Fence
from phoenix.tools.process import spawn

KEPT = "+chown,+dac_override,+dac_read_search,+fowner,+fsetid"
"""What root keeps of its rights in the program, over files that are its own there."""
HIDDEN = ("SSH_AUTH_SOCK", "DOCKER_HOST", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables that lead to this computer's services."""
INSIDE = namespaces.MOUNTS | namespaces.CONTROL_GROUPS | namespaces.HOST_NAME | namespaces.IPC | namespaces.PROCESSES
WAIT = "while :; do sleep 3600 & wait $!; done"
"""What the first process inside does: it takes up the dead, and waits for the fence to end."""
IP_FREEBIND = 15
"""Bind before the address is there (ip(7))."""
TIMEOUT = 60.0
"""Seconds for each step of making a fence; together they take a tenth of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a fence is made, and for whom."""

    fence: Fence
    scaffold: Path
    users: int | None
    """The user namespace of the program; None where an ordinary user bakes, who is in one already."""

    @property
    def view(self) -> Path:
        """What the program sees as its root."""
        return self.scaffold / "view"


def main(fence: Fence, argv: list[str]) -> int:
    """Make the fence, run the program in it; its exit code. OSError where the kernel refuses something."""
    scratch = Path(fence.scratch)
    namespaces.new_session_keyring()
    with ExitStack() as held:
        place = _prepare(fence, held)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(TIMEOUT)
        if os.fork() == 0:
            ours.close()
            _keep(place, theirs)
        theirs.close()
        first, listeners = _first_process(ours, len(fence.reach))
        network = held.enter_context(namespaces.network_of(first))
        _connect(network, scratch / "network.log")
        for port, listener in zip(fence.reach, listeners, strict=True):
            command = socket_proxy.build_command(listener, f"127.0.0.1:{port}", {})
            spawn(command, log=scratch / "port.log", keep=(listener,))
            os.close(listener)
        if fence.lower:
            ours.send(b"go")
            # then the end of the line: the first process is the tree's own program, and nothing of this one
            if ours.recv(16) != b"ready" or ours.recv(16):
                raise OSError("the tree could not be entered")
        return _run(place, first, network, argv)


def _prepare(fence: Fence, held: ExitStack) -> Place:
    """Mount the tree at SCAFFOLD/root and what is lent to it, if there is one; and what the program sees."""
    scratch, lower = Path(fence.scratch), Path(fence.lower)
    writable, readable = tuple(map(Path, fence.writable)), tuple(map(Path, fence.readable))
    own = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2], Path.cwd())
    seen = (*own, *readable, *((lower,) if fence.lower else ()))
    scaffold = mounts.scaffold(scratch, *writable, *seen)
    root_of_the_computer = namespaces.own_extents("uid_map") == ("0 0 4294967295",)
    users = None
    if root_of_the_computer:
        users = held.enter_context(namespaces.new_users(idmapped.extents(fence.first_user)))
    secret = sys.stdin.buffer.read() if fence.secret else b""
    namespaces.in_child(lambda: _mount(fence, scaffold, users, writable, seen, secret))
    return Place(fence=fence, scaffold=scaffold, users=users)


def _mount(
    fence: Fence,
    scaffold: Path,
    users: int | None,
    writable: tuple[Path, ...],
    seen: tuple[Path, ...],
    secret: bytes,
) -> None:
    """By a child process: who mounts an overlay as somebody else is no longer ended with its parent (prctl(2))."""
    if fence.lower and users is not None:
        idmapped.make_root(scaffold, users, fence.first_user, Path(fence.lower), Path(fence.scratch), {})
    elif fence.lower:
        fence_mounts.make_own_root(scaffold, Path(fence.lower), Path(fence.scratch))
    else:
        fence_mounts.make_scaffold(scaffold)
    if fence.lower:
        fence_mounts.lend(scaffold, Path(fence.scratch) / "apt")
    home = writable[0] / ".home"
    home.mkdir(exist_ok=True)
    (scaffold / "view").mkdir()
    fence_mounts.make_view(scaffold / "view", users, writable, seen)
    fence_mounts.make_devices(scaffold / "view/dev", *fence.devices)
    if secret:
        owner = fence.first_user if users is not None else -1
        fence_mounts.hand_in(scaffold / "view" / SECRET.lstrip("/"), secret, owner)


def _keep(place: Place, line: socket.socket) -> None:
    """Be in the new namespaces, or have a first process in them; tell which, and hand over the listening sockets.

    The tree gets users of its own, the program's ones again: so the program may enter it without any right.
    """
    fence = place.fence
    try:
        if place.users is not None:
            namespaces.enter_users(place.users)
        with ExitStack() as held:
            if fence.lower:
                extents = (namespaces.own_extents("uid_map"), namespaces.own_extents("gid_map"))
                namespaces.enter_users(held.enter_context(namespaces.new_users(*extents)))
        namespaces.unshare(namespaces.NETWORK | (INSIDE if fence.lower else 0))
        sockets = [_listener(port) for port in fence.reach]
        first = os.fork() if fence.lower else os.getpid()
        if first == 0:
            for each in sockets:
                each.close()
            line.recv(16)
            fence_mounts.move_in(place.scaffold)
            line.send(b"ready")
            os.execve("/bin/sh", ["sh", "-c", WAIT], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
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


def _run(place: Place, first: int, network: int, argv: list[str]) -> int:
    """Run the program in the network of the first process inside, as nobody, with what it is to see."""
    command = (*_ENTIRELY, "--", *argv)
    program = os.fork()
    if program == 0:
        try:
            here, entered = Path.cwd(), os.open(place.fence.scratch, os.O_RDONLY | os.O_DIRECTORY)
            namespaces.enter_network(network)
            namespaces.unshare(namespaces.MOUNTS | namespaces.IPC)
            mounts.move_root(place.view)
            mounts.set_attributes(Path("/"), add=mounts.READ_ONLY)
            os.chdir(here)
            os.close(os.open("entered", os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, dir_fd=entered))
            if place.users is not None:
                namespaces.enter_users(place.users)
            os.execve(command[0], command, _environment(place.fence, first))
        except OSError as error:
            os.write(sys.stderr.fileno(), f"the fence could not be closed: {error}\n".encode())
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])


_ENTIRELY = ("/usr/bin/setpriv", "--bounding-set", f"-all,{KEPT}", "--inh-caps", "-all", "--ambient-caps", "-all")
"""Runs a program as root without the rights of root."""


def _environment(fence: Fence, first: int) -> dict[str, str]:
    """This process's, without what leads to this computer's services; with the way inside, where there is a tree."""
    home = str(Path(fence.writable[0], ".home"))
    found = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    kept = any(Path(found.get("TMPDIR", "/")).is_relative_to(path) for path in fence.writable)
    found |= {"HOME": home, **({} if kept else {"TMPDIR": home})}
    if fence.lower:
        # twice: in between it is root inside, so nobody there sees a process that is not
        nsenter = ("/usr/bin/nsenter", f"--target={first}")
        others = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        found[ENTER] = " ".join((*nsenter, "--user", "--", *nsenter, *others, "--"))
    return found


if __name__ == "__main__":
    given, _mark, *command_line = sys.argv[1:]
    try:
        sys.exit(main(Fence(**json.loads(given)), command_line))
    except OSError as error:
        sys.exit(f"the fence could not be made: {error}")
    except PhoenixError as error:
        sys.exit(f"the fence could not be made: {error.brief}: {error.details}")
