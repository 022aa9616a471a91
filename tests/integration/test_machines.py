"""Light machines for real: started, seen, ended; and whatever happens to them or to phoenix, nothing is left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from phoenix.clouds.local.groups import LocalGroups
from phoenix.clouds.local.machines import entrance, limits, remains
from phoenix.clouds.local.machines.listening import words as why_not
from phoenix.clouds.local.machines.machine_files import MachineFiles, read_record
from phoenix.demo import load
from phoenix.errors import CloudError, RefusedError
from phoenix.model import BootState, InstanceState, Machine
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import listeners
from tests.support.real import machines
from tests.support.real.machines import NAME, answer, calm, instances, until


@pytest.fixture
def root(roomy: Path, tmp_path: Path) -> Iterator[Path]:
    """A cloud's root; the test may leave groups in it."""
    root = roomy / "roots" / tmp_path.name
    yield root
    groups = machines.groups_of(root, root, MachineEngine.LIGHT)
    for group in groups.list():
        groups.delete(group.name)
    assert machines.left_of(root) == []


@pytest.fixture
def groups(root: Path, bare_images: Path) -> LocalGroups:
    return machines.groups_of(root, bare_images, MachineEngine.LIGHT)


def files_of(root: Path, index: int = 1) -> MachineFiles:
    return MachineFiles(root=root, group=NAME, name=f"{NAME}-{index}")


def kill(root: Path, part: str, index: int = 1) -> None:
    """Kill -9 one of a machine's processes."""
    started = read_record(files_of(root, index))
    assert started
    os.kill(started.processes[part].pid, signal.SIGKILL)


def booted(groups: LocalGroups) -> bool:
    found = instances(groups)
    return bool(found) and all(instance.boot is BootState.DONE for instance in found)


def test_machines_answer_and_say_what_they_did(groups: LocalGroups) -> None:
    groups.create(machines.group(size=3), machines.template(), between=calm)
    found = instances(groups)
    assert [instance.id for instance in found] == [f"{NAME}-{index}" for index in (1, 2, 3)]
    assert {instance.engine for instance in found} == {"light"}
    assert len({instance.address for instance in found}) == 3
    for instance in found:
        until("an answer", partial(answer, instance.address))
        assert answer(instance.address) == f"hello from {instance.id}"
    until("the boot work", lambda: booted(groups))
    assert {instance.state for instance in instances(groups)} == {InstanceState.RUNNING}
    until("the log", lambda: '"GET / HTTP/1.1" 200' in groups.logs(f"{NAME}-2")["service"])
    logs = groups.logs(f"{NAME}-2")
    assert logs["boot"] == "starting the app\n"
    assert "Started app.service" in logs["console"]
    assert "starting the app" not in logs["service"]


def test_twice_is_once(groups: LocalGroups, root: Path) -> None:
    groups.create(machines.group(size=2), machines.template(), between=calm)
    before = remains.marked(root)
    groups.create(machines.group(size=2), machines.template(), between=calm)
    assert remains.marked(root) == before
    groups.delete(NAME)
    groups.delete(NAME)
    assert groups.find(NAME) is None
    assert machines.left_of(root) == []


def test_another_release_or_project_is_refused(groups: LocalGroups, root: Path, bare_images: Path) -> None:
    groups.create(machines.group(size=0), machines.template(), between=calm)
    with pytest.raises(CloudError, match="another release"):
        groups.create(machines.group(size=0, settings=(("A", "1"),)), machines.template(), between=calm)
    others = machines.groups_of(root, bare_images, MachineEngine.LIGHT, project="other")
    assert others.list() == ()
    attempts: list[Callable[[], None]] = [
        lambda: others.create(machines.group(size=0, project="other"), machines.template(), between=calm),
        lambda: others.delete(NAME),
        lambda: others.resize(NAME, 3, between=calm),
        lambda: others.label(NAME, keep_until=None),
    ]
    for attempt in attempts:
        with pytest.raises(RefusedError, match="belongs to the project machines"):
            attempt()
    assert groups.find(NAME)


def test_failed_boot_work_says_so(groups: LocalGroups) -> None:
    groups.create(machines.group(size=1), machines.template("echo no such package >&2\nexit 7\n"), between=calm)
    until("the failure", lambda: instances(groups)[0].boot is BootState.FAILED)
    until("the log", lambda: "no such package" in groups.logs(f"{NAME}-1")["boot"])
    assert instances(groups)[0].detail == "boot work failed (exit 7)"
    assert instances(groups)[0].failed_units == ()


def test_a_crash_loop_says_so(groups: LocalGroups) -> None:
    unit = "[Service]\\nExecStart=/bin/sh -c 'echo I am broken; exit 3'\\nRestart=always\\n"
    user_data = f'printf "{unit}" > /etc/systemd/system/my-app.service\nsystemctl start my-app\n'
    groups.create(machines.group(size=1), machines.template(user_data), between=calm)
    until("the failure", lambda: instances(groups)[0].failed_units)
    found = instances(groups)[0]
    assert found.failed_units == ("my-app.service",)
    assert "unit failed my-app.service" in found.detail
    assert found.state is InstanceState.RUNNING
    until("the log", lambda: "Start request repeated too quickly" in groups.logs(found.id)["service"])
    assert groups.logs(found.id)["service"].count("I am broken") == 5


def test_why_nobody_reaches_a_port_and_how_often_a_service_died(groups: LocalGroups, root: Path) -> None:
    listening = "import socket, time\\n" + "".join(
        f"{name} = socket.create_server({address}, family=socket.{family})\\n"
        for name, address, family in [
            ("a", '("127.0.0.1", 8081)', "AF_INET"),
            ("b", '("::1", 8081)', "AF_INET6"),
            ("c", '("::", 8082)', "AF_INET6"),
            ("d", '("0.0.0.0", 8083)', "AF_INET"),
        ]
    )
    both = 'e = socket.create_server(("::", 8084), family=socket.AF_INET6, dualstack_ipv6=True)\\ntime.sleep(999)\\n'
    dying = "[Service]\\nExecStart=/bin/true\\nRestart=always\\nRestartSec=100ms\\n[Unit]\\nStartLimitIntervalSec=0\\n"
    user_data = (
        f"printf '{listening}{both}' > /srv/listen.py\n"
        f"printf '{dying}' > /etc/systemd/system/my-app.service\n"
        "systemd-run --unit listen python3 /srv/listen.py\nsystemctl start --no-block my-app\n"
    )
    groups.create(machines.group(size=1), machines.template(user_data), between=calm)
    started = read_record(files_of(root))
    assert started
    until("the sockets", lambda: 8084 in {port for _host, port in listeners.inside(started.processes["machine"].pid)})
    assert why_not(started, 8080) == "nothing listens on port 8080; the machine listens on 8081, 8082, 8083, 8084"
    assert why_not(started, 8081) == (
        "port 8081 is listened to inside the machine only, on 127.0.0.1:8081 and [::1]:8081; "
        "the balancer asks by IPv4, from outside: 0.0.0.0:8081"
    )
    assert why_not(started, 8082) == (
        "port 8082 is listened to by IPv6 only, on [::]:8082; the balancer asks by IPv4, from outside: 0.0.0.0:8082"
    )
    assert (why_not(started, 8083), why_not(started, 8084)) == ("", "")
    assert groups.logs(f"{NAME}-1")["listening"].startswith("nothing listens on port 8080;")
    until("restarts", lambda: (instances(groups)[0].restarts or 0) >= 3)
    inside = entrance.command(root, f"{NAME}-1", ("sh", "-c", "hostname; id -u; exit 7"), terminal=False)
    done = subprocess.run(inside, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (7, [f"{NAME}-1", "0"]), done.stderr
    owner = Path(f"/proc/{started.processes['machine'].pid}").stat().st_uid
    used = next(each.used for each in limits.measured(user=owner) if each.sysctl == limits.INOTIFY)
    assert used >= limits.OF_A_MACHINE[limits.INOTIFY], "what a machine takes at least; others' count, too"


@pytest.mark.parametrize("part", ["machine", "way to the network", "port"])
def test_a_dead_machine_is_seen_and_stays_dead(groups: LocalGroups, root: Path, part: str) -> None:
    groups.create(machines.group(size=2), machines.template(), between=calm)
    until("the boot work", lambda: booted(groups))
    kill(root, part)
    until("its death", lambda: instances(groups)[0].state is InstanceState.DEAD)
    assert f"{part} ended" in instances(groups)[0].detail
    groups.create(machines.group(size=2), machines.template(), between=calm)
    assert [instance.state for instance in instances(groups)] == [InstanceState.DEAD, InstanceState.RUNNING]
    groups.resize(NAME, 1, between=calm)
    assert [instance.id for instance in instances(groups)] == [f"{NAME}-2"], "the dead one goes first"


def test_resize(groups: LocalGroups, root: Path) -> None:
    groups.create(machines.group(size=1), machines.template(), between=calm)
    groups.resize(NAME, 3, between=calm)
    assert len(instances(groups)) == 3
    groups.resize(NAME, 3, between=calm)
    groups.resize(NAME, 1, between=calm)
    found = groups.find(NAME)
    assert found is not None
    assert (found.size, [instance.id for instance in found.instances]) == (1, [f"{NAME}-1"])
    assert remains.control_groups(root) == {f"{NAME}-1"}


def test_limits(groups: LocalGroups, root: Path) -> None:
    """A process that wants more memory than the machine has is killed; two processors' time is what it gets."""
    machine = Machine(cpus=2, memory=100 << 20)
    quotas = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max"
    work = f"! python3 -c 'b\"x\" * (200 << 20)' && grep -qs 200000 {quotas}\n"
    groups.create(machines.group(size=1), machines.template(work, machine), between=calm)
    until("the end of the boot work", lambda: instances(groups)[0].boot in (BootState.DONE, BootState.FAILED))
    assert instances(groups)[0].boot is BootState.DONE


def test_no_request_is_lost_on_the_way_in(groups: LocalGroups, tmp_path: Path) -> None:
    groups.create(machines.group(size=1), machines.template(), between=calm)
    until("the boot work", lambda: booted(groups))
    url = f"http://{instances(groups)[0].address}/"
    until("an answer", partial(answer, instances(groups)[0].address))
    with load.running(url, rate=300, out=tmp_path / "load.json", clock=machines.CLOCK) as requests:
        until("a thousand answers", lambda: requests.so_far().answered >= 1000)
        summary = requests.finish()
    assert (summary.failed, summary.sent) == (0, summary.answered)


def test_the_ways_out(root: Path, bare_images: Path, tmp_path: Path) -> None:
    """What is served on loopback, as 10.0.2.2; and the world: names are answered and the mirror is reached."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE_ONCE], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        groups = machines.groups_of(root, bare_images, MachineEngine.LIGHT, machines.PROJECT, int(port))
        user_data = (
            f"python3 -c \"import urllib.request as u; u.urlopen('http://10.0.2.2:{port}/')\"\napt-get -q update\n"
        )
        groups.create(machines.group(size=1), machines.template(f"set -e\n{user_data}"), between=calm)
        until("the boot work", lambda: instances(groups)[0].boot is not BootState.RUNNING, deadline=120)
        until("its end", lambda: instances(groups)[0].boot in (BootState.DONE, BootState.FAILED), deadline=120)
        assert instances(groups)[0].boot is BootState.DONE, groups.logs(f"{NAME}-1")["boot"]
        assert server.wait(timeout=10) == 0


GO_IN = """\
import sys
from pathlib import Path
from phoenix.clouds.local.machines import entrance
root, instance, *times = sys.argv[1:5]
said = iter(times)
sys.exit(entrance.go_in(Path(root), instance, tuple(sys.argv[5:]), lambda: next(said)))
"""
STAYS = "nohup sleep 1000 > /dev/null 2>&1 < /dev/null & read line; exit 3"


def test_who_is_inside_of_a_machine_is_seen_until_they_come_back(groups: LocalGroups, root: Path) -> None:
    groups.create(machines.group(size=1), machines.template(), between=calm)
    assert (instances(groups)[0].touched, instances(groups)[0].inside) == ("", False)
    times = ("ada at 2026-01-31T12:00:00Z", "ada at 2026-01-31T13:00:00Z")
    way = entrance.command(root, f"{NAME}-1", ("sh", "-c", STAYS), terminal=False)
    argv = (sys.executable, "-c", GO_IN, str(root), f"{NAME}-1", *times, *way)
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as visitor:
        until("somebody inside", lambda: instances(groups)[0].inside)
        assert instances(groups)[0].touched == times[0]
        visitor.communicate(b"home\n", timeout=30)
    assert visitor.returncode == 3
    assert (instances(groups)[0].touched, instances(groups)[0].inside) == (times[1], False), "what they left is nobody"


TYPES = "import fcntl, termios\nfor sign in b'oops\\n': fcntl.ioctl(0, termios.TIOCSTI, bytes([sign]))"


def test_who_is_root_inside_cannot_type_at_the_persons_terminal(groups: LocalGroups, root: Path) -> None:
    """The terminal there is the machine's own; what is put into its input is not typed at the computer's shell."""
    groups.create(machines.group(size=1), machines.template(), between=calm)
    way = entrance.command(root, f"{NAME}-1", ("python3", "-c", TYPES), terminal=True)
    person, shell = pty.openpty()
    try:
        argv = ("setsid", "--ctty", "--wait", *way)
        done = subprocess.run(argv, stdin=shell, stdout=shell, stderr=shell, check=False, timeout=30)
        assert done.returncode == 0, os.read(person, 10_000)
        os.set_blocking(shell, False)
        with pytest.raises(BlockingIOError):
            os.read(shell, 100)
    finally:
        os.close(person)
        os.close(shell)


SERVE_ONCE = """\
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.handle_request()
server.server_close()
"""


def test_machines_outlive_their_starter_and_are_found_again(groups: LocalGroups, root: Path, bare_images: Path) -> None:
    starter = [sys.executable, "-m", "tests.support.real.machines", str(root), str(bare_images), "2", "light"]
    subprocess.run(starter, check=True, timeout=60)
    until(
        "answers", lambda: [answer(i.address) for i in instances(groups)] == [f"hello from {NAME}-{i}" for i in (1, 2)]
    )
    groups.delete(NAME)
    assert groups.list() == ()
    assert remains.marked(root) == {}


@pytest.mark.parametrize(
    ("machine", "sign"),
    [
        (1, "config.json"),
        *((3, sign) for sign in ("host", "runc", "pid", "network.log", "port.log", "machine.json")),
    ],
)
def test_killed_while_it_creates(groups: LocalGroups, root: Path, bare_images: Path, machine: int, sign: str) -> None:
    """Phoenix is killed -9 when a machine's start has come so far: creating again works, and nothing leaks."""
    machines.kill_when(files_of(root, machine).directory / sign, root, bare_images, MachineEngine.LIGHT)
    groups.create(machines.group(size=4), machines.template(), between=calm)
    assert len(instances(groups)) == 4
    until("the boot work", lambda: booted(groups))
    assert remains.control_groups(root) == {f"{NAME}-{index}" for index in range(1, 5)}
    assert set(remains.marked(root)) == {
        process for index in range(1, 5) for name, process in read_record_of(root, index).items() if name != "machine"
    }


def read_record_of(root: Path, index: int) -> dict[str, object]:
    started = read_record(files_of(root, index))
    assert started
    return dict(started.processes)


@pytest.mark.parametrize("sign", ["config.json", "pid", "port.log"])
def test_what_a_killed_phoenix_left_is_swept(groups: LocalGroups, root: Path, bare_images: Path, sign: str) -> None:
    machines.kill_when(files_of(root, 2).directory / sign, root, bare_images, MachineEngine.LIGHT)
    swept = groups.sweep()
    there = {instance.id for instance in instances(groups)}
    assert remains.control_groups(root) == there
    assert {path.name for path in remains.marked(root).values()} == there
    assert [path.name for path in (root / "groups" / NAME / "instances").iterdir()] == sorted(there)
    assert groups.sweep() == ()
    assert all(NAME in what for what in swept)


def test_machines_whose_directory_was_removed_are_swept(groups: LocalGroups, root: Path) -> None:
    groups.create(machines.group(size=2), machines.template(), between=calm)
    subprocess.run(["rm", "-r", str(root / "groups" / NAME)], check=True)
    assert groups.find(NAME) is None
    assert remains.marked(root)
    assert groups.sweep() == (f"what was left of the machine {NAME}-1", f"what was left of the machine {NAME}-2")
    assert machines.left_of(root) == []
