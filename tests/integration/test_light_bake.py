"""Bakes in a light machine, on a real Debian: what recipes may do there, and what they cannot get at."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import light_machine
from phoenix.clouds.local.machines import remains
from phoenix.errors import ToolError
from tests.support.real import computer, ways_out
from tests.support.real.builds import build
from tests.support.real.pictures import differences

SCRIPT = base64.b64encode(Path(ways_out.__file__).read_bytes()).decode()


@pytest.fixture
def directory(roomy: Path, tmp_path: Path) -> Path:
    """On the disk of trees, below a directory that only root may enter."""
    made = roomy / "light-bakes" / tmp_path.name
    made.mkdir(parents=True, mode=0o700)
    return made


def nothing_runs(directory: Path) -> bool:
    """Whether the machine that baked is gone, with its control groups."""
    root = light_machine.machine_in(directory / "image/scratch").root
    return remains.marked(directory) == {} and remains.control_groups(root) == frozenset()


HABITS = r"""
    - name: See systemd
      ansible.builtin.assert:
        that:
          - ansible_service_mgr == 'systemd'
          - ansible_hostname == 'localhost'
          - ansible_virtualization_type != 'container'
          - not ansible_is_chroot
    - name: Find the proxy
      ansible.builtin.shell: test "$HTTPS_PROXY" = http://someone:word@127.0.0.1:9
    - name: Write a service
      ansible.builtin.copy:
        dest: /etc/systemd/system/own.service
        content: |
          [Service]
          ExecStart=/bin/sleep infinity
          [Install]
          WantedBy=multi-user.target
        mode: "0644"
      notify: Restart own
    - name: Start it
      ansible.builtin.systemd_service: {name: own.service, state: started, enabled: true, daemon_reload: true}
      register: started
    - name: Restart it by a handler
      ansible.builtin.meta: flush_handlers
    - name: See that it runs, anew
      ansible.builtin.shell: |
        systemctl is-active own.service
        test "$(systemctl show --value --property=MainPID own.service)" != {{ started.status.MainPID }}
    - name: Harden sshd
      ansible.builtin.copy:
        dest: /etc/ssh/sshd_config.d/10-own.conf
        content: "MaxAuthTries 3\n"
        mode: "0644"
        validate: /usr/sbin/sshd -t -f %s
    - name: Write what a builder needs itself
      ansible.builtin.copy: {dest: "/etc/{{ item }}", content: "# {{ item }}\n", mode: "0644"}
      loop: [hosts, resolv.conf]
    - name: Set the kernel up
      ansible.builtin.shell: |
        set -e
        printf 'net.ipv4.ip_forward=1\nnet.core.netdev_max_backlog=9\n' > /etc/sysctl.d/50-own.conf
        printf 'kernel.pid_max=123456\nvm.swappiness=1\n' >> /etc/sysctl.d/50-own.conf
        sysctl -p /etc/sysctl.d/50-own.conf
        sysctl -w net.ipv4.conf.all.rp_filter=1
        test "$(sysctl -n kernel.pid_max)" = 123456
        test "$(cat /run/phoenix-kernel/net/ipv4/ip_forward)" = 1
    - name: Load a module that the image's kernel has
      ansible.builtin.command: modprobe br_netfilter
    - name: Take another name
      ansible.builtin.hostname: {name: own-name}
    - name: Leave something that no restart keeps
      ansible.builtin.copy: {dest: /run/left, content: x, mode: "0644"}
    - name: Start anew
      ansible.builtin.reboot:
    - name: See that it started anew
      ansible.builtin.shell: |
        set -e
        systemctl is-active own.service
        test ! -e /run/left
        test "$(hostname)" = own-name
  handlers:
    - name: Restart own
      ansible.builtin.systemd_service: {name: own.service, state: restarted, daemon_reload: true}
"""


def test_what_public_roles_do_works_and_leaves_nothing(
    base_tree: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://someone:word@127.0.0.1:9")
    before = computer.picture()
    made = build("light", base_tree, directory, HABITS, facts=True)
    assert computer.picture() == before
    assert nothing_runs(directory)
    assert "the machine starts anew" in made.said
    assert [line for line in made.said if line.startswith("takes effect at boot")] == [
        "takes effect at boot, where a file of the image says so: kernel.pid_max vm.swappiness"
    ]
    written = {path for path in differences(base_tree, made.tree) if os.path.lexists(made.tree / path)}
    assert written == {
        *("etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/ssh/sshd_config.d/10-own.conf"),
        *("etc/sysctl.d/50-own.conf", "etc/systemd/system/own.service"),
        "etc/systemd/system/multi-user.target.wants/own.service",
    }


def tries(reach: int, other: int) -> str:
    """A task that tries every way out, and keeps what it found in the tree."""
    words = f"python3 /root/ways_out.py /var/cache/apt/archives {reach} {other} > /root/ways"
    return (
        "    - name: Try every way out\n      ansible.builtin.shell: |\n"
        f"        echo {SCRIPT} | base64 -d > /root/ways_out.py\n        {words}\n"
    )


def test_a_bake_in_a_machine_is_nobody(base_tree: Path, directory: Path) -> None:
    """What a task does happens to the machine; what it names on loopback is reached where it was given."""
    with computer.traces(), computer.service() as given, computer.service() as other:
        before = computer.picture()
        made = build("light", base_tree, directory, tries(given, other), reach=(given,))
        assert computer.picture() == before
    lines = (made.tree / "root/ways").read_text().splitlines()
    assert lines[-1] == "network own"
    found = {line.split()[0]: line.split()[1] for line in lines[:-1]}
    assert len(found) > 20
    assert {name for name, state in found.items() if state == "open"} == {f"loopback_{given}"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("modprobe no-such-module", "no module no-such-module"),
        pytest.param("modprobe kvm_intel", "nested virtualisation", marks=pytest.mark.full),
        pytest.param("swapon /swapfile", "swapon /swapfile cannot be done", marks=pytest.mark.full),
        pytest.param("mount -o loop /var/swap.img /mnt", "a loop device", marks=pytest.mark.full),
    ],
)
def test_what_a_shared_kernel_cannot_do_fails_and_names_who_can(
    base_tree: Path, directory: Path, command: str, said: str
) -> None:
    task = f"    - name: Do what cannot be done\n      ansible.builtin.command: {command}\n"
    with pytest.raises(ToolError, match="failed at the task 'Do what cannot be done'") as caught:
        build("light", base_tree, directory, task)
    assert said in caught.value.details
    assert "--builder packer" in caught.value.details
    assert nothing_runs(directory)


@pytest.mark.full
def test_a_task_that_switches_the_machine_off_is_told(base_tree: Path, directory: Path) -> None:
    task = "    - name: Switch it off\n      ansible.builtin.shell: systemctl poweroff && sleep 60\n"
    with pytest.raises(ToolError, match="failed at the task 'Switch it off'") as caught:
        build("light", base_tree, directory, task)
    assert "went away" in caught.value.details
    assert nothing_runs(directory)


@pytest.mark.full
def test_a_task_on_localhost_changes_nothing_of_the_computer(base_tree: Path, directory: Path, tmp_path: Path) -> None:
    """It is nobody, in a network that is not the computer's; of the machine it has the door only."""
    (tmp_path / "file").write_text("as it was\n")
    words = (
        f"touch {tmp_path}/new",
        f"echo changed > {tmp_path}/file",
        "echo 1 > /proc/sys/vm/swappiness",
        "cat /dev/vda /dev/sda | head -c 1 | grep -q .",
        "find /run /tmp /var/tmp -type s | grep -v /door/door$ | grep .",
        "mount -o remount,bind,rw /",
        f"ls {directory}/image/scratch/machine",
    )
    tries_ = "".join(
        f"    - name: Try\n      delegate_to: localhost\n      ansible.builtin.shell: {word!r}\n"
        "      register: tried\n      failed_when: tried.rc == 0\n"
        for word in words
    )
    before = computer.picture()
    build("light", base_tree, directory, tries_)
    assert (tmp_path / "file").read_text() == "as it was\n"
    assert not (tmp_path / "new").exists()
    assert computer.picture() == before


@pytest.mark.full
def test_what_knocks_at_the_door_without_a_request_is_not_let_in(base_tree: Path, directory: Path) -> None:
    """A lookup is the playbook's own program beside the machine: it may say anything to the door."""
    program = (
        "import os, socket\n"
        "directory = os.open(os.environ['PHOENIX_DOOR'], os.O_RDONLY)\n"
        "for said, handed in ((b'no request', []), (b'{}', [0, 1, 2]), (b'{\"command\": \"id\"}', [0, 1, 2])):\n"
        "    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "    line.connect(f'/proc/self/fd/{directory}/door')\n"
        "    files = [os.open('/etc/hostname', os.O_RDONLY) for _ in handed]\n"
        "    socket.send_fds(line, [said], files)\n"
        "    assert line.recv(100) == b''\n"
    )
    argv = json.dumps(["python3", "-c", program])
    knocks = f"    - name: Knock\n      delegate_to: localhost\n      ansible.builtin.command: {{argv: {argv}}}\n"
    build("light", base_tree, directory, knocks)
