"""Ways from a machine to the computer it runs on, tried by its root. Runs inside, with the standard library alone.

    python3 ways_out.py SHARED PORT...

Prints a line `NAME open` or `NAME shut WHY` for each. A way is open where something of the computer was changed or
reached; what is written is what stands there already, so an open way does no harm. SHARED is a directory on a disk
of the computer. The PORTs of its loopback interface must not be reached. What WITHOUT names is not tried.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

NUMBERS = {"x86_64": (304, 321, 248, 175), "aarch64": (265, 280, 217, 105)}
"""open_by_handle_at, bpf, add_key, init_module by machine."""
LIBC = ctypes.CDLL(None, use_errno=True)


def call(index: int, *arguments: object) -> int:
    """A system call; OSError where it fails."""
    result = int(LIBC.syscall(NUMBERS[os.uname().machine][index], *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def do(script: str) -> None:
    """Run a script, every command of which must succeed."""
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise OSError((done.stderr or done.stdout).strip().splitlines()[-1:] or done.returncode)


def rewrite(file: str) -> None:
    """Write into a file what it holds."""
    held = Path(file).read_text()
    if Path(file).stat().st_dev == Path("/run").stat().st_dev:
        raise OSError("a file of the machine's own")
    descriptor = os.open(file, os.O_WRONLY)
    os.write(descriptor, held.encode())
    os.close(descriptor)


def settings() -> None:
    """The kernel's settings as they are mounted."""
    rewrite("/proc/sys/vm/swappiness")


def settings_mounted_again() -> None:
    """The same by a fresh mount of /proc, or made writable again."""
    place = tempfile.mkdtemp()
    try:
        do("mount -o remount,bind,rw /proc/sys")
        rewrite("/proc/sys/kernel/core_pattern")
    except OSError:
        do(f"mount -t proc proc {place}")
        rewrite(f"{place}/sys/kernel/core_pattern")


def settings_uncovered() -> None:
    """What a machine that is baked has files of its own for, below them and where these came from."""
    place = "/run/phoenix-kernel/kernel/core_pattern"
    if Path(place).exists():
        with suppress(OSError):
            rewrite(place)
            return
    do("umount --recursive /proc/sys")
    rewrite("/proc/sys/kernel/core_pattern")


def sysfs() -> None:
    """The kernel's settings in /sys."""
    place = tempfile.mkdtemp()
    do(f"mount -t sysfs sysfs {place}")
    rewrite(f"{place}/kernel/mm/transparent_hugepage/khugepaged/defrag")


def sysrq() -> None:
    """The kernel's emergency keys: `h` only prints a help text."""
    place = tempfile.mkdtemp()
    do(f"mount -t proc proc {place}; echo h > {place}/sysrq-trigger")


def disk_number(shared: str) -> str:
    number = Path(shared).stat().st_dev
    return f"{os.major(number)} {os.minor(number)}"


def disk_read(shared: str) -> None:
    """The bytes of the computer's disk."""
    do(f"mknod /dev/computer b {disk_number(shared)}; head -c 512 /dev/computer > /dev/null")


def disk_mounted(shared: str) -> None:
    """The files of the computer's disk."""
    place = tempfile.mkdtemp()
    do(f"mknod /dev/computer2 b {disk_number(shared)}; mount -o ro /dev/computer2 {place}; umount {place}")


def loop_device() -> None:
    """A disk made of a file."""
    do("mknod /dev/loop-control2 c 10 237; : 3<> /dev/loop-control2")


def memory() -> None:
    """The computer's memory."""
    do("mknod /dev/mem2 c 1 1; head -c 1 /dev/mem2 > /dev/null")


def kernel_log() -> None:
    """A line in the kernel's log."""
    do("mknod /dev/kmsg2 c 1 11; echo 'phoenix: a machine was here' > /dev/kmsg2")


def handle(shared: str) -> None:
    """The computer's files by their handle: the root directory's inode is 2 on ext4."""

    class Handle(ctypes.Structure):
        _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("inode", ctypes.c_ubyte * 8)]

    descriptor = os.open(shared, os.O_RDONLY)
    found = Handle(8, 1, (ctypes.c_ubyte * 8)(2))
    call(0, descriptor, ctypes.byref(found), os.O_RDONLY)


def swap(shared: str) -> None:
    """Swapping onto the computer's disk."""
    file = f"{shared}/phoenix-swap"
    try:
        do(f"dd if=/dev/zero of={file} bs=1M count=8 status=none; chmod 600 {file}; mkswap -q {file}; swapon {file}")
        do(f"swapoff {file}")
    finally:
        Path(file).unlink(missing_ok=True)


def program_in_the_kernel() -> None:
    """A map of bpf(2)."""
    attributes = (ctypes.c_ubyte * 72)()
    ctypes.memmove(attributes, (ctypes.c_uint * 4)(2, 4, 4, 1), 16)
    call(1, 0, ctypes.byref(attributes), 72)


def module() -> None:
    """A kernel module: none is loaded, but whether it may be is seen."""
    try:
        call(3, b"no module", 9, b"")
    except OSError as error:
        if error.errno != errno.ENOEXEC:  # that would say: it was read, so it was allowed
            raise


def debugging() -> None:
    """The kernel's debugging interfaces."""
    place = tempfile.mkdtemp()
    for kind in ("debugfs", "tracefs", "securityfs", "bpf"):
        try:
            do(f"mount -t {kind} none {place}")
            return
        except OSError:
            continue
    raise OSError("none of them")


def clock() -> None:
    """The computer's clock."""
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME))


def keys() -> None:
    """A key that the computer's root left in its keyring."""
    if "phoenix-of-the-computer" not in Path("/proc/keys").read_text():
        raise OSError("its own keyring")


def abstract_socket() -> None:
    """A socket of the computer that has a name and no file."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2)
        line.connect("\0phoenix-of-the-computer")


def own_memory_limit() -> None:
    """The machine's own limits."""
    limits = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max")
    file = next((Path(limit) for limit in limits if Path(limit).exists()), None)
    if file is None:
        raise OSError("none to be seen")
    rewrite(str(file))


def tasks() -> None:
    """A machine without a limit of tasks can take all numbers of processes."""
    files = ("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max")
    if any(Path(file).exists() and Path(file).read_text().strip() == "max" for file in files):
        return
    raise OSError("limited, or not to be seen")


def realtime() -> None:
    """A priority over everything else that the computer runs."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def release_agent() -> None:
    """A program that the kernel starts as the computer's root when a control group is empty."""
    place = tempfile.mkdtemp()
    do(f"mount -t cgroup -o none,name=phoenixway none {place}; echo /bin/true > {place}/release_agent")


def outward() -> str:
    """The name of the machine's network interface."""
    return next(path.name for path in Path("/sys/class/net").iterdir() if path.name != "lo")


def loopback_by_a_route(port: int) -> None:
    """The same by the address itself, made somebody else's; slirp4netns connects to whatever a packet bears."""
    link = outward()
    place = tempfile.mkdtemp()
    do(f"mount -t proc proc {place}; echo 1 > {place}/sys/net/ipv4/conf/all/route_localnet")
    do("ip address del 127.0.0.1/8 dev lo; ip route del local 127.0.0.0/8 dev lo table local || true")
    try:
        for address in ("127.0.0.1", "127.0.0.53", "0.0.0.1"):
            do(f"ip route replace {address}/32 via 10.0.2.2 dev {link} src 10.0.2.100")
            with suppress(OSError), socket.create_connection((address, port), 2) as line:
                line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if line.recv(1):
                    return
        raise OSError("not reached")
    finally:
        do("ip route flush root 127.0.0.0/8; ip route flush root 0.0.0.1/32 || true")
        do("ip address replace 127.0.0.1/8 dev lo")


def loopback_by_a_packet(port: int) -> None:
    """The same by a packet of one's own making, past the routes of this kernel: an answer to it would be seen."""
    link = outward()
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as line:
        line.bind((link, 0x0800))
        line.settimeout(2)
        neighbour = bytes.fromhex(Path(f"/sys/class/net/{link}/address").read_text().strip().replace(":", ""))
        for gateway in Path("/proc/net/arp").read_text().splitlines()[1:]:
            neighbour = bytes.fromhex(gateway.split()[3].replace(":", ""))
        packet = syn(socket.inet_aton("10.0.2.100"), socket.inet_aton("127.0.0.1"), 40999, port)
        line.sendto(packet, (link, 0x0800, 0, 0, neighbour))
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            try:
                answer = line.recv(2048)
            except TimeoutError:
                break
            if answer[12:16] == socket.inet_aton("127.0.0.1"):
                return
    raise OSError("no answer")


def syn(source: bytes, target: bytes, source_port: int, port: int) -> bytes:
    """The first packet of a connection (RFC 791, RFC 9293)."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, source, target)
    head = head[:10] + checksum(head) + head[12:]
    body = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(body))
    return head + body[:16] + checksum(pseudo + body) + body[18:]


def checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def loopback(port: int) -> None:
    """A service on the computer's loopback interface."""
    for address in ("127.0.0.1", "10.0.2.2", "10.0.2.3"):
        try:
            with socket.create_connection((address, port), 2) as line:
                line.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if line.recv(1):
                    return
        except OSError:
            continue
    raise OSError("not reached")


def ways(shared: str, ports: list[int]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every way by its name."""
    for way in (settings, settings_mounted_again, settings_uncovered, sysfs, sysrq, loop_device, memory, kernel_log):
        yield way.__name__, way
    for on_disk in (disk_read, disk_mounted, handle, swap):
        yield on_disk.__name__, partial(on_disk, shared)
    for way in (program_in_the_kernel, module, debugging, clock, keys, abstract_socket, own_memory_limit, tasks):
        yield way.__name__, way
    for way in (realtime, release_agent):
        yield way.__name__, way
    yield from ((f"loopback_{port}", partial(loopback, port)) for port in ports)
    for by in (loopback_by_a_route, loopback_by_a_packet):
        yield from ((f"{by.__name__}_{port}", partial(by, port)) for port in ports)


def main() -> None:
    """Try every way."""
    shared, *ports = sys.argv[1:]
    for name, way in ways(shared, [int(port) for port in ports]):
        if name in os.environ.get("WITHOUT", "").split():
            continue
        try:
            way()
            print(f"{name} open", flush=True)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{name} shut {' '.join(str(error).split())}", flush=True)
    do("ip address add 127.9.9.9/32 dev lo; ip route add blackhole 198.51.100.0/24; hostname way-out")
    print("network own", flush=True)


if __name__ == "__main__":
    main()
