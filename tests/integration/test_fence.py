"""Nothing that phoenix starts can touch this computer: the ways out are tried from a machine, a bake and a trial boot.

A light machine without its fence proves that the attempts would succeed.
"""

from __future__ import annotations

import base64
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from phoenix.clouds.local.bake import apt_cache, chroot_builder, trees
from phoenix.clouds.local.groups import LocalGroups
from phoenix.clouds.local.image_files import ImageFiles
from phoenix.clouds.local.machines import engines
from phoenix.clouds.local.machines import lifecycle as machines
from phoenix.clouds.local.machines.machine_files import MachineFiles, MachineSpec
from phoenix.model import BootState, Machine
from phoenix.spec.clouds import MachineEngine
from phoenix.tools import fence, process
from phoenix.tools.process import Command, Completed
from tests.support.real import computer, ways_out
from tests.support.real import machines as real
from tests.support.real.machines import NAME, PROJECT, calm, instances, until

SCRIPT = base64.b64encode(Path(ways_out.__file__).read_bytes()).decode()
TRY = f"echo {SCRIPT} | base64 -d > /tmp/ways_out.py; python3 /tmp/ways_out.py"
SHARED = "/run/phoenix-host"
TOUCHED = {
    *("settings_mounted_again", "handle", "program_in_the_kernel", "debugging", "keys", "own_memory_limit"),
}
"""What of the computer the root of a machine without a fence gets at, wherever it runs."""


@pytest.fixture
def root(roomy: Path, tmp_path: Path) -> Iterator[Path]:
    """A cloud's root below a directory that only root may enter."""
    private = roomy / "roots" / tmp_path.name
    private.mkdir(parents=True, mode=0o700)
    root = private / "cloud"
    yield root
    groups = real.groups_of(root, root, MachineEngine.LIGHT)
    for group in groups.list():
        groups.delete(group.name)
    assert real.left_of(root) == []


def cloud(root: Path, images: Path, *reach: int) -> LocalGroups:
    return real.groups_of(root, images, MachineEngine.LIGHT, PROJECT, *reach)


def spec_of(images: Path, user_data: str, *reach: int) -> MachineSpec:
    image = ImageFiles(directory=images / "bare")
    return MachineSpec(
        image=image, machine=Machine(cpus=1, memory=512 << 20), port=8080, user_data=user_data, reach=reach
    )


def shared(root: Path) -> Path:
    """The directory that the first machine shares with the computer."""
    return MachineFiles(root=root, group=NAME, name=f"{NAME}-1").directory / "host"


def open_ways(text: str) -> set[str]:
    """The ways that were found open, of a report that is whole."""
    lines = text.splitlines()
    assert lines[-1:] == ["network own"], text
    tried = {line.split()[0]: line.split()[1] for line in lines[:-1]}
    assert len(tried) > 20
    return {name for name, state in tried.items() if state == "open"}


def boot(groups: LocalGroups, user_data: str) -> None:
    groups.create(real.group(size=1), real.template(user_data), between=calm)
    done = (BootState.DONE, BootState.FAILED)
    until("the boot work", lambda: instances(groups)[0].boot in done, deadline=180)
    assert instances(groups)[0].boot is BootState.DONE, groups.logs(f"{NAME}-1")["boot"]


def test_a_light_machine_is_nobody(root: Path, bare_images: Path) -> None:
    """It reaches what it was given, under a port that its own service has, too; and nothing else of the computer."""
    with computer.traces(), computer.service() as given, computer.service() as other:
        before = computer.picture()
        groups = cloud(root, bare_images, given)
        serve = f"python3 -m http.server {given} >/dev/null 2>&1 &\nuntil echo > /dev/tcp/127.0.0.1/{given}; do :; done"
        own = f"bash -c '{serve}' 2>/dev/null\nset -e\n"
        boot(groups, f"{own}{TRY} {SHARED} {given} {other} > {SHARED}/ways\n")
        found = open_ways((shared(root) / "ways").read_text())
        assert found == {f"loopback_{given}"}
        assert computer.picture() == before


def test_a_machine_without_a_fence_is_root_of_the_computer(root: Path, bare_images: Path) -> None:
    """What proves that the test above could fail."""
    files = MachineFiles(root=root, group=NAME, name=f"{NAME}-1")
    with computer.traces(), computer.service() as other:
        tries = f"export WITHOUT=swap\n{TRY} {SHARED} {other} > {SHARED}/ways; touch {SHARED}/done\n"
        spec = spec_of(bare_images, tries)
        machines.start(spec, files, engines.OPEN)
        try:
            until("the attempts", (shared(root) / "done").exists, deadline=180)
            assert open_ways((shared(root) / "ways").read_text()) >= TOUCHED
        finally:
            machines.remove(files)
            trees.remove(root)


def behind(below: Path, directory: Path, command: Command, *reach: int, readable: tuple[Path, ...] = ()) -> Completed:
    """Run `command` beside the tree, as a chroot bake does; of /tmp it sees `readable` besides."""
    workspace = directory / "workspace"
    workspace.mkdir(parents=True)
    around = replace(chroot_builder.lay_out(below, directory, workspace, reach), readable=tuple(map(str, readable)))
    return process.run(fence.around(around, command), timeout=180, check=False)


def test_a_bake_is_nobody(base_tree: Path, roomy: Path, tmp_path: Path) -> None:
    """What a task of a playbook does happens to the tree; what it names on loopback is reached where it was given."""
    directory = roomy / "fences" / tmp_path.name
    with computer.traces(), computer.service() as given, computer.service() as other:
        before = computer.picture()
        script = f"{TRY} /var/cache/apt/archives {given} {other}"
        done = behind(base_tree, directory, fence.inside("sh", "-euc", script), given)
        assert done.code == 0, done.stderr
        assert open_ways(done.stdout) == {f"loopback_{given}"}
        assert computer.picture() == before


@pytest.mark.parametrize(
    "script",
    [
        "touch {outside}/new",
        "echo changed > {outside}/file",
        "rm {outside}/file",
        "mount -o remount,bind,rw / && touch {outside}/new",
        "mknod {inside}/disk b {disk} && head -c 1 {inside}/disk",
        "echo 1 > /proc/sys/vm/swappiness",
        "kill -0 {pid}",
        "cat /dev/vda /dev/sda | head -c 1 | grep -q .",
        "find /run /tmp /var/tmp -type s | grep .",
        "ls /proc/1/root/",
        "nsenter --target 1 --mount touch {outside}/new",
        "echo changed > /proc/self/cwd/../../../outside/file",
    ],
)
def test_a_task_on_localhost_reads_the_computer_and_writes_its_workspace(
    base_tree: Path, roomy: Path, tmp_path: Path, script: str
) -> None:
    directory, outside = roomy / "fences" / tmp_path.name, tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("as it was\n")
    number = roomy.stat().st_dev
    words = script.format(
        outside=outside,
        inside=directory / "workspace",
        disk=f"{os.major(number)} {os.minor(number)}",
        pid=os.getpid(),
    )
    before = computer.picture()
    works = f"cat {outside}/file && touch {directory}/workspace/new && test -c /dev/null && test -w /dev/shm"
    command = Command(argv=("sh", "-c", f"{works} && ! ({words})"))
    done = behind(base_tree, directory, command, readable=(outside,))
    assert done.code == 0, done.stderr
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "as it was\n"
    assert computer.picture() == before


def test_packages_that_are_lent_to_a_bake_cannot_be_changed_by_it(
    base_tree: Path, roomy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_CACHE", str(roomy / "caches" / tmp_path.name))
    apt_cache.lend(tmp_path / "first")
    cached = roomy / "caches" / tmp_path.name / "apt/archives"
    (cached / "hello.deb").write_text("whole\n")
    directory = roomy / "fences" / tmp_path.name
    script = (
        "cd /var/cache/apt/archives; cat hello.deb; ! (echo bad > hello.deb) && ! chmod 666 hello.deb;"
        " ln -s /etc/shadow link.deb; mkfifo pipe.deb; echo good > new.deb"
    )
    done = behind(base_tree, directory, fence.inside("sh", "-euc", script))
    assert (done.code, done.stdout) == (0, "whole"), done.stderr
    apt_cache.take_back(directory / "apt")
    assert sorted(path.name for path in cached.iterdir()) == ["hello.deb", "new.deb"]
    assert (cached / "hello.deb").read_text() == "whole\n"
    assert {path.stat().st_uid for path in cached.glob("*.deb")} == {os.geteuid()}


def test_a_link_in_a_tree_leads_nowhere_outside_of_it(base_tree: Path, roomy: Path, tmp_path: Path) -> None:
    """A layer that put a link into its tree does not make the next bake empty a directory of the computer."""
    directory, outside = roomy / "fences" / tmp_path.name, tmp_path / "outside"
    (outside / "apt/archives").mkdir(parents=True)
    (outside / "apt/archives/precious").touch()
    first = behind(base_tree, directory, fence.inside("sh", "-euc", "id > /root/who"))
    assert first.code == 0, first.stderr
    tree = directory / "tree"
    trees.flatten(base_tree, directory / "upper", tree)
    process.run(Command(argv=("rm", "-r", str(tree / "var/cache"))), timeout=60)
    (tree / "var/cache").symlink_to(outside)
    done = behind(tree, roomy / "fences" / f"{tmp_path.name}-2", fence.inside("true"))
    assert done.code != 0, "there is no such directory inside"
    assert (outside / "apt/archives/precious").exists()
    assert (tree / "root/who").stat().st_uid == 0


def test_a_trial_boot_reaches_no_service(bare_images: Path, roomy: Path, tmp_path: Path) -> None:
    """The machine that proves an image has a kernel of its own; what is left is this computer's loopback interface."""
    directory = roomy / "trials" / tmp_path.name
    directory.mkdir(parents=True)
    report = "/usr/lib/phoenix/report"
    with computer.service() as port:
        connect = f"python3 -c \"import socket; socket.create_connection(('10.0.2.2', {port}), 5)\""
        reports = machines.run_to_end(
            directory=directory,
            image=ImageFiles(directory=bare_images / "bare"),
            user_data=f"if {connect}; then {report} reached; else {report} not reached; fi\n{report} over\n",
            last_line="over",
            machine=Machine(cpus=1, memory=512 << 20),
            accelerator="tcg",
            deadline=300,
            clock=real.CLOCK,
            on_line=lambda _line: None,
        )
    assert "not reached" in reports


def test_what_a_machine_puts_in_the_place_of_its_log_is_not_read(root: Path, bare_images: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("boot running\nthe computer's secret\n")
    groups = cloud(root, bare_images)
    boot(groups, "echo up\n")
    for replaced in (lambda path: path.symlink_to(secret), os.mkfifo, Path.mkdir):
        for name in ("report.log", "console.log", "console.log.1"):
            path = shared(root) / name
            path.unlink(missing_ok=True)
            replaced(path)
        assert "secret" not in str(groups.logs(f"{NAME}-1"))
        assert "secret" not in str(instances(groups)[0])


def test_a_chatty_service_fills_no_disk(root: Path, bare_images: Path) -> None:
    """Its log is set aside at 10 MB, once; the last words are there, and those before."""
    groups = cloud(root, bare_images)
    lines = "for i in range(9000): print(i, 'x' * 4000)"
    boot(groups, f'python3 -c "{lines}"; echo these are the last words\n')
    until("the last words", lambda: "these are the last words" in groups.logs(f"{NAME}-1")["console"])
    sizes = {path.name: path.stat().st_size for path in shared(root).glob("console.log*")}
    assert sorted(sizes) == ["console.log", "console.log.1"]
    assert max(sizes.values()) < 10_200_000


def test_what_holds_a_tree_is_closed_to_others(root: Path, bare_images: Path) -> None:
    groups = cloud(root, bare_images)
    boot(groups, "cp /bin/true /root/setuid; chmod 4755 /root/setuid\n")
    files = MachineFiles(root=root, group=NAME, name=f"{NAME}-1")
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700
    assert (files.directory / "upper/root/setuid").stat().st_uid == 0, "on disk it is what it is inside"


def test_a_machine_that_divides_its_groups_without_end_is_burnt(root: Path, bare_images: Path) -> None:
    groups = cloud(root, bare_images)
    deep = "import os; [(os.mkdir('x' * 200), os.chdir('x' * 200)) for _ in range(60)]"
    boot(groups, f'cd /sys/fs/cgroup/systemd 2>/dev/null || cd /sys/fs/cgroup\npython3 -c "{deep}"\n')
    groups.delete(NAME)
    assert real.left_of(root) == []


def test_a_mark_that_is_no_machines_is_nobodys(root: Path, bare_images: Path) -> None:
    """A program in a machine may say that it is another's: nothing is removed by that name."""
    groups = cloud(root, bare_images)
    marks = (root / "groups", root / "groups/../precious", Path("/"), root / "groups/web-local-v001")
    boot(groups, "\n".join(f"PHOENIX_MACHINE={mark} sleep 600 &" for mark in marks))
    assert groups.sweep() == ()
    assert len(instances(groups)) == 1


def test_where_mounts_are_shared_none_is_lost_or_left(root: Path, bare_images: Path) -> None:
    """As under systemd: what somebody unmounts in a namespace that shares is unmounted everywhere."""
    create = f"{sys.executable} -m tests.support.real.machines {root} {bare_images} 1 light"
    shared = ("unshare", "--mount", "--propagation", "shared", "--", "sh", "-euc")
    look = "cut -d ' ' -f 5- /proc/self/mountinfo"
    done = process.run(Command(argv=(*shared, f"{look}; echo ----; {create}; {look}")), timeout=120)
    before, after = done.stdout.split("----\n")
    assert before.splitlines() == after.splitlines()
    assert "shared:" in before


def test_a_wire_ends_with_its_machine(root: Path, bare_images: Path) -> None:
    with computer.service() as given:
        groups = cloud(root, bare_images, given)
        boot(groups, "true\n")
        groups.delete(NAME)
        assert real.left_of(root) == []
